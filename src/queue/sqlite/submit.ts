import { type Beginning, beginTasks } from "../beginning.ts";
import type { NewGroup, NewTask } from "../queue-store.ts";
import { readJobId, type StoredTask } from "../records.ts";
import { integer, text } from "../rows.ts";
import { checkSubmission, namedTasks, type Stored } from "../submission.ts";
import { listColumns, SUBMITTED_COLUMNS } from "../stored-columns.ts";
import { NEW_LIFE } from "../task-move.ts";
import { toColumnValues } from "./column-values.ts";
import type { WriteTransaction } from "./database.ts";
import { followEnds, reopenGroup } from "./end-effects.ts";
import { emitAll, sendOut } from "./events.ts";
import { findTask, findTasks, transition } from "./transition.ts";

/** Stores a group with its tasks; see `QueueStore.submit`. */
export function submitTasks(tx: WriteTransaction, group: NewGroup, tasks: readonly NewTask[]): readonly StoredTask[] {
  const stored = findStored(tx, tasks);
  checkSubmission(group, tasks, stored);
  storeGroup(tx, group);
  for (const { id } of tasks) beginNewLife(tx, stored.tasks.get(id));
  const firstSeq = integer(tx.db.get("SELECT coalesce(max(seq), 0) AS seq FROM tasks") ?? {}, "seq") + 1;
  const beginnings = beginTasks(tasks, { groupId: group.id, firstSeq, now: tx.now, stored: stored.tasks });
  for (const { task } of beginnings) storeTask(tx, task);
  // Edges lead to tasks that come later, too.
  for (const beginning of beginnings) storeEdges(tx, beginning);
  for (const { mark } of beginnings) if (mark !== undefined) sendOut(tx, mark);
  emitAll(
    tx,
    beginnings.map(({ event }) => event),
  );
  const begun = beginnings.map(({ task }) => task);
  const skipped = begun.filter((task) => task.state === "skipped");
  if (skipped.length === 0) return begun;
  followEnds(tx, skipped);
  return begun.flatMap((task) => findTask(tx, task.id) ?? []);
}

function findStored(tx: WriteTransaction, tasks: readonly NewTask[]): Stored {
  return {
    lanes: tx.db.all("SELECT name FROM lanes").map((row) => text(row, "name")),
    tasks: new Map(findTasks(tx, namedTasks(tasks)).map((task) => [task.id, task])),
    needsOf: (id) =>
      tx.db.all("SELECT needs FROM task_needs WHERE run_id = :id", { id }).map((row) => readJobId(row, "needs")),
  };
}

function storeGroup(tx: WriteTransaction, group: NewGroup): void {
  const { changes } = tx.db.run(
    `INSERT INTO groups (id, kind, name, caller, created_at) VALUES (:id, :kind, :name, :caller, :now)
     ON CONFLICT (id) DO NOTHING`,
    { id: group.id, kind: group.kind, name: group.name, caller: group.caller, now: tx.now },
  );
  if (changes === 0) reopenGroup(tx, group.id);
}

/** Makes the row of a task that had ended one that can be queued. */
function beginNewLife(tx: WriteTransaction, ended: StoredTask | undefined): void {
  if (ended === undefined) return;
  const { id } = ended;
  tx.db.run("DELETE FROM task_needs WHERE run_id = :id", { id });
  tx.db.run("DELETE FROM task_resources WHERE run_id = :id", { id });
  transition(tx, ended, "created", { ...NEW_LIFE, life: ended.life + 1 });
}

function storeTask(tx: WriteTransaction, task: StoredTask): void {
  tx.db.run(STORE_TASK, toColumnValues(SUBMITTED_COLUMNS, task));
  for (const key of new Set(task.spec.resources)) {
    tx.db.run("INSERT INTO task_resources (run_id, key) VALUES (:id, :key)", { id: task.id, key });
  }
}

/** The second part is for a task that begins a new life. */
const STORE_TASK = `
  INSERT INTO tasks (${listColumns(SUBMITTED_COLUMNS, ({ name }) => name)})
  VALUES (${listColumns(SUBMITTED_COLUMNS, ({ name }) => `:${name}`)})
  ON CONFLICT (id) DO UPDATE SET ${listColumns(SUBMITTED_COLUMNS, ({ name }) => `${name} = excluded.${name}`)}`;

function storeEdges(tx: WriteTransaction, { task, edges }: Beginning): void {
  for (const { run, condition, isMet } of edges) {
    tx.db.run("INSERT INTO task_needs (run_id, needs, cond, met) VALUES (:id, :run, :condition, :met)", {
      id: task.id,
      run,
      condition,
      met: isMet ? 1 : 0,
    });
  }
}
