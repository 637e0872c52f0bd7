import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";
import { resolve } from "node:path";

import { readTimeMs } from "../app/environment-time.ts";
import { allIds } from "../app/run-ids.ts";
import { parseStrictness, validateRepo, type ValidationReport } from "../app/validate-repo.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { EXIT } from "../cli/exit-codes.ts";
import { Progress } from "../cli/progress.ts";
import { renderValidation, VALIDATION_FORMATS } from "../cli/render/validation.ts";

export default class Validate extends BaseCommand {
  static override summary =
    "Check that every claim is backed by runs that exist, and that notes, runs and ledger are sound.";
  static override description =
    "Nothing is written, unless --fix is given. The exit code is 0 without errors (warnings are allowed), 1 with errors, 2 for wrong usage. Every code is explained in docs/validate.md.";
  static override examples = [
    "<%= config.bin %> validate",
    "<%= config.bin %> validate --strict-runs warn --format github",
    "<%= config.bin %> validate --fix",
    "<%= config.bin %> validate kb/research/findings/F001-lower-loss.md",
  ];
  static override args = {
    path: Args.string({ description: "Files or folders; only issues there are reported.", multiple: true }),
  };
  static override flags = {
    "strict-runs": Flags.string({
      summary: "How a citation of a run that is nowhere counts: error, warn or off.",
      helpValue: "error|warn|off",
      default: "error",
    }),
    "kb-only": Flags.boolean({ summary: "Check only the notes and their citations.", exclusive: ["runs-only"] }),
    "runs-only": Flags.boolean({ summary: "Check only runs and ledger." }),
    fix: Flags.boolean({
      summary: "First add links between parents and children and aliases that notes lack, and say what was added.",
      exclusive: ["runs-only"],
    }),
    format: Flags.option({
      options: VALIDATION_FORMATS,
      summary: "How issues are printed; --json is the same as --format json.",
      default: "text",
    })(),
  };

  override async run(): Promise<ValidationReport> {
    const { args, flags } = await this.parse(Validate);
    const repo = this.openRepo(flags);
    const progress = new Progress(this.io.stderr, "checking runs:");
    const report = await validateRepo(repo, {
      strictRuns: parseStrictness(flags["strict-runs"]),
      scope: flags["kb-only"] ? "kb" : flags["runs-only"] ? "runs" : "all",
      fix: flags.fix,
      paths: (args.path ?? []).map((path) => resolve(this.io.cwd, path)),
      heartbeatIntervalS: readTimeMs(this.io.env, "AEXP_HEARTBEAT_S") / 1000,
      onProgress: (done) => progress.update(done, () => allIds(repo).length),
    }).finally(() => progress.end());

    this.log(renderValidation(report, flags.format, this.io.stdout.isTTY === true));
    if (!report.ok) this.exitCode = EXIT.failed;
    return report;
  }
}
