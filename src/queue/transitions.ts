import type { JobId } from "../run/job-id.ts";
import type { ReasonCode } from "../run/run-status.ts";
import type { OnLost } from "./lane.ts";
import type { Group } from "./queue-store.ts";
import { isTerminalState, type NeedCondition, type RetryPolicy, type TaskReason, type TaskState } from "./task.ts";

/** What an edge of the graph says about its dependent: it may start, must wait, or never starts. */
export type NeedOutcome = "met" | "open" | "broken";

/** Judges one edge by the state of the task that is needed. */
export function judgeNeed(condition: NeedCondition, needed: TaskState): NeedOutcome {
  if (!isTerminalState(needed)) return "open";
  return condition === "ended" || isSuccess(needed) ? "met" : "broken";
}

/** Whether an end satisfies those who need success. */
export function isSuccess(state: TaskState): boolean {
  return state === "complete" || state === "cached";
}

/** Why a dependent is skipped. What was skipped itself passes its own reason on, so that the cause is the first failure. */
export function skipReason(needed: {
  readonly id: JobId;
  readonly state: TaskState;
  readonly reason: TaskReason | undefined;
}): TaskReason {
  if (needed.state === "skipped" && needed.reason?.because !== undefined) return needed.reason;
  const end = needed.state === "failed" ? "failed" : `was ${needed.state}`;
  return { code: "needs_failed", message: `${needed.id.slice(0, 8)} ${end}`, because: needed.id };
}

/**
 * Whether a failure leads to another attempt. Work whose process was lost is only repeated where its lane allows it.
 *
 * @param failures - the counted failures, this one included
 */
export function mayRetry(policy: RetryPolicy, failures: number, code: ReasonCode | undefined, onLost: OnLost): boolean {
  if (code === undefined || !policy.on.includes(code)) return false;
  if (code === "lost" && onLost === "fail") return false;
  return failures < policy.maxAttempts;
}

/**
 * The pause after so many failures, in milliseconds: twice as long each time up to the cap, then shortened by up to
 * half, so that tasks which failed together do not come back together.
 *
 * @param jitter - from 0 (half of the pause) to 1 (all of it)
 */
export function retryPauseMs(policy: RetryPolicy, failures: number, jitter: number): number {
  const full = Math.min(policy.capMs, policy.baseMs * 2 ** (failures - 1));
  return Math.round(full * (0.5 + 0.5 * jitter));
}

/** How a group ended, by the ends of its tasks: the worst of them. */
export function toGroupState(states: readonly TaskState[]): Exclude<Group["state"], "active"> {
  if (states.includes("failed")) return "failed";
  if (states.includes("stopped") || states.includes("abandoned")) return "stopped";
  return states.includes("skipped") ? "failed" : "complete";
}

/** The best eligible task of one class, as the order of claims sees it. */
export interface Candidate {
  readonly id: JobId;
  readonly effectivePriority: number;
  /** Active tasks of its caller in its lane. */
  readonly callerActive: number;
  readonly seq: number;
}

/** Order of claims: the highest priority, then the caller with the fewest active tasks, then the oldest. */
export function compareCandidates(a: Candidate, b: Candidate): number {
  return b.effectivePriority - a.effectivePriority || a.callerActive - b.callerActive || a.seq - b.seq;
}

/** The pause before a side effect is tried again, in milliseconds. */
export function outboxPauseMs(tries: number): number {
  return Math.min(600_000, 1000 * 2 ** (tries - 1));
}

/** A side effect that failed so often is given up. */
export const OUTBOX_MAX_TRIES = 10;
