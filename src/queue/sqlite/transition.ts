import type { JobId } from "../../run/job-id.ts";
import { isTerminalState, type TaskState, toRunStatus } from "../task.ts";
import type { WriteTransaction } from "./database.ts";
import { emit, type NewEvent, sendOut } from "./events.ts";
import { readStoredTask, type StoredTask } from "./records.ts";

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
} as const satisfies TaskChange;

export function findTask(tx: Pick<WriteTransaction, "db">, id: JobId): StoredTask | undefined {
  const row = tx.db.get("SELECT * FROM tasks WHERE id = :id", { id });
  return row === undefined ? undefined : readStoredTask(row);
}

/**
 * Moves a task to another state: with `claim`, the only writer of `tasks.state`. An active task that leaves its worker
 * loses its lease and locks. The change of its public status goes to the outbox; an end is an event of its own.
 *
 * @returns the task as it is now
 */
export function transition(
  tx: WriteTransaction,
  task: StoredTask,
  to: TaskState,
  change: TaskChange = {},
  event?: Pick<NewEvent, "kind" | "data">,
): StoredTask {
  const keepsLease = to === "submitting" || to === "running" || to === "finalizing";
  const next: StoredTask = {
    ...task,
    ...change,
    state: to,
    lease: keepsLease ? task.lease : undefined,
    queuedAt: to === "queued" ? tx.now : task.queuedAt,
    // A clock that was set back must not keep a task from ending.
    endedAt: isTerminalState(to) ? endOfTask(tx, task, change) : undefined,
  };
  store(tx, task, next);
  // While a scheduler has the attempt, its locks are held by the attempt itself.
  if (!keepsLease && to !== "submitted" && task.lease !== undefined) {
    tx.db.run("DELETE FROM resource_locks WHERE holder = :token", { token: task.lease.token });
  }
  markStatus(tx, task.state, next);
  const { id: runId, groupId } = next;
  if (event !== undefined) emit(tx, { ...event, runId, groupId });
  if (isTerminalState(to)) emit(tx, { kind: "run.ended", runId, groupId, data: describeEnd(next) });
  return next;
}

function endOfTask(tx: WriteTransaction, task: StoredTask, change: TaskChange): number {
  const startedAt = change.startedAt ?? task.startedAt;
  return Math.max(Math.floor(Math.min(tx.now, change.endedAt ?? tx.now)), startedAt ?? 0);
}

function store(tx: WriteTransaction, task: StoredTask, next: StoredTask): void {
  const { changes } = tx.db.run(
    `UPDATE tasks SET state = :state, life = :life, reason_code = :reasonCode, reason_message = :reasonMessage,
       because = :because, stop_at = :stopAt, stop_mode = :stopMode, stop_code = :stopCode,
       stop_message = :stopMessage, not_before = :notBefore, failures = :failures, worker_id = :workerId,
       lease_token = :token, lease_expires_at = :leaseExpiresAt, exit_code = :exitCode, signal = :signal,
       eff_priority = :effectivePriority, queued_at = :queuedAt, started_at = :startedAt, ended_at = :endedAt
     WHERE id = :id AND state = :from AND life = :fromLife AND lease_token IS :fromToken`,
    {
      id: task.id,
      from: task.state,
      fromLife: task.life,
      fromToken: task.lease?.token,
      state: next.state,
      life: next.life,
      reasonCode: next.reason?.code,
      reasonMessage: next.reason?.message,
      because: next.reason?.because,
      stopAt: next.stop?.at,
      stopMode: next.stop?.mode,
      stopCode: next.stopReason?.code,
      stopMessage: next.stopReason?.message,
      notBefore: next.notBefore,
      failures: next.failures,
      workerId: next.lease?.workerId,
      token: next.lease?.token,
      leaseExpiresAt: next.lease?.expiresAt,
      exitCode: next.exitCode,
      signal: next.signal,
      effectivePriority: next.effectivePriority,
      queuedAt: next.queuedAt,
      startedAt: next.startedAt,
      endedAt: next.endedAt,
    },
  );
  // The row was read in this transaction, so nobody can have changed it since.
  if (changes !== 1) throw new Error(`task ${task.id} is not ${task.state} any more`);
}

/** Sends the status that a run's document is to show, when it is another one than before. */
export function markStatus(tx: WriteTransaction, from: TaskState, task: StoredTask): void {
  const status = toRunStatus(task.state);
  if (status === "created" || (status === toRunStatus(from) && !isTerminalState(from))) return;
  sendOut(tx, {
    topic: "mark",
    subject: task.id,
    dedupe: `mark:${task.id}:${task.life}:${task.attempt}:${task.state}`,
    data: {
      id: task.id,
      life: task.life,
      attempt: task.attempt,
      state: task.state,
      status,
      at: tx.now,
      ...(task.reason !== undefined && { reason: task.reason }),
      ...(task.exitCode !== undefined && { exitCode: task.exitCode }),
      ...(task.signal !== undefined && { signal: task.signal }),
      ...(task.startedAt !== undefined && { startedAt: task.startedAt }),
      ...(task.endedAt !== undefined && { endedAt: task.endedAt }),
    },
  });
}

function describeEnd(task: StoredTask): NewEvent["data"] & {} {
  return {
    state: task.state,
    status: toRunStatus(task.state),
    attempt: task.attempt,
    code: task.reason?.code ?? null,
    message: task.reason?.message ?? null,
    because: task.reason?.because ?? null,
    exitCode: task.exitCode ?? null,
    signal: task.signal ?? null,
  };
}
