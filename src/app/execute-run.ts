import { constants } from "node:os";

import type { AttemptEnd, AttemptOutput, Executor, RunningAttempt } from "../executor/executor.ts";
import { toInstant } from "../model/clock.ts";
import { AexpError, messageOf } from "../model/errors.ts";
import { type JsonValue, withoutUndefined } from "../model/json.ts";
import { summarizeMetrics } from "../run/metric-lines.ts";
import type { RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { isTerminal, type RunStatus } from "../run/run-status.ts";
import { type AttemptOutcome, markStatus, type StatusReason } from "./mark-status.ts";
import { promoteRun } from "./promote-run.ts";
import { ownFolders, type PlannedRun, registerRun } from "./register-run.ts";
import type { Repo } from "./repo.ts";

/** How a run is executed. */
export interface ExecuteOptions {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number | undefined;
  readonly heartbeatMs: number;
  /** How long the command has between TERM and KILL. */
  readonly graceMs: number;
  /** Starts a terminal run again, as a new attempt, and ends what an aexp that died has left running. */
  readonly isForced: boolean;
  readonly output: AttemptOutput;
  /** Told once the attempt runs, so that a signal can end it. */
  readonly onStart: (attempt: RunningAttempt) => void;
}

/** What came of an execution. */
export interface ExecutedRun {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly status: RunStatus;
  readonly reason: StatusReason | undefined;
  readonly wallclockS: number | undefined;
  /** What a shell would report: the program's exit code, or 128 + N for signal N. */
  readonly exitCode: number;
  /** The attempt had ended before, and only its record was completed. */
  readonly isRecovered: boolean;
  readonly promotion: "written" | "unchanged" | "failed" | "none";
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = constants.signals;

/**
 * Executes a run here and records it: document, logs, metrics, ledger entry. Registers it first when it is new.
 *
 * A run whose aexp process died is settled first: from the recorded end of its attempt, if there is one, and that is
 * all that happens; else that attempt is recorded as lost and the next one starts.
 *
 * @throws {AexpError} `run.already_finished`, `run.busy`, `store.missing`
 */
export async function executeRun(
  repo: Repo,
  executor: Executor,
  plan: PlannedRun,
  options: ExecuteOptions,
): Promise<ExecutedRun> {
  const { jobId } = await registerRun(repo, plan);
  const { facts } = repo.runs.read(jobId).document;
  if (facts.status === "running") {
    const recovered = await settle(repo, executor, jobId, facts, options);
    if (recovered !== undefined) return recovered;
  } else if (facts.status !== undefined && isTerminal(facts.status) && !options.isForced) {
    throw await alreadyFinished(repo, jobId, facts.status);
  }
  return await runAttempt(repo, executor, plan, options);
}

async function runAttempt(
  repo: Repo,
  executor: Executor,
  plan: PlannedRun,
  options: ExecuteOptions,
): Promise<ExecutedRun> {
  const { jobId } = plan;
  const codePatch = plan.code.isDirty ? await repo.git.patchOfChanges(ownFolders(repo)) : undefined;
  const attempt = await beginAttempt(repo, executor, jobId);
  const workspace = repo.runs.workspaceOf(jobId);
  const spec = {
    jobId,
    attempt,
    argv: options.argv,
    cwd: options.cwd,
    env: {
      ...options.env,
      AEXP_JOB_ID: jobId,
      AEXP_JOB_WORKSPACE: workspace,
      AEXP_METRICS_FILE: `${workspace}/.aexp/metrics.jsonl`,
    },
    codePatch,
    timeoutMs: options.timeoutMs,
    heartbeatMs: options.heartbeatMs,
    graceMs: options.graceMs,
  };
  let running: RunningAttempt;
  try {
    running = await executor.start(spec, options.output);
  } catch (error) {
    const end = notStarted(repo, messageOf(error));
    await finish(repo, executor, jobId, attempt, end);
    throw error;
  }
  options.onStart(running);
  return await finish(repo, executor, jobId, attempt, await running.ended);
}

/** Marks the run as running, in one write; of two processes that try at once, one is refused. */
async function beginAttempt(repo: Repo, executor: Executor, jobId: JobId): Promise<number> {
  const { facts } = repo.runs.read(jobId).document;
  const attempt = Math.max(facts.attempt ?? 0, ...(facts.attempts ?? []).map(({ n }) => n)) + 1;
  const { proc: _proc, ...queue } = facts.queue ?? {};
  try {
    await markStatus(repo, jobId, {
      to: "running",
      facts: {
        attempt,
        started_at: toInstant(repo.clock.nowMs()),
        ended_at: undefined,
        wallclock_s: undefined,
        exit_code: undefined,
        signal: undefined,
        summary_metrics: undefined,
        queue: {
          ...withoutUndefined({ ...queue, last_error: toJson(queue.last_error) }),
          proc: withoutUndefined({ ...executor.self }),
        },
      },
    });
  } catch (error) {
    if (error instanceof AexpError && error.code === "run.illegal_transition")
      throw busy(jobId, "another process just started it");
    throw error;
  }
  return attempt;
}

function toJson(value: Readonly<Record<string, JsonValue | undefined>> | undefined): JsonValue | undefined {
  return value === undefined ? undefined : withoutUndefined({ ...value });
}

async function finish(
  repo: Repo,
  executor: Executor,
  jobId: JobId,
  attempt: number,
  end: AttemptEnd,
): Promise<ExecutedRun> {
  const { status, reason } = judge(end);
  const { metrics, brokenLines } = summarizeMetrics(repo.attempts.metricLines(jobId));
  if (brokenLines > 0)
    repo.warn(`${brokenLines} lines of the metrics file of run ${jobId} are no JSON objects and were left out`);
  const outcome: AttemptOutcome = {
    endedAtMs: end.endedAtMs,
    wallclockS: end.wallclockS,
    exitCode: end.exitCode,
    signal: end.signal,
    host: executor.self.host,
    metrics,
    stderrTail: end.stderrTail,
  };
  const { promotion } = await markStatus(repo, jobId, { to: status, reason, attempt: outcome });
  return {
    jobId,
    attempt,
    status,
    reason,
    wallclockS: end.wallclockS,
    exitCode: toExitCode(end),
    isRecovered: false,
    promotion,
  };
}

/** What a running run of a dead aexp process comes to; `undefined` when the next attempt may start. */
async function settle(
  repo: Repo,
  executor: Executor,
  jobId: JobId,
  facts: RunFacts,
  { isForced, graceMs }: Pick<ExecuteOptions, "isForced" | "graceMs">,
): Promise<ExecutedRun | undefined> {
  const attempt = facts.attempt ?? 1;
  const { watcher, program, foreignHost } = executor.survivors(jobId, attempt, facts.queue?.proc);
  if (foreignHost !== undefined) throw busy(jobId, `it runs on ${foreignHost}, which cannot be asked from here`);
  if (watcher !== undefined) throw busy(jobId, `it is running, watched by process ${watcher.pid}`);
  if (program !== undefined) {
    if (!isForced) {
      throw busy(
        jobId,
        `its program still runs as process ${program.pid}, although the aexp that started it is gone`,
        "Wait for it to end, or add --force to end it and start again.",
      );
    }
    await executor.killGroup(program, graceMs);
  }
  const end = executor.recordedEnd(jobId, attempt);
  if (end !== undefined) return { ...(await finish(repo, executor, jobId, attempt, end)), isRecovered: true };
  repo.warn(`attempt ${attempt} of run ${jobId} was lost: the aexp that ran it is gone and left no record of its end`);
  await markStatus(repo, jobId, {
    to: "failed",
    reason: { code: "lost", message: "the aexp process that ran it is gone" },
    attempt: { ...lostOutcome(repo), host: executor.self.host },
  });
  return undefined;
}

function lostOutcome(repo: Repo): Omit<AttemptOutcome, "host"> {
  return {
    endedAtMs: repo.clock.nowMs(),
    wallclockS: undefined,
    exitCode: null,
    signal: null,
    metrics: {},
    stderrTail: "",
  };
}

function notStarted(repo: Repo, problem: string): AttemptEnd {
  return {
    cause: { kind: "not_started", problem },
    exitCode: null,
    signal: null,
    endedAtMs: repo.clock.nowMs(),
    wallclockS: 0,
    stderrTail: "",
  };
}

/** The status that an end means, and why. */
function judge({ cause }: AttemptEnd): { readonly status: RunStatus; readonly reason: StatusReason | undefined } {
  switch (cause.kind) {
    case "exited":
      if (cause.exitCode === 0) return { status: "complete", reason: undefined };
      return { status: "failed", reason: { code: "exit_nonzero", message: `exit ${cause.exitCode}` } };
    case "signalled":
      return { status: "failed", reason: { code: "signal", message: `killed by ${cause.signal}` } };
    case "timed_out":
      return { status: "failed", reason: { code: "timeout", message: `longer than ${cause.timeoutMs / 1000} s` } };
    case "stopped":
      return { status: "stopped", reason: { code: "operator_stop", message: cause.by } };
    case "not_started":
      return { status: "failed", reason: { code: "spawn_error", message: cause.problem } };
  }
}

function toExitCode({ cause, exitCode, signal }: AttemptEnd): number {
  if (cause.kind === "stopped") return 130;
  if (cause.kind === "timed_out") return 124;
  if (cause.kind === "not_started") return cause.problem.includes("EACCES") ? 126 : 127;
  return exitCode ?? 128 + (SIGNAL_NUMBERS[signal ?? ""] ?? 0);
}

async function alreadyFinished(repo: Repo, jobId: JobId, status: RunStatus): Promise<AexpError> {
  if (!repo.ledger.has(jobId)) {
    try {
      await promoteRun(repo, jobId);
    } catch (error) {
      repo.warn(`run ${jobId} has no ledger entry: ${messageOf(error)}`);
    }
  }
  return new AexpError(`run ${jobId} is ${status} already. Nothing was executed`, {
    code: "run.already_finished",
    hint: "Add --force to execute it again as a new attempt, or change a parameter.",
  });
}

function busy(jobId: JobId, why: string, hint = "Wait for it to end."): AexpError {
  return new AexpError(`run ${jobId} is busy: ${why}. Nothing was executed`, { code: "run.busy", hint });
}
