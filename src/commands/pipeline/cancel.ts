import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { showPipeline } from "../../app/show-pipeline.ts";
import { stopTasks } from "../../app/stop-tasks.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type OutcomeJson, printOutcomes } from "../../cli/print-outcomes.ts";
import { openStopPorts, STOP_WORDS } from "../../cli/stop-ports.ts";
import { isTerminalState } from "../../queue/task.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class PipelineCancel extends BaseCommand {
  static override summary = "Stop everything of a pipeline that has not ended.";
  static override description =
    "What other pipelines wait for, because they need the same result, one of them computes instead.";
  static override examples = ["<%= config.bin %> pipeline cancel grp_0a1b2c3d4e5f"];
  static override args = {
    group: Args.string({ description: "Group, as `pipeline list` shows it, or @last.", required: true }),
  };
  static override flags = { force: Flags.boolean({ summary: "Kill at once.", default: false }) };

  override async run(): Promise<readonly OutcomeJson[]> {
    const { args, flags } = await this.parse(PipelineCancel);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    const { tasks } = await showPipeline(store, args.group);
    const ids = tasks.filter(({ state }) => !isTerminalState(state)).map(({ id }) => id);
    if (ids.length === 0) this.log("Nothing of it is there to stop.");
    const ports = openStopPorts(repo, store, this.io.env);
    const stopped = await stopTasks(repo, ports, ids, { mode: flags.force ? "kill" : "graceful", graceMs: undefined });
    return printOutcomes(this, stopped, STOP_WORDS);
  }
}
