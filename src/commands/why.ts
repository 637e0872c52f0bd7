import * as Args from "@oclif/core/args";

import { explainRun } from "../app/explain-run.ts";
import { resolveTaskId } from "../app/resolve-task.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { type ExplanationJson, renderExplanation, toExplanationJson } from "../cli/render/explanation.ts";
import { screenOf } from "../cli/screen.ts";
import { openQueueIfPresent } from "../wiring/open-queue.ts";

export default class Why extends BaseCommand {
  static override summary =
    "Say in one sentence why a run stands as it does: what it waits for, why it ran, failed or was skipped.";
  static override examples = ["<%= config.bin %> why d3a7", "<%= config.bin %> why @last --json"];
  static override args = { run: Args.string({ description: "Job id, a unique prefix, or @last.", required: true }) };

  override async run(): Promise<ExplanationJson> {
    const { args, flags } = await this.parse(Why);
    const repo = this.openRepo(flags);
    await using store = await openQueueIfPresent(repo);
    const explanation = await explainRun(repo, store, await resolveTaskId(repo, store, args.run));
    const screen = screenOf(this.io, this.color, repo.clock.nowMs());
    this.log(renderExplanation(explanation, screen));
    return toExplanationJson(explanation, { nowMs: screen.nowMs, isTTY: false });
  }
}
