import { type Beginning, beginTasks } from "../beginning.ts";
import type { NewGroup, NewTask } from "../queue-store.ts";
import { readJobId, type StoredTask } from "../records.ts";
import { integer, text } from "../rows.ts";
import { checkSubmission, namedTasks, type Stored } from "../submission.ts";
import { NEW_LIFE } from "../task-move.ts";
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
  const { id, spec } = task;
  tx.db.run(STORE_TASK, {
    seq: task.seq,
    id,
    groupId: task.groupId,
    experimentId: task.experimentId,
    name: spec.name,
    tag: spec.tag,
    lane: spec.lane,
    kind: spec.kind,
    caller: task.caller,
    owner: task.owner,
    machine: task.machine,
    target: task.target,
    commit: task.commit,
    portable: task.portable && JSON.stringify(task.portable),
    executor: task.executor,
    priority: spec.priority,
    hasResources: spec.resources.length > 0 ? 1 : 0,
    spec: JSON.stringify(spec),
    state: task.state,
    reasonCode: task.reason?.code,
    reasonMessage: task.reason?.message,
    because: task.reason?.because,
    attempt: task.attempt,
    createdAt: task.createdAt,
    queuedAt: task.queuedAt,
    endedAt: task.endedAt,
    resolvable: task.isResolvable ? 1 : 0,
  });
  for (const key of new Set(spec.resources)) {
    tx.db.run("INSERT INTO task_resources (run_id, key) VALUES (:id, :key)", { id, key });
  }
}

/** The second part is for a task that begins a new life. */
const STORE_TASK = `
  INSERT INTO tasks (seq, id, group_id, experiment_id, name, tag, lane, kind, caller, owner, machine, target, commit_oid,
    portable, executor, priority, eff_priority, has_resources, spec, state, reason_code, reason_message, because, attempt, created_at,
    queued_at, ended_at, resolvable)
  VALUES (:seq, :id, :groupId, :experimentId, :name, :tag, :lane, :kind, :caller, :owner, :machine, :target, :commit,
    :portable, :executor, :priority, :priority, :hasResources, :spec, :state, :reasonCode, :reasonMessage, :because, :attempt, :createdAt,
    :queuedAt, :endedAt, :resolvable)
  ON CONFLICT (id) DO UPDATE SET seq = excluded.seq, group_id = excluded.group_id,
    experiment_id = excluded.experiment_id, name = excluded.name, tag = excluded.tag, lane = excluded.lane,
    kind = excluded.kind, caller = excluded.caller, owner = excluded.owner, machine = excluded.machine,
    target = excluded.target, commit_oid = excluded.commit_oid, portable = excluded.portable,
    executor = excluded.executor, priority = excluded.priority,
    eff_priority = excluded.eff_priority, has_resources = excluded.has_resources, spec = excluded.spec,
    state = excluded.state, reason_code = excluded.reason_code, reason_message = excluded.reason_message,
    because = excluded.because, attempt = excluded.attempt, created_at = excluded.created_at,
    queued_at = excluded.queued_at, ended_at = excluded.ended_at, resolvable = excluded.resolvable`;

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
