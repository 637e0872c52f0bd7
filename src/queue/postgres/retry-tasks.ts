import type { JobId } from "../../run/job-id.ts";
import { readJobId, type StoredTask } from "../records.ts";
import { word } from "../rows.ts";
import { NEW_LIFE, toReady } from "../task-move.ts";
import { isTerminalState, TASK_EDGES, TASK_STATES, type NeedCondition, type TaskState } from "../task.ts";
import { judgeNeed, type NeedOutcome } from "../transitions.ts";
import type { Queries, WriteTransaction } from "./database.ts";
import { reopenGroups } from "./end-effects.ts";
import { findTasks, TaskMoves } from "./task-moves.ts";

/** See `QueueStore.retry`. */
export async function retryTasks(tx: WriteTransaction, ids: readonly JobId[]): Promise<readonly StoredTask[]> {
  const chosen = await withSkipped(tx.db, ids);
  const needs = await readNeeds(tx.db, [...chosen.keys()]);
  leaveHopeless(chosen, needs);
  const tasks = [...chosen.values()].toSorted((a, b) => a.seq - b.seq);
  await reopenGroups(tx, [...new Set(tasks.map((task) => task.groupId))]);
  const edges = tasks.flatMap((task) => (needs.get(task.id) ?? []).map((need) => ({ ...need, by: task.id })));
  await tx.db.run(
    `UPDATE task_needs n SET met = e.met FROM unnest(:runs::text[], :needs::text[], :met::integer[]) AS e (run, needs, met)
     WHERE n.run_id = e.run AND n.needs = e.needs`,
    {
      runs: edges.map((edge) => edge.by),
      needs: edges.map((edge) => edge.run),
      met: edges.map((edge) => (outcomeOf(edge, chosen) === "met" ? 1 : 0)),
    },
  );
  const moves = new TaskMoves(tx);
  const reopened = tasks.map((task) => {
    const isOpen = (needs.get(task.id) ?? []).some((need) => outcomeOf(need, chosen) === "open");
    const next = isOpen ? { state: "blocked" as const, change: {} } : toReady(task.spec);
    const change = { ...NEW_LIFE, ...next.change, life: task.life + 1, effectivePriority: task.spec.priority };
    const kind = next.state === "blocked" ? "run.blocked" : "run.queued";
    return moves.add(task, next.state, change, { kind, data: { retry: true } });
  });
  moves.store();
  return reopened;
}

/** The tasks that can be opened again, and all that were skipped because of them. */
async function withSkipped(db: Queries, ids: readonly JobId[]): Promise<Map<JobId, StoredTask>> {
  const named = await findTasks(db, ids);
  const chosen = new Map<JobId, StoredTask>();
  let wave = ids.flatMap((id) => named.get(id) ?? []).filter((task) => TASK_EDGES[task.state].includes("queued"));
  wave = wave.filter((task) => isTerminalState(task.state));
  while (wave.length > 0) {
    for (const task of wave) chosen.set(task.id, task);
    const rows = await db.all(SKIPPED_WITH, {
      ids: wave.map((task) => task.id),
      leaders: wave.filter((task) => task.isLeader).map((task) => task.id),
    });
    const dependents = await findTasks(
      db,
      rows.map((row) => readJobId(row, "id")),
    );
    wave = [...dependents.values()].filter((task) => task.state === "skipped" && !chosen.has(task.id));
  }
  return chosen;
}

/** Those that need the tasks, and those that were skipped because one of the leaders failed, which computed the same. */
const SKIPPED_WITH = `
  SELECT run_id AS id FROM task_needs WHERE needs = ANY (:ids)
  UNION SELECT id FROM tasks WHERE because = ANY (:leaders) AND cache_key IS NOT NULL AND state = 'skipped'`;

/** A task that is needed, and what it is now. */
interface NeededTask {
  readonly run: JobId;
  readonly condition: NeedCondition;
  readonly state: TaskState;
}

async function readNeeds(db: Queries, ids: readonly JobId[]): Promise<ReadonlyMap<JobId, readonly NeededTask[]>> {
  const rows = await db.all(
    `SELECT n.run_id, n.needs, n.cond, t.state FROM task_needs n JOIN tasks t ON t.id = n.needs
     WHERE n.run_id = ANY (:ids)`,
    { ids },
  );
  const needs = new Map<JobId, NeededTask[]>();
  for (const row of rows) {
    const by = readJobId(row, "run_id");
    const need: NeededTask = {
      run: readJobId(row, "needs"),
      condition: word(row, "cond", ["success", "ended"]),
      state: word(row, "state", TASK_STATES),
    };
    needs.set(by, [...(needs.get(by) ?? []), need]);
  }
  return needs;
}

function outcomeOf({ run, condition, state }: NeededTask, chosen: ReadonlyMap<JobId, StoredTask>): NeedOutcome {
  return chosen.has(run) ? "open" : judgeNeed(condition, state);
}

/** Takes out what could not start even then, because something else that it needs has failed and is not retried. */
function leaveHopeless(chosen: Map<JobId, StoredTask>, needs: ReadonlyMap<JobId, readonly NeededTask[]>): void {
  const walk = [...chosen.keys()];
  for (const id of walk) {
    const isHopeless = (needs.get(id) ?? []).some((need) => outcomeOf(need, chosen) === "broken");
    if (!chosen.has(id) || !isHopeless) continue;
    chosen.delete(id);
    for (const [by, needed] of needs) if (needed.some((need) => need.run === id)) walk.push(by);
  }
}
