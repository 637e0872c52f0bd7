import * as Args from "@oclif/core/args";

import { diffRuns } from "../../app/diff-runs.ts";
import { resolveJobId } from "../../app/resolve-run.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { renderRunDiff, toDiffJson } from "../../cli/render/run-diff.ts";
import { screenOf } from "../../cli/screen.ts";

export default class RunsDiff extends BaseCommand {
  static override summary =
    "Show what differs between two runs: parameters, code, environment, outcome, metrics, outputs.";
  static override description =
    "Code is compared by commit, as a unified diff, and by the uncommitted changes that were kept with the runs.";
  static override examples = ["<%= config.bin %> runs diff 4f2a 81bc", "<%= config.bin %> runs diff 4f2a @last --json"];
  static override aliases = ["diff"];
  static override args = {
    before: Args.string({ description: "Id of a run, a unique beginning of it, or @last.", required: true }),
    after: Args.string({ description: "The run to compare it with.", required: true }),
  };

  override async run(): Promise<Record<string, unknown>> {
    const { args, flags } = await this.parse(RunsDiff);
    const repo = this.openRepo(flags);
    const diff = await diffRuns(repo, resolveJobId(repo, args.before), resolveJobId(repo, args.after));
    this.log(renderRunDiff(diff, screenOf(this.io, this.color, repo.clock.nowMs())));
    return toDiffJson(diff);
  }
}
