import type { OnLost } from "./lane.ts";
import type { NewEvent } from "./outgoing.ts";
import type { Attempt, AttemptResult, Claim } from "./queue-store.ts";
import type { StoredTask } from "./records.ts";
import { type TaskChange, toPastTime } from "./task-move.ts";
import type { TaskReason, TaskState } from "./task.ts";
import { mayRetry, retryPauseMs } from "./transitions.ts";

/** Where a task goes from an attempt. */
export interface NextStep {
  readonly to: TaskState;
  /** The state that it passes through on the way. */
  readonly via?: TaskState;
  readonly change: TaskChange;
  readonly event?: Pick<NewEvent, "kind" | "data">;
}

/** What follows for a task from the end of its attempt: another one after a pause, or its own end. */
export function judgeAttemptEnd(
  task: StoredTask,
  result: AttemptResult,
  { onLost, now, jitter }: { readonly onLost: OnLost; readonly now: number; readonly jitter: number },
): NextStep {
  const failures = task.failures + (result.state === "failed" ? 1 : 0);
  const startedAt = result.startedAt === undefined ? task.startedAt : toPastTime(result.startedAt, now);
  const { exitCode, signal, endedAt } = result;
  const change = { failures, exitCode, signal, startedAt, endedAt };
  // What has succeeded stays a success, however late it was asked to stop.
  if (task.stop !== undefined && result.state !== "complete") {
    return { to: "stopped", change: { ...change, reason: task.stopReason ?? result.reason } };
  }
  const { retry } = task.spec;
  if (result.state === "failed" && mayRetry(retry, failures, result.reason?.code, onLost)) {
    const notBefore = now + retryPauseMs(retry, failures, jitter);
    const data = { attempt: task.attempt, failures, notBefore, code: result.reason?.code ?? null };
    return {
      to: "queued",
      change: { ...change, reason: result.reason, notBefore, startedAt: undefined },
      event: { kind: "run.retrying", data },
    };
  }
  const end = { ...change, reason: result.reason };
  if (result.state !== "complete") return { to: result.state, change: end };
  // A job may have ended before anybody saw it run; and what a stage wrote has been gathered.
  const isGathered = task.state === "submitted" || (task.state === "running" && task.spec.stage !== undefined);
  // Whose outputs are not known has nothing to give to others.
  const isShared = task.spec.stage === undefined || result.outputs !== undefined;
  return {
    to: "complete",
    ...(isGathered && { via: "finalizing" }),
    change: { ...end, ...(!isShared && { cacheKey: undefined }) },
  };
}

/** Where a task goes that was given back. Nobody would ever claim one that is asked to stop. */
export function judgeRelease(task: StoredTask): NextStep {
  if (task.stop !== undefined) return { to: "stopped", change: { reason: task.stopReason } };
  return {
    to: "queued",
    change: { startedAt: undefined },
    event: { kind: "run.released", data: { attempt: task.attempt } },
  };
}

/** How an attempt ended, or that it was given back. */
export type AttemptOutcome = Omit<AttemptResult, "state"> & { readonly state: NonNullable<Attempt["outcome"]> };

export function toAttemptEndEvent(task: StoredTask, outcome: AttemptOutcome): NewEvent {
  return {
    kind: "attempt.ended",
    runId: task.id,
    groupId: task.groupId,
    data: {
      attempt: task.attempt,
      outcome: outcome.state,
      code: outcome.reason?.code ?? null,
      exitCode: outcome.exitCode ?? null,
      signal: outcome.signal ?? null,
    },
  };
}

/** The named values by which the end of an attempt is stored. */
export function toEndValues(
  { state, reason, exitCode, signal, endedAt }: AttemptOutcome,
  isCounted: boolean,
  now: number,
) {
  const end = toPastTime(endedAt, now);
  return {
    end,
    outcome: state,
    code: reason?.code,
    message: reason?.message,
    exitCode,
    signal,
    counted: isCounted ? 1 : 0,
  };
}

/** The end of an attempt whose lease nobody renewed. */
export function toLostResult(workerId: string): AttemptResult {
  const reason: TaskReason = { code: "lost", message: `worker ${workerId} died or lost its lease` };
  return { state: "failed", reason };
}

export function toLeaseLostEvent(task: StoredTask, workerId: string): NewEvent {
  const data = { attempt: task.attempt, worker: workerId };
  return { kind: "lease.lost", runId: task.id, groupId: task.groupId, data };
}

/** @param pid - of its program, where it is known */
export function toStartEvent(task: StoredTask, pid?: number): NewEvent {
  const data = { attempt: task.attempt, ...(pid !== undefined && { pid }) };
  return { kind: "run.started", runId: task.id, groupId: task.groupId, data };
}

export function toClaimEvent(task: StoredTask, { workerId }: Claim["lease"], machine: string, now: number): NewEvent {
  const data = { attempt: task.attempt, worker: workerId, machine, waited: now - (task.queuedAt ?? now) };
  return { kind: "run.claimed", runId: task.id, groupId: task.groupId, data };
}
