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
import { readStoredTask, type StoredTask, withoutPrivate } from "../records.ts";
import { integer, text, word } from "../rows.ts";
import type { NewOutput } from "../run-output.ts";
import { isTerminalState, type TaskState } from "../task.ts";
import { IN_SCHEDULER, setStart } from "./batch-jobs.ts";
import { endOf, type Opening, type WriteTransaction } from "./database.ts";
import { followEnds } from "./end-effects.ts";
import { replaceOutputs, storeOutputs } from "./outputs.ts";
import { TaskMoves } from "./task-moves.ts";

/** Looks for the task, if the lease is this one. Every write of a worker begins here. */
export function openLeased(id: JobId, token: string): Opening {
  return { sql: "SELECT * FROM tasks WHERE id = :id AND lease_token = :token", values: { id, token } };
}

/** As {@link openLeased}, and for the process of the attempt that is known. */
export function openStarted(id: JobId, token: string): Opening {
  return {
    sql: `SELECT t.*, a.pid AS known_pid FROM tasks t LEFT JOIN attempts a ON a.lease_token = t.lease_token
      WHERE t.id = :id AND t.lease_token = :token`,
    values: { id, token },
  };
}

/**
 * Looks for the task, if the lease is this one, or if a scheduler has its attempt of this name; for the process of the
 * attempt that is known; and whether its end means nothing to anything else, so that nobody has to ask after that while
 * others wait.
 */
export function openHeld(id: JobId, token: string): Opening {
  return {
    sql: `SELECT t.*, (
        NOT EXISTS (SELECT 1 FROM task_needs n WHERE n.needs = t.id AND n.met = 0)
        AND NOT EXISTS (SELECT 1 FROM tasks f WHERE f.follows = t.id)
        AND EXISTS (SELECT 1 FROM tasks o WHERE o.group_id = t.group_id AND o.ended_at IS NULL AND o.id <> t.id)
      )::integer AS alone, (SELECT a.pid FROM attempts a WHERE a.lease_token = :token) AS known_pid
      FROM tasks t WHERE t.id = :id AND (t.lease_token = :token OR ${IN_SCHEDULER})`,
    values: { id, token },
  };
}

/** The task that the opening has found. */
function findOpened({ first: [row] }: WriteTransaction): StoredTask | undefined {
  return row === undefined ? undefined : readStoredTask(row);
}

/** See `QueueStore.recordProcess`. */
export async function recordProcess(tx: WriteTransaction, token: string, process: AttemptProcess): Promise<boolean> {
  const task = findOpened(tx);
  if (task === undefined) return false;
  noteProcess(tx, task, token, process);
  return true;
}

/** Records the program of an attempt, once; the opening says whether it is known. */
function noteProcess(tx: WriteTransaction, task: StoredTask, token: string, process: AttemptProcess): void {
  if (tx.first[0]?.["known_pid"] !== null) return;
  const { pid, startFingerprint: start, bootId } = process;
  tx.db.send("UPDATE attempts SET pid = :pid, pid_start = :start, boot_id = :bootId WHERE lease_token = :token", {
    token,
    pid,
    start,
    bootId,
  });
  tx.outgoing.push(toStartEvent(task, pid));
}

/** See `QueueStore.renew`. */
export async function renewLeases(
  tx: WriteTransaction,
  workerId: string,
  tokens: readonly string[],
  leaseMs: number,
): Promise<Renewal> {
  const expiresAt = endOf(tx, leaseMs);
  // A task that has lost one of its locks has lost the right to go on, too: its lease is left to expire.
  const rows = await tx.db.all(
    `UPDATE tasks SET lease_expires_at = :expiresAt
     WHERE worker_id = :workerId AND lease_token = ANY (:tokens)
       AND (has_resources = 0 OR NOT EXISTS (
         SELECT 1 FROM task_resources q LEFT JOIN resource_locks k ON k.key = q.key AND k.holder = tasks.lease_token
         WHERE q.run_id = tasks.id AND k.key IS NULL))
     RETURNING id, lease_token, stop_mode, has_resources`,
    { workerId, tokens, expiresAt },
  );
  const holders = rows.filter((row) => integer(row, "has_resources") === 1).map((row) => text(row, "lease_token"));
  if (holders.length > 0) {
    await tx.db.run("UPDATE resource_locks SET expires_at = :expiresAt WHERE holder = ANY (:holders)", {
      holders,
      expiresAt,
    });
  }
  return readRenewal(rows, tokens, expiresAt);
}

/** See `QueueStore.finalize`. */
export async function finalizeTask(tx: WriteTransaction): Promise<boolean> {
  const task = findOpened(tx);
  if (task === undefined) return false;
  if (task.state === "running") await step(tx, task, { to: "finalizing", change: {} });
  return true;
}

/** See `StageStore.addItems`. */
export async function addItems(tx: WriteTransaction, items: readonly NewOutput[]): Promise<boolean> {
  const task = findOpened(tx);
  if (task === undefined) return false;
  await storeOutputs(tx, task, items);
  return true;
}

/** See `QueueStore.finish`. */
export async function finishTask(
  tx: WriteTransaction,
  token: string,
  result: AttemptResult,
  jitter: number,
): Promise<{ readonly state: TaskState } | undefined> {
  const task = findOpened(tx);
  return task === undefined ? undefined : { state: await endAttempt(tx, task, token, result, jitter) };
}

/** See `QueueStore.settleLost`. */
export async function settleLostTask(
  tx: WriteTransaction,
  token: string,
  jitter: number,
): Promise<{ readonly state: TaskState } | undefined> {
  const task = findOpened(tx);
  // A worker that was slow may have renewed its lease after all.
  if (task?.lease === undefined || task.lease.expiresAt > tx.now) return undefined;
  const { workerId } = task.lease;
  tx.outgoing.push(toLeaseLostEvent(task, workerId));
  return { state: await endAttempt(tx, task, token, toLostResult(workerId), jitter) };
}

async function endAttempt(
  tx: WriteTransaction,
  task: StoredTask,
  token: string,
  result: AttemptResult,
  jitter: number,
): Promise<TaskState> {
  if (result.startedAt !== undefined) await setStart(tx, token, result.startedAt);
  if (result.process !== undefined) noteProcess(tx, task, token, result.process);
  if (result.state === "complete" && result.outputs !== undefined) await replaceOutputs(tx, task, result.outputs);
  const onLost = result.state === "failed" ? await onLostOf(tx, task.spec.lane) : "fail";
  closeAttempt(tx, task, token, result, true);
  return await step(tx, task, judgeAttemptEnd(task, result, { onLost, now: tx.now, jitter }));
}

/** The statements of both parts are sent without waiting for answers, in their order. */
async function step(tx: WriteTransaction, task: StoredTask, { via, to, change, event }: NextStep): Promise<TaskState> {
  const moves = new TaskMoves(tx);
  const seen = via === undefined ? task : moves.add(task, via);
  if (via !== undefined) moves.store();
  const next = moves.add(seen, to, change, event);
  const isFollowed = isTerminalState(next.state) && tx.first[0]?.["alone"] !== 1;
  moves.store();
  if (isFollowed) await followEnds(tx, [next]);
  return next.state;
}

async function onLostOf({ db }: WriteTransaction, lane: string): Promise<OnLost> {
  const row = await db.get("SELECT on_lost FROM lanes WHERE name = :lane", { lane });
  const onLost: OnLost = word(row ?? {}, "on_lost", ["fail", "requeue"]);
  return onLost;
}

/** See `QueueStore.release`. */
export async function releaseTask(tx: WriteTransaction, token: string): Promise<boolean> {
  const task = findOpened(tx);
  if (task === undefined) return false;
  closeAttempt(tx, task, token, { state: "released", reason: undefined }, false);
  await step(tx, task, judgeRelease(task));
  return true;
}

function closeAttempt(
  tx: WriteTransaction,
  task: StoredTask,
  token: string,
  result: AttemptOutcome,
  isCounted: boolean,
): void {
  tx.outgoing.push(toAttemptEndEvent(task, result));
  tx.db.send(
    `UPDATE attempts SET ended_at = greatest(:end, started_at), outcome = :outcome, reason_code = :code,
       reason_message = :message, exit_code = :exitCode, signal = :signal, counted = :counted
     WHERE lease_token = :token AND ended_at IS NULL`,
    { token, ...toEndValues(result, isCounted, tx.now) },
  );
  if (task.lease === undefined && task.spec.resources.length > 0) {
    tx.db.send("DELETE FROM resource_locks WHERE holder = :token", { token });
  }
}

/** See `QueueStore.adopt`. */
export async function adoptTask(
  tx: WriteTransaction,
  id: JobId,
  token: string,
  by: { readonly workerId: string; readonly token: string; readonly leaseMs: number },
): Promise<Claim | undefined> {
  const expiresAt = endOf(tx, by.leaseMs);
  const change = { id, token, newToken: by.token, workerId: by.workerId, expiresAt };
  const row = await tx.db.get(
    `UPDATE tasks SET worker_id = :workerId, lease_token = :newToken, lease_expires_at = :expiresAt
     WHERE id = :id AND lease_token = :token RETURNING *`,
    change,
  );
  if (row === undefined) return undefined;
  await tx.db.run(
    "UPDATE attempts SET worker_id = :workerId, lease_token = :newToken WHERE run_id = :id AND lease_token = :token",
    change,
  );
  const locks = await tx.db.all(
    "UPDATE resource_locks SET holder = :newToken, expires_at = :expiresAt WHERE holder = :token RETURNING key, fence",
    change,
  );
  return {
    task: withoutPrivate(readStoredTask(row)),
    lease: { token: by.token, workerId: by.workerId, expiresAt },
    fences: Object.fromEntries(locks.map((lock) => [text(lock, "key"), integer(lock, "fence")])),
  };
}
