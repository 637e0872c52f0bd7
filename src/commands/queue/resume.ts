import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { BaseCommand } from "../../cli/base-command.ts";
import { toChosenLanes } from "../../cli/chosen-lanes.ts";
import { type PausedLaneJson, setLanesPaused } from "../../cli/set-lanes-paused.ts";

export default class QueueResume extends BaseCommand {
  static override summary = "Let paused lanes go on.";
  static override examples = ["<%= config.bin %> queue resume gpu", "<%= config.bin %> queue resume --all"];
  static override args = { lane: Args.string({ description: "Name of a lane.", multiple: true }) };
  static override flags = { all: Flags.boolean({ summary: "All lanes.", default: false }) };

  override async run(): Promise<readonly PausedLaneJson[]> {
    const { args, flags } = await this.parse(QueueResume);
    const chosen = toChosenLanes(args.lane, flags.all);
    const words = { changed: "goes on", same: "was not paused" };
    return await setLanesPaused(this, this.openRepo(flags), chosen, false, words);
  }
}
