import type { JobId } from "../../run/job-id.ts";
import { toStartEvent } from "../attempt-end.ts";
import { readBatchJob } from "../attempt-rows.ts";
import type { BatchJob, JobNote } from "../queue-store.ts";
import { readStoredTask, type StoredTask } from "../records.ts";
import { type TaskChange, toPastTime } from "../task-move.ts";
import type { TaskState } from "../task.ts";
import type { Opening, Queries, WriteTransaction } from "./database.ts";
import { TaskMoves } from "./task-moves.ts";

/**
 * Whether a scheduler has the attempt `:token` of the task `t`, and the attempt has not ended: what stands for the lease
 * that such a task has no more.
 */
export const IN_SCHEDULER = `(t.executor = 'slurm' AND t.lease_token IS NULL AND EXISTS (
  SELECT 1 FROM attempts a WHERE a.run_id = t.id AND a.n = t.attempt AND a.lease_token = :token
    AND a.ended_at IS NULL AND a.scheduler_job_id IS NOT NULL))`;

/** Looks for the task, if a scheduler has its attempt of this name. */
export function openInScheduler(id: JobId, token: string): Opening {
  return { sql: `SELECT t.* FROM tasks t WHERE t.id = :id AND ${IN_SCHEDULER}`, values: { id, token } };
}

/** See `QueueStore.submitted`. */
export async function noteSubmitted(tx: WriteTransaction, token: string, schedulerJobId: string): Promise<boolean> {
  const [row] = tx.first;
  const task = row && readStoredTask(row);
  if (task?.state !== "submitting") return false;
  await setJob(tx, token, schedulerJobId);
  await move(tx, task, "submitted");
  return true;
}

/** See `QueueStore.batchJobs`. */
export async function listBatchJobs(db: Queries, owner: string, machine: string): Promise<readonly BatchJob[]> {
  const rows = await db.all(
    `SELECT t.*, a.lease_token AS token, a.scheduler_job_id, a.missing_since
     FROM tasks t JOIN attempts a ON a.run_id = t.id AND a.n = t.attempt
     WHERE t.executor = 'slurm' AND t.state IN ('submitted', 'running', 'finalizing') AND t.owner = :owner
       AND a.machine = :machine AND a.ended_at IS NULL AND a.scheduler_job_id IS NOT NULL
     ORDER BY t.seq`,
    { owner, machine },
  );
  return rows.map((row) => readBatchJob(row));
}

/** See `QueueStore.noteJob`. */
export async function noteJob(tx: WriteTransaction, token: string, note: JobNote): Promise<boolean> {
  const [row] = tx.first;
  if (row === undefined) return false;
  const task = readStoredTask(row);
  await tx.db.run(
    `UPDATE attempts SET missing_since = CASE WHEN :missing::bigint IS NOT NULL THEN coalesce(missing_since, :missing) END
     WHERE lease_token = :token`,
    { token, missing: note.kind === "missing" ? tx.now : null },
  );
  switch (note.kind) {
    case "pending":
      // A job that is executed by nobody yet, or not any more.
      if (task.state === "running") await move(tx, task, "submitted");
      return true;
    case "running":
      if (task.state === "submitted") await begin(tx, task, token, note.startedAt);
      return true;
    case "finalizing":
      if (task.state !== "finalizing") await move(tx, task, "finalizing");
      return true;
    case "replaced":
      await setJob(tx, token, note.schedulerJobId);
      return true;
    case "missing":
      return true;
  }
}

async function begin(tx: WriteTransaction, task: StoredTask, token: string, startedAt?: number): Promise<void> {
  await move(tx, task, "running", { startedAt: await setStart(tx, token, startedAt) });
  tx.outgoing.push(toStartEvent(task));
}

async function move(tx: WriteTransaction, task: StoredTask, to: TaskState, change?: TaskChange): Promise<void> {
  const moves = new TaskMoves(tx);
  moves.add(task, to, change);
  moves.store();
}

async function setJob({ db }: WriteTransaction, token: string, schedulerJobId: string): Promise<void> {
  await db.run("UPDATE attempts SET scheduler_job_id = :schedulerJobId WHERE lease_token = :token", {
    token,
    schedulerJobId,
  });
}

/** Corrects when an attempt began: it was claimed long before. A clock that is ahead of ours is not believed. */
export async function setStart(tx: WriteTransaction, token: string, startedAt?: number): Promise<number> {
  const start = toPastTime(startedAt, tx.now);
  await tx.db.run("UPDATE attempts SET started_at = :start WHERE lease_token = :token", { token, start });
  return start;
}
