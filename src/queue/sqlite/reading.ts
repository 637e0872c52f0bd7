import type { JobId } from "../../run/job-id.ts";
import type { QueueEvent, TaskQuery } from "../queue-store.ts";
import { type Task, TASK_STATES, type TaskState } from "../task.ts";
import type { Database, Values } from "./database.ts";
import { readEvent, readJobId, readTask } from "../records.ts";
import { integer, text, word } from "../rows.ts";

/** See `QueueStore.tasks`: in the order of submission. */
export function queryTasks(db: Database, query: TaskQuery): readonly Task[] {
  const conditions: string[] = [];
  const values: Record<string, Values[string]> = {};
  const add = (name: string, condition: string, value: Values[string]) => {
    if (value === undefined) return;
    conditions.push(condition);
    values[name] = value;
  };
  add("states", "state IN (SELECT value FROM json_each(:states))", query.states && JSON.stringify(query.states));
  add("ids", "id IN (SELECT value FROM json_each(:ids))", query.ids && JSON.stringify(query.ids));
  add("groupId", "group_id = :groupId", query.groupId);
  add("experimentId", "experiment_id = :experimentId", query.experimentId);
  add("tag", "tag = :tag", query.tag);
  add("lane", "lane = :lane", query.lane);
  const where = conditions.length === 0 ? "" : `WHERE ${conditions.join(" AND ")}`;
  return db
    .all(`SELECT * FROM tasks ${where} ORDER BY seq LIMIT :limit`, { ...values, limit: query.limit ?? -1 })
    .map((row) => readTask(row));
}

/** See `QueueStore.counts`: the oldest is the one that came into its state first. */
export function countTasks(
  db: Database,
): readonly { readonly lane: string; readonly state: TaskState; readonly count: number; readonly oldest: number }[] {
  const rows = db.all(
    `SELECT lane, state, count(*) AS n, min(CASE
       WHEN ended_at IS NOT NULL THEN ended_at
       WHEN state = 'queued' THEN queued_at
       ELSE coalesce(started_at, created_at) END) AS oldest
     FROM tasks GROUP BY lane, state ORDER BY lane, state`,
  );
  return rows.map((row) => ({
    lane: text(row, "lane"),
    state: word(row, "state", TASK_STATES),
    count: integer(row, "n"),
    oldest: integer(row, "oldest"),
  }));
}

/** See `QueueStore.needs`. */
export function readNeedsOf(
  db: Database,
  id: JobId,
): readonly { readonly run: JobId; readonly condition: string; readonly state: TaskState }[] {
  const rows = db.all(
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
export function readDependentsOf(db: Database, id: JobId): readonly JobId[] {
  const rows = db.all(
    "SELECT n.run_id FROM task_needs n JOIN tasks t ON t.id = n.run_id WHERE n.needs = :id ORDER BY t.seq",
    { id },
  );
  return rows.map((row) => readJobId(row, "run_id"));
}

/** See `QueueStore.events`. */
export function readEvents(db: Database, after: number, limit: number): readonly QueueEvent[] {
  return db
    .all("SELECT * FROM events WHERE id > :after ORDER BY id LIMIT :limit", { after, limit })
    .map((row) => readEvent(row));
}
