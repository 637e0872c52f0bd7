import * as Flags from "@oclif/core/flags";

import { readTimeMs } from "../app/environment-time.ts";
import { executeRun } from "../app/execute-run.ts";
import type { ExecutedRun } from "../app/finish-attempt.ts";
import { refuseQueued } from "../app/refuse-queued.ts";
import { planRun } from "../app/register-run.ts";
import { BaseCommand } from "../cli/base-command.ts";
import { AexpError } from "../model/errors.ts";
import { parseDuration } from "../model/duration.ts";
import { renderExecution } from "../cli/render/execution.ts";
import { splitAtDashes } from "../cli/split-argv.ts";
import { RUN_IDENTITY_FLAGS, toRunRequest } from "../cli/state-point-flags.ts";
import { Relay } from "../cli/io.ts";
import { withStopSignals } from "../cli/stop-signals.ts";
import { openExecutor } from "../wiring/open-executor.ts";
import { openQueueIfPresent } from "../wiring/open-queue.ts";

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
    const { own, command } = splitAtDashes(this.argv);
    const { flags, argv: strays } = await this.parse(Run, own);
    if (strays.length > 0) throw missingDashes(strays.map(String));
    const times = {
      timeoutMs: flags.timeout === undefined ? undefined : parseDuration(flags.timeout, "--timeout"),
      heartbeatMs: readTimeMs(this.io.env, "AEXP_HEARTBEAT_S"),
      graceMs: readTimeMs(this.io.env, "AEXP_GRACE_S"),
    };
    const repo = this.openRepo(flags);
    const plan = await planRun(repo, toRunRequest(flags, this.io.cwd));
    if (flags["name-only"]) {
      this.log(plan.jobId);
      return { job_id: plan.jobId };
    }
    if (command.length === 0) throw missingCommand();
    if (flags.experiment === undefined)
      this.warnLine(`run ${plan.jobId} belongs to no experiment; \`aexp runs link\` can say which`);
    await using queue = await openQueueIfPresent(repo);
    await refuseQueued(queue, plan.jobId, flags.force);
    using stdout = new Relay(this.jsonEnabled() ? this.io.stderr : this.io.stdout);
    using stderr = new Relay(this.io.stderr);
    const done = await withStopSignals(async (onStart) =>
      executeRun(repo, openExecutor(repo), plan, {
        argv: command,
        cwd: this.io.cwd,
        env: this.io.env,
        ...times,
        isForced: flags.force,
        output: { stdout: (bytes) => stdout.write(bytes), stderr: (bytes) => stderr.write(bytes) },
        onStart,
      }),
    );
    this.exitCode = done.exitCode;
    this.io.stderr.write(`${renderExecution(done)}\n`);
    return toJson(done);
  }
}

function missingDashes(strays: readonly string[]): AexpError {
  return new AexpError(`${JSON.stringify(strays[0])} stands where flags of aexp are expected`, {
    code: "cli.usage",
    hint: `Put two dashes before the command: aexp run … -- ${strays.join(" ")}`,
  });
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
