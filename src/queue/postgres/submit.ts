import type { JobId } from "../../run/job-id.ts";
import type { NewGroup, NewTask } from "../queue-store.ts";
import { readJobId, readStoredTask, type StoredTask } from "../records.ts";
import { integer, text } from "../rows.ts";
import { checkSubmission, judgeBeginning, namedTasks, type Stored, toBeginEvent } from "../submission.ts";
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
  const created = await storeTasks(tx, group.id, tasks, stored.tasks);
  const needed = new Map(stored.tasks);
  for (const { id } of tasks) needed.delete(id);
  const marked = new Set(tasks.filter((task) => task.isMarked === true).map((task) => task.id));
  const begun = await begin(tx, created, { needed, marked });
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

async function storeTasks(
  tx: WriteTransaction,
  groupId: string,
  tasks: readonly NewTask[],
  known: ReadonlyMap<JobId, StoredTask>,
): Promise<readonly StoredTask[]> {
  const { db, now } = tx;
  await beginNewLives(
    tx,
    tasks.flatMap((task) => known.get(task.id) ?? []),
  );
  let seq = integer((await db.get("SELECT coalesce(max(seq), 0) AS seq FROM tasks")) ?? {}, "seq");
  const created = new Map<JobId, StoredTask>();
  for (const part of chunksOf(tasks)) {
    const rows = part.map((task) => toTaskRow(task, (seq += 1), known.get(task.id)));
    for (const row of await db.all(STORE_TASKS, { rows: toJson(rows), groupId, now })) {
      const task = readStoredTask(row);
      created.set(task.id, task);
    }
    const keys = part.flatMap((task) => [...new Set(task.spec.resources)].map((key) => ({ id: task.id, key })));
    await db.run("INSERT INTO task_resources (run_id, key) SELECT * FROM unnest(:ids::text[], :keys::text[])", {
      ids: keys.map((resource) => resource.id),
      keys: keys.map((resource) => resource.key),
    });
  }
  return tasks.flatMap((task) => created.get(task.id) ?? []);
}

async function beginNewLives(tx: WriteTransaction, earlier: readonly StoredTask[]): Promise<void> {
  if (earlier.length === 0) return;
  const ids = earlier.map((task) => task.id);
  await tx.db.run("DELETE FROM task_needs WHERE run_id = ANY (:ids)", { ids });
  await tx.db.run("DELETE FROM task_resources WHERE run_id = ANY (:ids)", { ids });
  const moves = new TaskMoves(tx);
  for (const task of earlier) moves.add(task, "created", { ...NEW_LIFE, life: task.life + 1 });
  await moves.store();
}

function toTaskRow(task: NewTask, seq: number, earlier: StoredTask | undefined): Readonly<Record<string, unknown>> {
  const { id, spec } = task;
  return {
    seq,
    id,
    experiment_id: task.experimentId,
    name: spec.name,
    tag: spec.tag,
    lane: spec.lane,
    kind: spec.kind,
    caller: task.caller,
    owner: task.owner,
    machine: task.machine,
    target: task.target,
    executor: task.executor,
    priority: spec.priority,
    has_resources: spec.resources.length > 0 ? 1 : 0,
    spec,
    attempt: Math.max(task.lastAttempt ?? 0, earlier?.attempt ?? 0),
  };
}

/** The second part is for a task that begins a new life. */
const STORE_TASKS = `
  INSERT INTO tasks (seq, id, group_id, experiment_id, name, tag, lane, kind, caller, owner, machine, target, executor,
    priority, eff_priority, has_resources, spec, attempt, created_at)
  SELECT seq, id, :groupId, experiment_id, name, tag, lane, kind, caller, owner, machine, target, executor,
    priority, priority, has_resources, spec, attempt, :now
  FROM json_to_recordset(:rows::json) AS r (seq bigint, id text, experiment_id text, name text, tag text, lane text,
    kind text, caller text, owner text, machine text, target text, executor text, priority integer,
    has_resources integer, spec json, attempt integer)
  ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, group_id = excluded.group_id,
    experiment_id = excluded.experiment_id, name = excluded.name, tag = excluded.tag, lane = excluded.lane,
    kind = excluded.kind, caller = excluded.caller, owner = excluded.owner, machine = excluded.machine,
    target = excluded.target, executor = excluded.executor, priority = excluded.priority,
    eff_priority = excluded.eff_priority, has_resources = excluded.has_resources, spec = excluded.spec,
    attempt = excluded.attempt, created_at = excluded.created_at
  RETURNING *`;

/** Stores the edges of new tasks, and queues, blocks or skips each by what it needs. */
async function begin(
  tx: WriteTransaction,
  created: readonly StoredTask[],
  { needed, marked }: { readonly needed: ReadonlyMap<JobId, StoredTask>; readonly marked: ReadonlySet<JobId> },
): Promise<readonly StoredTask[]> {
  const begun: StoredTask[] = [];
  for (const part of chunksOf(created)) {
    const moves = new TaskMoves(tx);
    const edges: Readonly<Record<string, string | number>>[] = [];
    for (const task of part) {
      const beginning = judgeBeginning(task.spec, needed);
      for (const { run, condition, isMet } of beginning.edges) {
        edges.push({ run_id: task.id, needs: run, cond: condition, met: isMet ? 1 : 0 });
      }
      const { state, change } = beginning;
      const isMarked = marked.has(task.id) && state !== "skipped";
      begun.push(moves.add(task, state, change, toBeginEvent(state), { isMarked }));
    }
    await tx.db.run(STORE_EDGES, { edges: toJson(edges) });
    await moves.store();
  }
  return begun;
}

const STORE_EDGES = `
  INSERT INTO task_needs (run_id, needs, cond, met)
  SELECT * FROM json_to_recordset(:edges::json) AS e (run_id text, needs text, cond text, met integer)`;
