import type { NewEvent, NewItem } from "./outgoing.ts";
import { movedTo } from "./portable-run.ts";
import type { StoredTask } from "./records.ts";
import { isUnresolved } from "./stage.ts";
import { isTerminalState, type TaskSpec, type TaskState, toRunStatus } from "./task.ts";

/** What a transition may change beside the state. */
export type TaskChange = Partial<
  Pick<
    StoredTask,
    | "life"
    | "reason"
    | "stop"
    | "stopReason"
    | "notBefore"
    | "failures"
    | "lease"
    | "exitCode"
    | "signal"
    | "effectivePriority"
    | "startedAt"
    | "endedAt"
    | "isResolvable"
    | "cacheKey"
    | "isLeader"
    | "follows"
    | "cachedFrom"
    | "inputs"
  >
>;

/** What a task that had ended forgets when it is opened again. Its attempts go on counting. */
export const NEW_LIFE = {
  reason: undefined,
  stop: undefined,
  stopReason: undefined,
  notBefore: 0,
  failures: 0,
  exitCode: undefined,
  signal: undefined,
  startedAt: undefined,
  cacheKey: undefined,
  isLeader: false,
  cachedFrom: undefined,
  inputs: undefined,
} as const satisfies TaskChange;

/**
 * The task as it is after a transition. An active task that leaves its worker loses its lease; one that is not blocked
 * any more waits for nobody.
 */
export function moveTask(task: StoredTask, to: TaskState, change: TaskChange, now: number): StoredTask {
  const keepsLease = to === "submitting" || to === "running" || to === "finalizing";
  const isBlocked = to === "blocked";
  const follows = isBlocked ? change.follows : undefined;
  return {
    ...task,
    ...change,
    state: to,
    follows,
    isUnresolved: isUnresolved({ spec: task.spec, state: to, follows }),
    isResolvable: isBlocked && change.isResolvable === true,
    lease: keepsLease ? task.lease : undefined,
    queuedAt: to === "queued" ? now : task.queuedAt,
    endedAt: isTerminalState(to) ? toEnd(change.endedAt, change.startedAt ?? task.startedAt, now) : undefined,
  };
}

/** Where a task goes whose needs are all met. A stage stays where it is until it is resolved. */
export function toReady(spec: Pick<TaskSpec, "stage">): {
  readonly state: "queued" | "blocked";
  readonly change: TaskChange;
} {
  return spec.stage === undefined
    ? { state: "queued", change: {} }
    : { state: "blocked", change: { isResolvable: true } };
}

/** A clock that was set back must not keep a task from ending, and one that is ahead is not believed. */
function toEnd(endedAt: number | undefined, startedAt: number | undefined, now: number): number {
  return Math.max(toPastTime(endedAt, now), startedAt ?? 0);
}

/** A time that somebody else's clock gave, in whole milliseconds: not later than now, and now when it is not known. */
export function toPastTime(time: number | undefined, now: number): number {
  return Math.floor(Math.min(now, time ?? now));
}

/**
 * For the machine where a run was submitted that has ended on another one: the folder there, which nobody has used, is
 * to go.
 */
export function toFarewell(task: StoredTask, now: number): NewItem | undefined {
  if (movedTo(task) === undefined || !isTerminalState(task.state)) return undefined;
  const { id, life, attempt, state, machine } = task;
  const dedupe = `mark:${id}:${life}:${attempt}:${state}:left`;
  return { topic: "mark", subject: id, machine, dedupe, data: { id, life, attempt, state, at: now } };
}

/**
 * The status that a run's document is to show, when it is another one than before. That a run begins here, the worker that
 * executes it writes itself.
 */
export function toMark(from: TaskState, task: StoredTask, now: number): NewItem | undefined {
  const status = toRunStatus(task.state);
  if (status === "running" && task.executor === "local") return undefined;
  if (status === "created" || (status === toRunStatus(from) && !isTerminalState(from))) return undefined;
  return {
    topic: "mark",
    subject: task.id,
    machine: movedTo(task) ?? task.machine,
    dedupe: `mark:${task.id}:${task.life}:${task.attempt}:${task.state}`,
    data: {
      id: task.id,
      life: task.life,
      attempt: task.attempt,
      state: task.state,
      status,
      at: now,
      ...(task.reason !== undefined && { reason: task.reason }),
      ...(task.exitCode !== undefined && { exitCode: task.exitCode }),
      ...(task.signal !== undefined && { signal: task.signal }),
      ...(task.startedAt !== undefined && { startedAt: task.startedAt }),
      ...(task.endedAt !== undefined && { endedAt: task.endedAt }),
    },
  };
}

/** The event of a task that has ended. */
export function toEndEvent(task: StoredTask): NewEvent {
  return {
    kind: "run.ended",
    runId: task.id,
    groupId: task.groupId,
    data: {
      state: task.state,
      status: toRunStatus(task.state),
      attempt: task.attempt,
      code: task.reason?.code ?? null,
      message: task.reason?.message ?? null,
      because: task.reason?.because ?? null,
      exitCode: task.exitCode ?? null,
      signal: task.signal ?? null,
      ...(task.cachedFrom !== undefined && { from: task.cachedFrom }),
    },
  };
}
