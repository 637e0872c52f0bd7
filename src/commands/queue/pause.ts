import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { BaseCommand } from "../../cli/base-command.ts";
import { toChosenLanes } from "../../cli/chosen-lanes.ts";
import { type PausedLaneJson, setLanesPaused } from "../../cli/set-lanes-paused.ts";

export default class QueuePause extends BaseCommand {
  static override summary = "Pause lanes: nothing more is started in them; what runs goes on.";
  static override examples = ["<%= config.bin %> queue pause gpu", "<%= config.bin %> queue pause --all"];
  static override args = { lane: Args.string({ description: "Name of a lane.", multiple: true }) };
  static override flags = { all: Flags.boolean({ summary: "All lanes.", default: false }) };

  override async run(): Promise<readonly PausedLaneJson[]> {
    const { args, flags } = await this.parse(QueuePause);
    const chosen = toChosenLanes(args.lane, flags.all);
    const words = { changed: "is paused", same: "was paused already" };
    return await setLanesPaused(this, this.openRepo(flags), chosen, true, words);
  }
}
