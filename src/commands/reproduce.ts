import * as Args from "@oclif/core/args";
import * as Flags from "@oclif/core/flags";

import { readTimeMs } from "../app/environment-time.ts";
import { reproduceRun } from "../app/reproduce-run.ts";
import { resolveJobId } from "../app/resolve-run.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { EXIT } from "../cli/exit-codes.ts";
import { Relay } from "../cli/io.ts";
import { describeCode, renderReproduction, toReproductionJson } from "../cli/render/reproduction.ts";
import { screenOf } from "../cli/screen.ts";
import { withStopSignals } from "../cli/stop-signals.ts";
import { parseTolerances } from "../code/tolerance.ts";
import { openReproduction } from "../wiring/open-reproduction.ts";

export default class Reproduce extends BaseCommand {
  static override summary = "Execute a finished run again, and compare what comes of it with what is recorded.";
  static override description =
    "The recorded commit or tree is checked out apart from your files, with the changes that were not committed then; the " +
    "recorded command is executed there, with its inputs checked first. Exit code, digests of outputs and metrics are " +
    "compared. Nothing of the run itself is changed. A run of another machine needs --command, because the ledger names " +
    "none. Exits with 0 when the result is the same or within the tolerances, and with 1 when it is another.";
  static override examples = [
    "<%= config.bin %> reproduce 4f2a",
    "<%= config.bin %> reproduce 4f2a --tolerance loss=1e-6 --tolerance accuracy=5% --tolerance seconds=any",
    "<%= config.bin %> reproduce 81bc --command 'python3 train.py --lr {lr} --seed {seed}'",
  ];
  static override args = {
    run: Args.string({ description: "Id of a run, a unique beginning of it, or @last.", required: true }),
  };
  static override flags = {
    tolerance: Flags.string({
      summary:
        "How far a metric may lie from the recorded value: METRIC=1e-6, METRIC=5%, METRIC=any; of all without a name.",
      helpValue: "METRIC=1e-6|5%|any",
      multiple: true,
      multipleNonGreedy: true,
      default: [],
    }),
    command: Flags.string({
      summary: "Execute this line instead of the recorded command; {lr} stands for the run's parameter lr.",
      helpValue: "LINE",
    }),
    commit: Flags.string({ summary: "Execute this commit instead of the recorded code.", helpValue: "REV" }),
    keep: Flags.boolean({ summary: "Keep code, logs and outputs of the reproduction." }),
  };

  override async run(): Promise<Record<string, unknown>> {
    const { args, flags } = await this.parse(Reproduce);
    const tolerances = parseTolerances(flags.tolerance);
    const repo = this.openRepo(flags);
    const jobId = resolveJobId(repo, args.run);
    await using ports = openReproduction(repo);
    // What the program says is not our result.
    using relay = new Relay(this.io.stderr);
    const show = (bytes: Uint8Array): Promise<void> | undefined => relay.write(bytes);
    const done = await withStopSignals(async (onStart) =>
      reproduceRun(repo, ports, jobId, {
        tolerances,
        command: flags.command,
        commit: flags.commit,
        isKept: flags.keep,
        env: this.io.env,
        heartbeatMs: readTimeMs(this.io.env, "AEXP_HEARTBEAT_S"),
        graceMs: readTimeMs(this.io.env, "AEXP_GRACE_S"),
        output: { stdout: show, stderr: show },
        onPlace: (_place, { code }) => {
          this.io.stderr.write(`aexp: executing run ${jobId.slice(0, 8)} again, ${describeCode(code)}\n`);
        },
        onStart,
      }),
    );
    if (done.comparison === undefined) this.exitCode = EXIT.interrupted;
    else if (done.comparison.likeness === "different") this.exitCode = EXIT.failed;
    this.log(renderReproduction(done, screenOf(this.io, this.color, repo.clock.nowMs()), repo.root));
    return toReproductionJson(done, repo.root);
  }
}
