import type { JobId } from "../../run/job-id.ts";
import { type Beginning, beginTasks } from "../beginning.ts";
import type { NewGroup, NewTask } from "../queue-store.ts";
import { readJobId, type StoredTask } from "../records.ts";
import { integer, text } from "../rows.ts";
import { checkSubmission, namedTasks, type Stored } from "../submission.ts";
import { listColumns, SUBMITTED_COLUMNS, toRow } from "../stored-columns.ts";
import { NEW_LIFE } from "../task-move.ts";
import { chunksOf, type Queries, type WriteTransaction } from "./database.ts";
import { followEnds, reopenGroups } from "./end-effects.ts";
import { toJson } from "./named-values.ts";
import { findTasks, TaskMoves } from "./task-moves.ts";

/** Stores a group with its tasks; see `QueueStore.submit`. */
export async function submitTasks(
  tx: WriteTransaction,
  group: NewGroup,
  tasks: readonly NewTask[],
): Promise<readonly StoredTask[]> {
  const stored = await findStored(tx.db, tasks);
  checkSubmission(group, tasks, stored);
  await storeGroup(tx, group);
  await beginNewLives(
    tx,
    tasks.flatMap((task) => stored.tasks.get(task.id) ?? []),
  );
  const firstSeq = integer((await tx.db.get("SELECT coalesce(max(seq), 0) AS seq FROM tasks")) ?? {}, "seq") + 1;
  const beginnings = beginTasks(tasks, { groupId: group.id, firstSeq, now: tx.now, stored: stored.tasks });
  for (const part of chunksOf(beginnings)) await storeTasks(tx, part);
  // Edges lead to tasks that come later, too.
  for (const part of chunksOf(beginnings)) await storeEdges(tx, part);
  for (const { mark } of beginnings) if (mark !== undefined) tx.outgoing.push(mark);
  for (const { event } of beginnings) tx.outgoing.push(event);
  const begun = beginnings.map(({ task }) => task);
  // Nothing is queued by this, but there is something to do.
  if (begun.some((task) => task.isResolvable)) tx.wake();
  const skipped = begun.filter((task) => task.state === "skipped");
  if (skipped.length === 0) return begun;
  await followEnds(tx, skipped);
  const now = await findTasks(
    tx.db,
    begun.map((task) => task.id),
  );
  return begun.flatMap((task) => now.get(task.id) ?? []);
}

async function findStored(db: Queries, tasks: readonly NewTask[]): Promise<Stored> {
  const known = await findTasks(db, namedTasks(tasks));
  const edges = new Map<JobId, JobId[]>();
  // Only a task that was there before can be needed by one that it needs now.
  if (tasks.some((task) => known.has(task.id))) {
    for (const row of await db.all(EDGES_BELOW, { ids: [...known.keys()] })) {
      const id = readJobId(row, "run_id");
      edges.set(id, [...(edges.get(id) ?? []), readJobId(row, "needs")]);
    }
  }
  return {
    lanes: (await db.all("SELECT name FROM lanes")).map((row) => text(row, "name")),
    tasks: known,
    needsOf: (id) => edges.get(id) ?? [],
  };
}

const EDGES_BELOW = `
  WITH RECURSIVE below AS (
    SELECT run_id, needs FROM task_needs WHERE run_id = ANY (:ids)
    UNION SELECT n.run_id, n.needs FROM below b JOIN task_needs n ON n.run_id = b.needs)
  SELECT run_id, needs FROM below`;

async function storeGroup(tx: WriteTransaction, { id, kind, name, caller }: NewGroup): Promise<void> {
  const changes = await tx.db.run(
    `INSERT INTO groups (id, kind, name, caller, created_at) VALUES (:id, :kind, :name, :caller, :now)
     ON CONFLICT (id) DO NOTHING`,
    { id, kind, name, caller, now: tx.now },
  );
  if (changes === 0) await reopenGroups(tx, [id]);
}

/** Makes the rows of tasks that had ended ones that can be queued. */
async function beginNewLives(tx: WriteTransaction, earlier: readonly StoredTask[]): Promise<void> {
  if (earlier.length === 0) return;
  const ids = earlier.map((task) => task.id);
  await tx.db.run("DELETE FROM task_needs WHERE run_id = ANY (:ids)", { ids });
  await tx.db.run("DELETE FROM task_resources WHERE run_id = ANY (:ids)", { ids });
  const moves = new TaskMoves(tx);
  for (const task of earlier) moves.add(task, "created", { ...NEW_LIFE, life: task.life + 1 });
  moves.store();
}

async function storeTasks({ db }: WriteTransaction, beginnings: readonly Beginning[]): Promise<void> {
  const tasks = beginnings.map(({ task }) => task);
  await db.run(STORE_TASKS, { rows: toJson(tasks.map((task) => toRow(SUBMITTED_COLUMNS, task))) });
  const keys = tasks.flatMap((task) => [...new Set(task.spec.resources)].map((key) => ({ id: task.id, key })));
  await db.run("INSERT INTO task_resources (run_id, key) SELECT * FROM unnest(:ids::text[], :keys::text[])", {
    ids: keys.map((resource) => resource.id),
    keys: keys.map((resource) => resource.key),
  });
}

/** The second part is for a task that begins a new life. */
const STORE_TASKS = `
  INSERT INTO tasks (${listColumns(SUBMITTED_COLUMNS, ({ name }) => name)})
  SELECT ${listColumns(SUBMITTED_COLUMNS, ({ name }) => name)}
  FROM json_to_recordset(:rows::json) AS r (${listColumns(SUBMITTED_COLUMNS, ({ name, type }) => `${name} ${type}`)})
  ON CONFLICT (id) DO UPDATE SET ${listColumns(SUBMITTED_COLUMNS, ({ name }) => `${name} = excluded.${name}`)}`;

async function storeEdges({ db }: WriteTransaction, beginnings: readonly Beginning[]): Promise<void> {
  const rows = beginnings.flatMap(({ task, edges }) =>
    edges.map(({ run, condition, isMet }) => ({ run_id: task.id, needs: run, cond: condition, met: isMet ? 1 : 0 })),
  );
  if (rows.length > 0) await db.run(STORE_EDGES, { edges: toJson(rows) });
}

const STORE_EDGES = `
  INSERT INTO task_needs (run_id, needs, cond, met)
  SELECT * FROM json_to_recordset(:edges::json) AS e (run_id text, needs text, cond text, met integer)`;
