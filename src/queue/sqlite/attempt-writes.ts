import type { JobId } from "../../run/job-id.ts";
import {
  type AttemptOutcome,
  judgeAttemptEnd,
  judgeRelease,
  type NextStep,
  toAttemptEndEvent,
  toEndValues,
  toLeaseLostEvent,
  toLostResult,
  toStartEvent,
} from "../attempt-end.ts";
import { readRenewal } from "../attempt-rows.ts";
import type { OnLost } from "../lane.ts";
import type { AttemptProcess, AttemptResult, Claim, Renewal } from "../queue-store.ts";
import { type StoredTask, withoutPrivate } from "../records.ts";
import { integer, text, word } from "../rows.ts";
import type { NewOutput } from "../run-output.ts";
import { isTerminalState, type TaskState } from "../task.ts";
import { findInScheduler, setStart } from "./batch-jobs.ts";
import { endOf, type WriteTransaction } from "./database.ts";
import { followEnds } from "./end-effects.ts";
import { emit } from "./events.ts";
import { replaceOutputs, storeOutputs } from "./outputs.ts";
import { findTask, transition } from "./transition.ts";

/** The task, if the lease is this one. Every write of a worker begins here. */
function findLeased(tx: WriteTransaction, id: JobId, token: string): StoredTask | undefined {
  const task = findTask(tx, id);
  return task?.lease?.token === token ? task : undefined;
}

/** The task, if this token still stands for its attempt: by its lease, or because a scheduler has it. */
function findHeld(tx: WriteTransaction, id: JobId, token: string): StoredTask | undefined {
  return findLeased(tx, id, token) ?? findInScheduler(tx, id, token);
}

/** See `QueueStore.recordProcess`. */
export function recordProcess(tx: WriteTransaction, id: JobId, token: string, process: AttemptProcess): boolean {
  const task = findLeased(tx, id, token);
  if (task === undefined) return false;
  noteProcess(tx, task, token, process);
  return true;
}

/** Records the program of an attempt, once. */
function noteProcess(tx: WriteTransaction, task: StoredTask, token: string, process: AttemptProcess): void {
  const { pid, startFingerprint: start, bootId } = process;
  const { changes } = tx.db.run(
    "UPDATE attempts SET pid = :pid, pid_start = :start, boot_id = :bootId WHERE lease_token = :token AND pid IS NULL",
    { token, pid, start, bootId },
  );
  if (changes > 0) emit(tx, toStartEvent(task, pid));
}

/** See `QueueStore.renew`. */
export function renewLeases(
  tx: WriteTransaction,
  workerId: string,
  tokens: readonly string[],
  leaseMs: number,
): Renewal {
  const expiresAt = endOf(tx, leaseMs);
  const list = JSON.stringify(tokens);
  // A task that has lost one of its locks has lost the right to go on, too: its lease is left to expire.
  const rows = tx.db.all(
    `UPDATE tasks SET lease_expires_at = :expiresAt
     WHERE worker_id = :workerId AND lease_token IN (SELECT value FROM json_each(:list))
       AND (has_resources = 0 OR NOT EXISTS (
         SELECT 1 FROM task_resources q LEFT JOIN resource_locks k ON k.key = q.key AND k.holder = tasks.lease_token
         WHERE q.run_id = tasks.id AND k.key IS NULL))
     RETURNING id, lease_token, stop_mode`,
    { workerId, list, expiresAt },
  );
  const renewed = rows.map((row) => text(row, "lease_token"));
  tx.db.run(
    "UPDATE resource_locks SET expires_at = :expiresAt WHERE holder IN (SELECT value FROM json_each(:renewed))",
    { renewed: JSON.stringify(renewed), expiresAt },
  );
  return readRenewal(rows, tokens, expiresAt);
}

/** See `QueueStore.finalize`. */
export function finalizeTask(tx: WriteTransaction, id: JobId, token: string): boolean {
  const task = findLeased(tx, id, token);
  if (task === undefined) return false;
  if (task.state === "running") transition(tx, task, "finalizing");
  return true;
}

/** See `StageStore.addItems`. */
export function addItems(tx: WriteTransaction, id: JobId, token: string, items: readonly NewOutput[]): boolean {
  const task = findHeld(tx, id, token);
  if (task === undefined) return false;
  storeOutputs(tx, task, items);
  return true;
}

/** See `QueueStore.finish`. */
export function finishTask(
  tx: WriteTransaction,
  id: JobId,
  token: string,
  result: AttemptResult,
  jitter: number,
): { readonly state: TaskState } | undefined {
  const task = findHeld(tx, id, token);
  return task === undefined ? undefined : { state: endAttempt(tx, task, token, result, jitter) };
}

/** See `QueueStore.settleLost`. */
export function settleLostTask(
  tx: WriteTransaction,
  id: JobId,
  token: string,
  jitter: number,
): { readonly state: TaskState } | undefined {
  const task = findLeased(tx, id, token);
  // A worker that was slow may have renewed its lease after all.
  if (task?.lease === undefined || task.lease.expiresAt > tx.now) return undefined;
  const { workerId } = task.lease;
  emit(tx, toLeaseLostEvent(task, workerId));
  return { state: endAttempt(tx, task, token, toLostResult(workerId), jitter) };
}

function endAttempt(
  tx: WriteTransaction,
  task: StoredTask,
  token: string,
  result: AttemptResult,
  jitter: number,
): TaskState {
  if (result.startedAt !== undefined) setStart(tx, token, result.startedAt);
  if (result.process !== undefined) noteProcess(tx, task, token, result.process);
  closeAttempt(tx, task, token, result, true);
  if (result.state === "complete" && result.outputs !== undefined) replaceOutputs(tx, task, result.outputs);
  const onLost = onLostOf(tx, task.spec.lane);
  return step(tx, task, judgeAttemptEnd(task, result, { onLost, now: tx.now, jitter }));
}

function step(tx: WriteTransaction, task: StoredTask, { via, to, change, event }: NextStep): TaskState {
  const seen = via === undefined ? task : transition(tx, task, via);
  const next = transition(tx, seen, to, change, event);
  if (isTerminalState(next.state)) followEnds(tx, [next]);
  return next.state;
}

function onLostOf(tx: WriteTransaction, lane: string): OnLost {
  const row = tx.db.get("SELECT on_lost FROM lanes WHERE name = :lane", { lane });
  return word(row ?? {}, "on_lost", ["fail", "requeue"]);
}

/** See `QueueStore.release`. */
export function releaseTask(tx: WriteTransaction, id: JobId, token: string): boolean {
  const task = findHeld(tx, id, token);
  if (task === undefined) return false;
  closeAttempt(tx, task, token, { state: "released", reason: undefined }, false);
  step(tx, task, judgeRelease(task));
  return true;
}

function closeAttempt(
  tx: WriteTransaction,
  task: StoredTask,
  token: string,
  result: AttemptOutcome,
  isCounted: boolean,
): void {
  tx.db.run(
    `UPDATE attempts SET ended_at = max(:end, started_at), outcome = :outcome, reason_code = :code,
       reason_message = :message, exit_code = :exitCode, signal = :signal, counted = :counted
     WHERE lease_token = :token AND ended_at IS NULL`,
    { token, ...toEndValues(result, isCounted, tx.now) },
  );
  tx.db.run("DELETE FROM resource_locks WHERE holder = :token", { token });
  emit(tx, toAttemptEndEvent(task, result));
}

/** See `QueueStore.adopt`. */
export function adoptTask(
  tx: WriteTransaction,
  id: JobId,
  token: string,
  by: { readonly workerId: string; readonly token: string; readonly leaseMs: number },
): Claim | undefined {
  if (findLeased(tx, id, token) === undefined) return undefined;
  const expiresAt = endOf(tx, by.leaseMs);
  const change = { id, token, newToken: by.token, workerId: by.workerId };
  tx.db.run(
    `UPDATE tasks SET worker_id = :workerId, lease_token = :newToken, lease_expires_at = :expiresAt
     WHERE id = :id AND lease_token = :token`,
    { ...change, expiresAt },
  );
  tx.db.run(
    "UPDATE attempts SET worker_id = :workerId, lease_token = :newToken WHERE run_id = :id AND lease_token = :token",
    change,
  );
  const locks = tx.db.all(
    `UPDATE resource_locks SET holder = :newToken, expires_at = :expiresAt WHERE holder = :token
     RETURNING key, fence`,
    { token, newToken: by.token, expiresAt },
  );
  const task = findTask(tx, id);
  if (task === undefined) return undefined;
  return {
    task: withoutPrivate(task),
    lease: { token: by.token, workerId: by.workerId, expiresAt },
    fences: Object.fromEntries(locks.map((row) => [text(row, "key"), integer(row, "fence")])),
  };
}
