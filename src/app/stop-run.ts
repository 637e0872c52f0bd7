import { setTimeout as sleep } from "node:timers/promises";

import type { Executor } from "../executor/executor.ts";
import { AexpError } from "../model/errors.ts";
import type { StopMode } from "../queue/task.ts";
import type { ProcessRecord, RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { isTerminal } from "../run/run-status.ts";
import { requireLocal } from "./local-run.ts";
import { markStatus } from "./mark-status.ts";
import type { Repo } from "./repo.ts";
import { settleRun } from "./settle-run.ts";

/** As long as `aexp run` gives a program when nobody says otherwise. */
const DEFAULT_GRACE_MS = 10_000;
/** What comes after the program's end: its record, the document, the ledger entry. */
const RECORD_PATIENCE_MS = 5000;
const POLL_MS = 50;

/** How a run is stopped, and what the queue says of it. */
export interface StopRunOptions {
  readonly mode: StopMode;
  readonly graceMs: number | undefined;
  /** The run's last attempt by a worker, when the queue knows the run. */
  readonly queuedAttempt: number | undefined;
}

/**
 * Stops a run that `aexp run` executes on this machine. Nothing is signalled but the very processes that were recorded.
 *
 * @returns `ended` when it had ended before, `idle` when it is not executed by `aexp run`
 * @throws {AexpError} `run.busy` when it is executed where nothing can be done from here, `run.not_local`
 */
export async function stopUnqueuedRun(
  repo: Repo,
  executor: Executor,
  jobId: JobId,
  options: StopRunOptions,
): Promise<"stopped" | "ended" | "idle"> {
  requireLocal(repo, jobId);
  const { facts } = repo.runs.read(jobId).document;
  const { status = "created" } = facts;
  if (isTerminal(status)) return "ended";
  if (status !== "running" || mayBeOfWorker(facts, options.queuedAttempt)) return "idle";
  const attempt = facts.attempt ?? 1;
  const { watcher, program, foreignHost } = executor.survivors(jobId, attempt, facts.queue?.proc);
  if (foreignHost !== undefined) {
    throw cannotStop(jobId, `it runs on ${foreignHost}, outside of the queue`, "Stop it there.");
  }
  const graceMs = options.mode === "kill" ? 0 : (options.graceMs ?? DEFAULT_GRACE_MS);
  if (watcher !== undefined) return await stopByWatcher(repo, jobId, watcher, graceMs);
  if (program === undefined) {
    await settleRun(repo, executor, { jobId, facts }, { isForced: true, graceMs });
    return "ended";
  }
  await executor.killGroup(program, graceMs);
  await markStopped(repo, executor, jobId, facts);
  return "stopped";
}

/** What executes the run may be a worker, which executes others as well and must not be signalled. */
function mayBeOfWorker({ queue, attempt = 1 }: RunFacts, queuedAttempt: number | undefined): boolean {
  return queue?.spec !== undefined && (queuedAttempt === undefined || attempt <= queuedAttempt);
}

/** The aexp that executes the run ends its program, and records that it was stopped. A second signal kills. */
async function stopByWatcher(
  repo: Repo,
  jobId: JobId,
  watcher: ProcessRecord,
  graceMs: number,
): Promise<"stopped" | "ended"> {
  const isOver = (): boolean => repo.processes.isRunning(watcher) !== true || hasEnded(repo, jobId);
  if (repo.processes.signal(watcher, "SIGINT")) {
    await waitFor(isOver, graceMs);
    if (!isOver()) repo.processes.signal(watcher, "SIGTERM");
    await waitFor(isOver, RECORD_PATIENCE_MS);
  }
  const { status } = repo.runs.read(jobId).document.facts;
  if (status === "stopped") return "stopped";
  if (status !== undefined && isTerminal(status)) return "ended";
  throw cannotStop(jobId, `process ${watcher.pid}, which executes it, does not end`, "Try again with --force.");
}

function hasEnded(repo: Repo, jobId: JobId): boolean {
  const { status } = repo.runs.read(jobId).document.facts;
  return status !== undefined && isTerminal(status);
}

async function waitFor(isDone: () => boolean, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (!isDone() && performance.now() < deadline) await sleep(POLL_MS);
}

async function markStopped(repo: Repo, executor: Executor, jobId: JobId, facts: RunFacts): Promise<void> {
  await markStatus(repo, jobId, {
    to: "stopped",
    reason: { code: "operator_stop", message: "stopped with `aexp queue stop`, after the aexp that ran it had died" },
    attempt: {
      n: facts.attempt ?? 1,
      endedAtMs: repo.clock.nowMs(),
      wallclockS: undefined,
      exitCode: null,
      signal: null,
      host: executor.self.host,
      metrics: {},
      stderrTail: "",
    },
  });
}

function cannotStop(jobId: JobId, why: string, hint: string): AexpError {
  return new AexpError(`run ${jobId} cannot be stopped from here: ${why}`, { code: "run.busy", hint });
}
