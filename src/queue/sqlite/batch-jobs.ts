import type { JobId } from "../../run/job-id.ts";
import { toStartEvent } from "../attempt-end.ts";
import { readBatchJob } from "../attempt-rows.ts";
import type { BatchJob, JobNote } from "../queue-store.ts";
import type { StoredTask } from "../records.ts";
import { toPastTime } from "../task-move.ts";
import type { Database, WriteTransaction } from "./database.ts";
import { emit } from "./events.ts";
import { findTask, transition } from "./transition.ts";

/**
 * The task, if a scheduler has its attempt of this name and the attempt has not ended: what stands for the lease that
 * such a task has no more.
 */
export function findInScheduler(tx: WriteTransaction, id: JobId, token: string): StoredTask | undefined {
  const task = findTask(tx, id);
  if (task?.executor !== "slurm" || task.lease !== undefined) return undefined;
  const row = tx.db.get(
    `SELECT 1 FROM attempts WHERE run_id = :id AND n = :n AND lease_token = :token AND ended_at IS NULL
       AND scheduler_job_id IS NOT NULL`,
    { id, n: task.attempt, token },
  );
  return row === undefined ? undefined : task;
}

/** See `QueueStore.submitted`. */
export function noteSubmitted(tx: WriteTransaction, id: JobId, token: string, schedulerJobId: string): boolean {
  const task = findTask(tx, id);
  if (task?.lease?.token !== token || task.state !== "submitting") return false;
  tx.db.run("UPDATE attempts SET scheduler_job_id = :schedulerJobId WHERE lease_token = :token", {
    token,
    schedulerJobId,
  });
  transition(tx, task, "submitted");
  return true;
}

/** See `QueueStore.batchJobs`. */
export function listBatchJobs(db: Database, owner: string, machine: string): readonly BatchJob[] {
  const rows = db.all(
    `SELECT t.*, a.lease_token AS token, a.scheduler_job_id, a.missing_since
     FROM tasks t INDEXED BY tasks_batch JOIN attempts a ON a.run_id = t.id AND a.n = t.attempt
     WHERE t.executor = 'slurm' AND t.state IN ('submitted', 'running', 'finalizing') AND t.owner = :owner
       AND a.machine = :machine AND a.ended_at IS NULL AND a.scheduler_job_id IS NOT NULL
     ORDER BY t.seq`,
    { owner, machine },
  );
  return rows.map((row) => readBatchJob(row));
}

/** See `QueueStore.noteJob`. */
export function noteJob(tx: WriteTransaction, id: JobId, token: string, note: JobNote): boolean {
  const task = findInScheduler(tx, id, token);
  if (task === undefined) return false;
  const missing = note.kind === "missing" ? "coalesce(missing_since, :now)" : "NULL";
  tx.db.run(`UPDATE attempts SET missing_since = ${missing} WHERE lease_token = :token`, {
    token,
    ...(note.kind === "missing" && { now: tx.now }),
  });
  switch (note.kind) {
    case "pending":
      // A job that is executed by nobody yet, or not any more.
      if (task.state === "running") transition(tx, task, "submitted");
      return true;
    case "running":
      if (task.state === "submitted") begin(tx, task, token, note.startedAt);
      return true;
    case "finalizing":
      if (task.state !== "finalizing") transition(tx, task, "finalizing");
      return true;
    case "replaced":
      tx.db.run("UPDATE attempts SET scheduler_job_id = :schedulerJobId WHERE lease_token = :token", {
        token,
        schedulerJobId: note.schedulerJobId,
      });
      return true;
    case "missing":
      return true;
  }
}

function begin(tx: WriteTransaction, task: StoredTask, token: string, startedAt: number | undefined): void {
  const start = setStart(tx, token, startedAt);
  transition(tx, task, "running", { startedAt: start });
  emit(tx, toStartEvent(task));
}

/** Corrects when an attempt began: it was claimed long before. A clock that is ahead of ours is not believed. */
export function setStart(tx: WriteTransaction, token: string, startedAt: number | undefined): number {
  const start = toPastTime(startedAt, tx.now);
  tx.db.run("UPDATE attempts SET started_at = :start WHERE lease_token = :token", { token, start });
  return start;
}
