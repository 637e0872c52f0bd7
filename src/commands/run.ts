import * as Flags from "@oclif/core/flags";

import { executeRun, type ExecutedRun } from "../app/execute-run.ts";
import { planRun } from "../app/register-run.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { AexpError } from "../model/errors.ts";
import { parseDuration } from "../model/duration.ts";
import { renderExecution } from "../cli/render/execution.ts";
import { RUN_IDENTITY_FLAGS, readParameters } from "../cli/state-point-flags.ts";
import { passOn } from "../cli/io.ts";
import { withStopSignals } from "../cli/stop-signals.ts";
import { openExecutor } from "../wiring/open-executor.ts";

export default class Run extends BaseCommand {
  static override summary = "Create a run, execute its command here, and record how it went.";
  static override description =
    "The command follows after --. Its output is shown and kept; lines of JSON that it appends to $AEXP_METRICS_FILE " +
    "become metrics; its exit code is aexp's. Ctrl-C ends the command and everything it started. A run that was " +
    "interrupted by a crash is picked up by the same call; a finished one starts again only with --force.";
  static override examples = [
    "<%= config.bin %> run --experiment E001 --sp lr=0.1,seed=0 -- python3 train.py --lr 0.1 --seed 0",
    "<%= config.bin %> run --sp-json '{\"layers\": [64, 64]}' --timeout 2h -- ./train.sh",
  ];
  static override usage = "run [FLAGS] -- COMMAND…";
  static override strict = false;
  static override flags = {
    experiment: Flags.string({ summary: "Experiment that the run belongs to.", helpValue: "E001" }),
    ...RUN_IDENTITY_FLAGS,
    timeout: Flags.string({ summary: "End the command after this time, e.g. 90s, 2h30m.", helpValue: "DURATION" }),
    force: Flags.boolean({ summary: "Execute a finished run again, as a new attempt." }),
    "name-only": Flags.boolean({ summary: "Print the job id that the run would have; register and execute nothing." }),
  };

  override async run(): Promise<{ job_id: string } | Record<string, unknown>> {
    const { flags, argv } = await this.parse(Run);
    const command = argv.map(String);
    const repo = this.openRepo(flags);
    const plan = await planRun(repo, {
      experimentId: flags.experiment,
      hypothesisId: flags.hypothesis,
      subHypothesisId: flags["sub-hypothesis"],
      parameters: readParameters(flags, this.io.cwd),
      isCodeIgnored: flags["no-commit"],
      allowLocalPath: flags["allow-local-path"],
    });
    if (flags["name-only"]) {
      this.log(plan.jobId);
      return { job_id: plan.jobId };
    }
    if (command.length === 0) throw missingCommand();
    if (flags.experiment === undefined)
      this.warnLine(`run ${plan.jobId} belongs to no experiment; \`aexp runs link\` can say which`);
    const output = this.jsonEnabled() ? this.io.stderr : this.io.stdout;
    const done = await withStopSignals(async (onStart) =>
      executeRun(repo, openExecutor(repo), plan, {
        argv: command,
        cwd: this.io.cwd,
        env: this.io.env,
        timeoutMs: flags.timeout === undefined ? undefined : parseDuration(flags.timeout),
        heartbeatMs: this.#seconds("AEXP_HEARTBEAT_S", 30) * 1000,
        graceMs: this.#seconds("AEXP_GRACE_S", 10) * 1000,
        isForced: flags.force,
        output: { stdout: (bytes) => passOn(output, bytes), stderr: (bytes) => passOn(this.io.stderr, bytes) },
        onStart,
      }),
    );
    this.exitCode = done.exitCode;
    this.io.stderr.write(`${renderExecution(done)}\n`);
    return toJson(done);
  }

  /** A variable that holds a number of seconds. */
  #seconds(name: string, otherwise: number): number {
    const value = Number(this.io.env[name]);
    return value > 0 ? value : otherwise;
  }
}

function missingCommand(): AexpError {
  return new AexpError("there is no command to execute", {
    code: "cli.usage",
    hint: "Put it after two dashes: aexp run --sp lr=0.1 -- python3 train.py",
  });
}

function toJson(done: ExecutedRun): Record<string, unknown> {
  return {
    job_id: done.jobId,
    attempt: done.attempt,
    status: done.status,
    ...(done.reason === undefined ? {} : { reason: done.reason }),
    ...(done.wallclockS === undefined ? {} : { wallclock_s: done.wallclockS }),
    exit_code: done.exitCode,
    recovered: done.isRecovered,
    ledger: done.promotion,
  };
}
