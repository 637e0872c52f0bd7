import * as Args from "@oclif/core/args";

import { retryGroup } from "../../app/retry-tasks.ts";
import { showPipeline } from "../../app/show-pipeline.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { type OutcomeJson, printOutcomes } from "../../cli/print-outcomes.ts";
import { openQueue } from "../../wiring/open-queue.ts";

export default class PipelineRetry extends BaseCommand {
  static override summary = "Queue again what failed or was stopped, and what was skipped because of it.";
  static override description = "What has succeeded stays as it is, and the code is that of the first submission.";
  static override examples = ["<%= config.bin %> pipeline retry grp_0a1b2c3d4e5f"];
  static override args = {
    group: Args.string({ description: "Group, as `pipeline list` shows it, or @last.", required: true }),
  };

  override async run(): Promise<readonly OutcomeJson[]> {
    const { args, flags } = await this.parse(PipelineRetry);
    const repo = this.openRepo(flags);
    await using store = await openQueue(repo);
    const { group } = await showPipeline(store, args.group);
    const runs = await retryGroup(repo, store, group.id);
    if (runs.length === 0) this.log("Nothing is there to repeat.");
    return printOutcomes(this, runs, { queued: "queued again", blocked: "waits again for what it needs" });
  }
}
