import type { JobId } from "../../run/job-id.ts";
import type { NewEvent } from "../outgoing.ts";
import { readStoredTask, type StoredTask } from "../records.ts";
import { moveTask, type TaskChange, toEndEvent, toFarewell, toMark } from "../task-move.ts";
import { isTerminalState, type TaskState } from "../task.ts";
import type { Values, WriteTransaction } from "./database.ts";
import { emit, sendOut } from "./events.ts";

export function findTask(tx: Pick<WriteTransaction, "db">, id: JobId): StoredTask | undefined {
  const row = tx.db.get("SELECT * FROM tasks WHERE id = :id", { id });
  return row === undefined ? undefined : readStoredTask(row);
}

/** Those of the tasks that are there. */
export function findTasks(tx: Pick<WriteTransaction, "db">, ids: readonly JobId[]): readonly StoredTask[] {
  return tx.db
    .all("SELECT * FROM tasks WHERE id IN (SELECT value FROM json_each(:ids))", { ids: JSON.stringify(ids) })
    .map((row) => readStoredTask(row));
}

/**
 * Moves a task to another state: beside `submit` and `claim` the only writer of `tasks.state`. An active task that leaves its worker
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
  const next = moveTask(task, to, change, tx.now);
  store(tx, task, next);
  // While a scheduler has the attempt, its locks are held by the attempt itself.
  if (to !== "submitted" && task.lease !== undefined && next.lease === undefined) {
    tx.db.run("DELETE FROM resource_locks WHERE holder = :token", { token: task.lease.token });
  }
  markStatus(tx, task.state, next);
  const { id: runId, groupId } = next;
  if (event !== undefined) emit(tx, { ...event, runId, groupId });
  if (isTerminalState(to)) emit(tx, toEndEvent(next));
  return next;
}

function store(tx: WriteTransaction, task: StoredTask, next: StoredTask): void {
  const { changes } = tx.db.run(
    `UPDATE tasks SET state = :state, life = :life, reason_code = :reasonCode, reason_message = :reasonMessage,
       because = :because, stop_at = :stopAt, stop_mode = :stopMode, stop_code = :stopCode,
       stop_message = :stopMessage, not_before = :notBefore, failures = :failures, worker_id = :workerId,
       lease_token = :token, lease_expires_at = :leaseExpiresAt, exit_code = :exitCode, signal = :signal,
       eff_priority = :effectivePriority, queued_at = :queuedAt, started_at = :startedAt, ended_at = :endedAt,
       resolvable = :resolvable, cache_key = :cacheKey, is_leader = :isLeader, follows = :follows,
       cached_from = :cachedFrom, resolved_inputs = iif(:setsInputs, :inputs, resolved_inputs)
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
      ...toStageColumns(task, next),
    },
  );
  // The row was read in this transaction, so nobody can have changed it since.
  if (changes !== 1) throw new Error(`task ${task.id} is not ${task.state} any more`);
}

/** Inputs may be long, and change only once. */
function toStageColumns(task: StoredTask, next: StoredTask): Values {
  const setsInputs = next.inputs !== task.inputs;
  return {
    resolvable: next.isResolvable ? 1 : 0,
    cacheKey: next.cacheKey,
    isLeader: next.isLeader ? 1 : 0,
    follows: next.follows,
    cachedFrom: next.cachedFrom,
    setsInputs: setsInputs ? 1 : 0,
    inputs: setsInputs && next.inputs !== undefined ? JSON.stringify(next.inputs) : undefined,
  };
}

/** Sends the status that a run's document is to show, when it is another one than before. */
export function markStatus(tx: WriteTransaction, from: TaskState, task: StoredTask): void {
  const mark = toMark(from, task, tx.now);
  if (mark !== undefined) sendOut(tx, mark);
  const farewell = toFarewell(task, tx.now);
  if (farewell !== undefined) sendOut(tx, farewell);
}
