import type { JobId } from "../../run/job-id.ts";
import type { QueueEvent, TaskQuery } from "../queue-store.ts";
import { readEvent, readJobId, readTask } from "../records.ts";
import { integer, text, word } from "../rows.ts";
import { type Task, TASK_STATES, type TaskState } from "../task.ts";
import type { ReadTransaction, Queries } from "./database.ts";
import type { Values } from "./named-values.ts";

/** See `QueueStore.tasks`: in the order of submission. */
export async function queryTasks(db: Queries, query: TaskQuery): Promise<readonly Task[]> {
  const conditions: string[] = [];
  const values: Record<string, Values[string]> = {};
  const add = (name: string, condition: string, value: Values[string]) => {
    if (value === undefined) return;
    conditions.push(condition);
    values[name] = value;
  };
  add("states", "state = ANY (:states)", query.states);
  add("ids", "id = ANY (:ids)", query.ids);
  add("groupId", "group_id = :groupId", query.groupId);
  add("experimentId", "experiment_id = :experimentId", query.experimentId);
  add("tag", "tag = :tag", query.tag);
  add("lane", "lane = :lane", query.lane);
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  const rows = await db.all(`SELECT * FROM tasks ${where} ORDER BY seq LIMIT :limit`, {
    ...values,
    limit: query.limit,
  });
  return rows.map((row) => readTask(row));
}

/** See `QueueStore.counts`: the oldest is the one that came into its state first. */
export async function countTasks(
  db: Queries,
): Promise<
  readonly { readonly lane: string; readonly state: TaskState; readonly count: number; readonly oldest: number }[]
> {
  const rows = await db.all(
    `SELECT lane, state, count(*) AS n, min(CASE
       WHEN ended_at IS NOT NULL THEN ended_at
       WHEN state = 'queued' THEN queued_at
       ELSE coalesce(started_at, created_at) END) AS oldest
     FROM tasks GROUP BY lane, state ORDER BY lane, state COLLATE "C"`,
  );
  return rows.map((row) => ({
    lane: text(row, "lane"),
    state: word(row, "state", TASK_STATES),
    count: integer(row, "n"),
    oldest: integer(row, "oldest"),
  }));
}

/** See `QueueStore.needs`. */
export async function readNeedsOf(
  db: Queries,
  id: JobId,
): Promise<readonly { readonly run: JobId; readonly condition: string; readonly state: TaskState }[]> {
  const rows = await db.all(
    `SELECT n.needs, n.cond, t.state FROM task_needs n JOIN tasks t ON t.id = n.needs
     WHERE n.run_id = :id ORDER BY t.seq`,
    { id },
  );
  return rows.map((row) => ({
    run: readJobId(row, "needs"),
    condition: text(row, "cond"),
    state: word(row, "state", TASK_STATES),
  }));
}

/** See `QueueStore.dependents`. */
export async function readDependentsOf(db: Queries, id: JobId): Promise<readonly JobId[]> {
  const rows = await db.all(
    "SELECT n.run_id FROM task_needs n JOIN tasks t ON t.id = n.run_id WHERE n.needs = :id ORDER BY t.seq",
    { id },
  );
  return rows.map((row) => readJobId(row, "run_id"));
}

/** See `QueueStore.events`. */
export async function readEvents(db: Queries, after: number, limit: number): Promise<readonly QueueEvent[]> {
  const rows = await db.all("SELECT * FROM events WHERE id > :after ORDER BY id LIMIT :limit", { after, limit });
  return rows.map((row) => readEvent(row));
}

/** See `QueueStore.wantedCommits`: one look at the index for each commit of each machine, however many tasks there are. */
export async function readWantedCommits(db: Queries, machine: string): Promise<readonly string[]> {
  const rows = await db.all(WANTED_COMMITS, { machine });
  return rows.map((row) => text(row, "commit_oid"));
}

const WANTED_COMMITS = `
  WITH RECURSIVE wanted AS (
    (SELECT machine, commit_oid FROM tasks WHERE state = 'queued' AND commit_oid IS NOT NULL
     ORDER BY machine, commit_oid LIMIT 1)
    UNION ALL
    SELECT n.machine, n.commit_oid FROM wanted w CROSS JOIN LATERAL (
      SELECT t.machine, t.commit_oid FROM tasks t
      WHERE t.state = 'queued' AND t.commit_oid IS NOT NULL AND (t.machine, t.commit_oid) > (w.machine, w.commit_oid)
      ORDER BY t.machine, t.commit_oid LIMIT 1) n)
  SELECT DISTINCT commit_oid FROM wanted WHERE machine <> :machine ORDER BY commit_oid`;

/** See `QueueStore.expired`. */
export async function findExpired(
  { db, now }: ReadTransaction,
  exceptWorker: string | undefined,
  limit: number,
): Promise<readonly Task[]> {
  const rows = await db.all(
    `SELECT * FROM tasks
     WHERE lease_token IS NOT NULL AND lease_expires_at <= :now AND worker_id IS DISTINCT FROM :exceptWorker
     ORDER BY lease_expires_at, seq LIMIT :limit`,
    { now, exceptWorker, limit },
  );
  return rows.map((row) => readTask(row));
}
