import { AexpError } from "../../model/errors.ts";
import { didYouMean } from "../../model/nearest.ts";
import type { JobId } from "../../run/job-id.ts";
import { findCycle } from "../need-cycle.ts";
import type { NewGroup, NewTask } from "../queue-store.ts";
import { isTerminalState, type Need } from "../task.ts";
import { isSuccess, judgeNeed, skipReason } from "../transitions.ts";
import { NEW_LIFE } from "../task-move.ts";
import type { WriteTransaction } from "./database.ts";
import { followEnds, reopenGroup, skip } from "./end-effects.ts";
import { readJobId, readStoredTask, type StoredTask } from "../records.ts";
import { integer, text } from "../rows.ts";
import { findTask, transition } from "./transition.ts";

/** What must be there before anything is written. */
interface Known {
  /** The tasks of this submission that the store knew: they begin a new life. */
  readonly earlier: ReadonlyMap<JobId, StoredTask>;
  /** Needed tasks that are not part of this submission. */
  readonly needed: ReadonlyMap<JobId, StoredTask>;
}

/** Stores a group with its tasks; see `QueueStore.submit`. */
export function submitTasks(tx: WriteTransaction, group: NewGroup, tasks: readonly NewTask[]): readonly StoredTask[] {
  if (tasks.length === 0) {
    throw new AexpError(`Group ${JSON.stringify(group.name)} has no runs; nothing was queued`, {
      code: "queue.empty_group",
    });
  }
  const known = checkSubmission(tx, tasks);
  storeGroup(tx, group);
  const seq = integer(tx.db.get("SELECT coalesce(max(seq), 0) AS seq FROM tasks") ?? {}, "seq") + 1;
  const created = tasks.map((task, index) => storeTask(tx, group.id, task, seq + index, known.earlier.get(task.id)));
  const begun = created.map((task) => begin(tx, task, known.needed));
  const skipped = begun.filter((task) => task.state === "skipped");
  if (skipped.length === 0) return begun;
  followEnds(tx, skipped);
  return begun.flatMap((task) => findTask(tx, task.id) ?? []);
}

function checkSubmission(tx: WriteTransaction, tasks: readonly NewTask[]): Known {
  const lanes = tx.db.all("SELECT name FROM lanes").map((row) => text(row, "name"));
  const byId = new Map<JobId, NewTask>();
  const earlier = new Map<JobId, StoredTask>();
  for (const task of tasks) {
    if (byId.has(task.id)) refuseDuplicate(task.id, "stands twice in one submission");
    byId.set(task.id, task);
    if (!lanes.includes(task.spec.lane)) refuseLane(task.spec.lane, lanes);
    const before = findTask(tx, task.id);
    if (before === undefined) continue;
    if (!isTerminalState(before.state)) refuseDuplicate(task.id, `is in the queue already (${before.state})`);
    if (isSuccess(before.state) && task.force !== true) refuseDuplicate(task.id, `is ${before.state} already`);
    earlier.set(task.id, before);
  }
  const needed = findNeeded(tx, tasks, byId);
  refuseCycle(tx, byId);
  return { earlier, needed };
}

function findNeeded(
  tx: WriteTransaction,
  tasks: readonly NewTask[],
  own: ReadonlyMap<JobId, NewTask>,
): ReadonlyMap<JobId, StoredTask> {
  const needed = new Map<JobId, StoredTask>();
  for (const task of tasks) {
    for (const { run } of task.spec.needs) {
      if (own.has(run) || needed.has(run)) continue;
      const found = findTask(tx, run);
      if (found === undefined) {
        throw new AexpError(`Run ${task.id} needs ${run}, which is not in the queue. Nothing was queued`, {
          code: "queue.unknown_need",
          hint: "Queue it first, or in the same submission.",
        });
      }
      needed.set(run, found);
    }
  }
  return needed;
}

/** Looks at the stored edges, too: a task that begins a new life may be needed by one that it needs now. */
function refuseCycle(tx: WriteTransaction, own: ReadonlyMap<JobId, NewTask>): void {
  const cycle = findCycle(own.keys(), (id) => {
    const task = own.get(id);
    if (task !== undefined) return task.spec.needs.map((need) => need.run);
    return tx.db.all("SELECT needs FROM task_needs WHERE run_id = :id", { id }).map((row) => readJobId(row, "needs"));
  });
  if (cycle === undefined) return;
  const names = cycle.map((id) => own.get(id)?.spec.name ?? id.slice(0, 8));
  throw new AexpError(`The needs form a cycle: ${names.join(" → ")}. Nothing was queued`, {
    code: "queue.cycle",
    hint: "Take one of these needs out.",
  });
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
function begin(tx: WriteTransaction, task: StoredTask, needed: ReadonlyMap<JobId, StoredTask>): StoredTask {
  const broken: StoredTask[] = [];
  let isOpen = false;
  for (const { run, condition } of strictest(task.spec.needs)) {
    const found = needed.get(run);
    // A task of the same submission cannot have ended yet.
    const outcome = found === undefined ? "open" : judgeNeed(condition, found.state);
    tx.db.run("INSERT INTO task_needs (run_id, needs, cond, met) VALUES (:id, :run, :condition, :met)", {
      id: task.id,
      run,
      condition,
      met: outcome === "met" ? 1 : 0,
    });
    if (outcome === "open") isOpen = true;
    if (outcome === "broken" && found !== undefined) broken.push(found);
  }
  const [first] = broken.toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  if (first !== undefined) return skip(tx, task, skipReason(first));
  if (isOpen) return transition(tx, task, "blocked", {}, { kind: "run.blocked" });
  return transition(tx, task, "queued", {}, { kind: "run.queued" });
}

/** One edge for each task that is needed; of two the one that asks for success. */
function strictest(needs: readonly Need[]): readonly Need[] {
  const byRun = new Map<JobId, Need>();
  for (const need of needs) if (byRun.get(need.run)?.condition !== "success") byRun.set(need.run, need);
  return [...byRun.values()];
}

function refuseDuplicate(id: JobId, problem: string): never {
  throw new AexpError(`Run ${id} ${problem}. Nothing was queued`, { code: "queue.duplicate_task" });
}

function refuseLane(lane: string, lanes: readonly string[]): never {
  throw new AexpError(`There is no lane ${JSON.stringify(lane)}.${didYouMean(lane, lanes)} Nothing was queued`, {
    code: "queue.unknown_lane",
    hint: "Make it with `aexp lane set`, or choose one of `aexp lane list`.",
  });
}
