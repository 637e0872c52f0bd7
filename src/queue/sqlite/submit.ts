import type { JobId } from "../../run/job-id.ts";
import type { NewGroup, NewTask } from "../queue-store.ts";
import { readJobId, readStoredTask, type StoredTask } from "../records.ts";
import { integer, text } from "../rows.ts";
import { checkSubmission, judgeBeginning, namedTasks, type Stored, toBeginEvent } from "../submission.ts";
import { NEW_LIFE } from "../task-move.ts";
import type { WriteTransaction } from "./database.ts";
import { followEnds, reopenGroup } from "./end-effects.ts";
import { findTask, transition } from "./transition.ts";

/** Stores a group with its tasks; see `QueueStore.submit`. */
export function submitTasks(tx: WriteTransaction, group: NewGroup, tasks: readonly NewTask[]): readonly StoredTask[] {
  const stored = findStored(tx, tasks);
  checkSubmission(group, tasks, stored);
  storeGroup(tx, group);
  const seq = integer(tx.db.get("SELECT coalesce(max(seq), 0) AS seq FROM tasks") ?? {}, "seq") + 1;
  const created = tasks.map((task, index) => storeTask(tx, group.id, task, seq + index, stored.tasks.get(task.id)));
  const needed = new Map(stored.tasks);
  for (const { id } of tasks) needed.delete(id);
  const begun = created.map((task, index) => begin(tx, task, needed, tasks[index]?.isMarked === true));
  const skipped = begun.filter((task) => task.state === "skipped");
  if (skipped.length === 0) return begun;
  followEnds(tx, skipped);
  return begun.flatMap((task) => findTask(tx, task.id) ?? []);
}

function findStored(tx: WriteTransaction, tasks: readonly NewTask[]): Stored {
  const found = namedTasks(tasks).flatMap((id) => findTask(tx, id) ?? []);
  return {
    lanes: tx.db.all("SELECT name FROM lanes").map((row) => text(row, "name")),
    tasks: new Map(found.map((task) => [task.id, task])),
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

function storeTask(
  tx: WriteTransaction,
  groupId: string,
  task: NewTask,
  seq: number,
  earlier: StoredTask | undefined,
): StoredTask {
  const { id, spec } = task;
  if (earlier !== undefined) {
    tx.db.run("DELETE FROM task_needs WHERE run_id = :id", { id });
    tx.db.run("DELETE FROM task_resources WHERE run_id = :id", { id });
    transition(tx, earlier, "created", { ...NEW_LIFE, life: earlier.life + 1 });
  }
  const row = tx.db.get(STORE_TASK, {
    seq,
    id,
    groupId,
    experimentId: task.experimentId,
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
    hasResources: spec.resources.length > 0 ? 1 : 0,
    spec: JSON.stringify(spec),
    attempt: Math.max(task.lastAttempt ?? 0, earlier?.attempt ?? 0),
    now: tx.now,
  });
  for (const key of new Set(spec.resources)) {
    tx.db.run("INSERT INTO task_resources (run_id, key) VALUES (:id, :key)", { id, key });
  }
  return readStoredTask(row ?? {});
}

/** The second part is for a task that begins a new life. */
const STORE_TASK = `
  INSERT INTO tasks (seq, id, group_id, experiment_id, name, tag, lane, kind, caller, owner, machine, target, executor,
    priority, eff_priority, has_resources, spec, attempt, created_at)
  VALUES (:seq, :id, :groupId, :experimentId, :name, :tag, :lane, :kind, :caller, :owner, :machine, :target, :executor,
    :priority, :priority, :hasResources, :spec, :attempt, :now)
  ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, group_id = excluded.group_id,
    experiment_id = excluded.experiment_id, name = excluded.name, tag = excluded.tag, lane = excluded.lane,
    kind = excluded.kind, caller = excluded.caller, owner = excluded.owner, machine = excluded.machine,
    target = excluded.target, executor = excluded.executor, priority = excluded.priority,
    eff_priority = excluded.eff_priority, has_resources = excluded.has_resources, spec = excluded.spec,
    attempt = excluded.attempt, created_at = excluded.created_at
  RETURNING *`;

/** Stores the edges of a task, and queues, blocks or skips it by what is needed. */
function begin(
  tx: WriteTransaction,
  task: StoredTask,
  needed: ReadonlyMap<JobId, StoredTask>,
  isMarked: boolean,
): StoredTask {
  const { state, change, edges } = judgeBeginning(task.spec, needed);
  for (const { run, condition, isMet } of edges) {
    tx.db.run("INSERT INTO task_needs (run_id, needs, cond, met) VALUES (:id, :run, :condition, :met)", {
      id: task.id,
      run,
      condition,
      met: isMet ? 1 : 0,
    });
  }
  return transition(tx, task, state, change, toBeginEvent(state), { isMarked: isMarked && state !== "skipped" });
}
