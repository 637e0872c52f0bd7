import * as Args from "@oclif/core/args";

import { resolveJobId } from "../../app/resolve-run.ts";
import { showRun } from "../../app/show-run.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderRunDetails, toDetailsJson } from "../../cli/render/run-details.ts";
import { screenOf } from "../../cli/screen.ts";
import { openQueueIfPresent } from "../../wiring/open-queue.ts";
import { toPrintable } from "../../model/exact-json.ts";

export default class RunsShow extends BaseCommand {
  static override summary = "Show everything about one run: how it ended and why, parameters, metrics, code, log.";
  static override description =
    "A run of another machine is shown with what its ledger entry tells, and where the rest can be found.";
  static override examples = [
    "<%= config.bin %> runs show @last",
    "<%= config.bin %> runs show 4f2a",
    "<%= config.bin %> runs show 4f2a --json",
  ];
  static override aliases = ["show-run", "show"];
  static override args = {
    run: Args.string({ description: "Id of the run, a unique beginning of it, or @last.", required: true }),
  };

  override async run(): Promise<Record<string, unknown>> {
    const { args, flags } = await this.parse(RunsShow);
    const repo = this.openRepo(flags);
    await using store = await openQueueIfPresent(repo);
    const details = await showRun(repo, resolveJobId(repo, args.run), store);
    this.log(renderRunDetails(details, screenOf(this.io, this.color, repo.clock.nowMs())));
    return { ...toDetailsJson(details), statepoint: toPrintable(details.row.statePoint) };
  }
}
