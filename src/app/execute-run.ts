import type { AttemptEnd, AttemptOutput, Executor, RunningAttempt } from "../executor/executor.ts";
import { toInstant } from "../model/clock.ts";
import { AexpError, messageOf } from "../model/errors.ts";
import { type JsonValue, withoutUndefined } from "../model/json.ts";
import type { JobId } from "../run/job-id.ts";
import { isTerminal, type TerminalStatus } from "../run/run-status.ts";
import { type ExecutedRun, finishAttempt } from "./finish-attempt.ts";
import { markStatus } from "./mark-status.ts";
import { promoteRun } from "./promote-run.ts";
import { ownFolders, type PlannedRun, registerRun } from "./register-run.ts";
import type { Repo } from "./repo.ts";
import { explainBeaten, settleRun } from "./settle-run.ts";

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
    const recovered = await settleRun(repo, executor, { jobId, facts }, options);
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
  const ended = { jobId, attempt, host: executor.self.host, isRecovered: false };
  let running: RunningAttempt;
  try {
    running = await executor.start(spec, options.output);
  } catch (error) {
    return await finishAttempt(repo, ended, notStarted(repo, messageOf(error)));
  }
  options.onStart(running);
  return await finishAttempt(repo, ended, await running.ended);
}

/** Marks the run as running, in one write; of two processes that try at once, one is refused. */
async function beginAttempt(repo: Repo, executor: Executor, jobId: JobId): Promise<number> {
  const { facts } = repo.runs.read(jobId).document;
  const attempt = Math.max(facts.attempt ?? 0, ...(facts.attempts ?? []).map(({ n }) => n)) + 1;
  const { proc: _proc, ...queue } = facts.queue ?? {};
  const startedAt = toInstant(repo.clock.nowMs());
  try {
    await markStatus(repo, jobId, {
      to: "running",
      facts: {
        attempt,
        started_at: startedAt,
        ended_at: undefined,
        wallclock_s: undefined,
        exit_code: undefined,
        signal: undefined,
        summary_metrics: undefined,
        queue: {
          ...withoutUndefined({ ...queue, last_error: toJson(queue.last_error) }),
          proc: withoutUndefined({ ...executor.self, started_at: startedAt }),
        },
      },
    });
  } catch (error) {
    throw explainBeaten(jobId, error);
  }
  return attempt;
}

function toJson(value: Readonly<Record<string, JsonValue | undefined>> | undefined): JsonValue | undefined {
  return value === undefined ? undefined : withoutUndefined({ ...value });
}

/** An attempt whose folder could not be made. */
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

async function alreadyFinished(repo: Repo, jobId: JobId, status: TerminalStatus): Promise<AexpError> {
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
