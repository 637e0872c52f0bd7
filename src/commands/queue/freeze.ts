import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { freezeOrder } from "../../app/run-pending.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { plural } from "../../cli/render/plural.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class QueueFreeze extends BaseCommand {
  static override summary = "Keep the present order of pending runs under a name, for `queue run --index`.";
  static override description =
    "The order is made once and never changes, however many of its runs have ended since. Under a name that is there " +
    "already, the order of then is shown.";
  static override examples = ["<%= config.bin %> queue freeze night --tag night"];
  static override args = { name: Args.string({ description: "Name of the order.", required: true }) };
  static override flags = {
    tag: Flags.string({ summary: "Only runs with this tag.", helpValue: "TAG" }),
    experiment: Flags.string({ summary: "Only runs of this experiment.", helpValue: "E001" }),
    lane: Flags.string({ summary: "Only runs of this lane.", helpValue: "LANE" }),
  };

  override async run(): Promise<{ name: string; runs: readonly string[] }> {
    const { args, flags } = await this.parse(QueueFreeze);
    const repo = this.openRepo(flags);
    const { tag, experiment: experimentId, lane } = flags;
    await using store = await openQueue(repo);
    const order = await freezeOrder(store, args.name, { tag, experimentId, lane });
    const what = plural(order.length, "run");
    this.log(`order ${toSafeLine(args.name)}: ${what}, index 0 to ${order.length - 1}`);
    return { name: args.name, runs: order };
  }
}
