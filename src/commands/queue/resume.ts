import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { applyLanes } from "../../app/apply-lanes.ts";
import { setPaused } from "../../app/pause-lanes.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { toChosenLanes } from "../../cli/chosen-lanes.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class QueueResume extends BaseCommand {
  static override summary = "Let paused lanes go on.";
  static override examples = ["<%= config.bin %> queue resume gpu", "<%= config.bin %> queue resume --all"];
  static override args = { lane: Args.string({ description: "Name of a lane.", multiple: true }) };
  static override flags = { all: Flags.boolean({ summary: "All lanes.", default: false }) };

  override async run(): Promise<readonly { lane: string; paused: boolean; changed: boolean }[]> {
    const { args, flags } = await this.parse(QueueResume);
    const chosen = toChosenLanes(args.lane, flags.all);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    await applyLanes(store, await repo.readConfig());
    const results = await setPaused(store, chosen, false);
    for (const { lane, isChanged } of results)
      this.log(`lane ${lane.name} ${isChanged ? "goes on" : "was not paused"}`);
    return results.map(({ lane, isChanged }) => ({ lane: lane.name, paused: lane.isPaused, changed: isChanged }));
  }
}
