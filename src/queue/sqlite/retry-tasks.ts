import type { JobId } from "../../run/job-id.ts";
import { TASK_EDGES, TASK_STATES, isTerminalState } from "../task.ts";
import { judgeNeed, type NeedOutcome } from "../transitions.ts";
import { NEW_LIFE, toReady } from "../task-move.ts";
import type { WriteTransaction } from "./database.ts";
import { reopenGroup } from "./end-effects.ts";
import { readJobId, type StoredTask } from "../records.ts";
import { findSkippedWith } from "./followers.ts";
import { word } from "../rows.ts";
import { findTask, transition } from "./transition.ts";

/** See `QueueStore.retry`. */
export function retryTasks(tx: WriteTransaction, ids: readonly JobId[]): readonly StoredTask[] {
  const chosen = withSkipped(tx, ids);
  leaveHopeless(tx, chosen);
  const tasks = [...chosen.values()].toSorted((a, b) => a.seq - b.seq);
  for (const groupId of new Set(tasks.map((task) => task.groupId))) reopenGroup(tx, groupId);
  return tasks.map((task) => reopen(tx, task, chosen));
}

/** The tasks that can be opened again, and all that were skipped because of them. */
function withSkipped(tx: WriteTransaction, ids: readonly JobId[]): Map<JobId, StoredTask> {
  const chosen = new Map<JobId, StoredTask>();
  const walk = [...ids];
  for (const [index, id] of walk.entries()) {
    const task = chosen.has(id) ? undefined : findTask(tx, id);
    if (task === undefined || !isTerminalState(task.state)) continue;
    const isNamed = index < ids.length;
    if (isNamed ? !TASK_EDGES[task.state].includes("queued") : task.state !== "skipped") continue;
    chosen.set(id, task);
    walk.push(
      ...tx.db.all("SELECT run_id FROM task_needs WHERE needs = :id", { id }).map((row) => readJobId(row, "run_id")),
      ...findSkippedWith(tx, task),
    );
  }
  return chosen;
}

/** Takes out what could not start even then, because something else that it needs has failed and is not retried. */
function leaveHopeless(tx: WriteTransaction, chosen: Map<JobId, StoredTask>): void {
  const walk = [...chosen.keys()];
  for (const id of walk) {
    if (!chosen.has(id) || !readNeeds(tx, id, chosen).some((need) => need.outcome === "broken")) continue;
    chosen.delete(id);
    const rows = tx.db.all("SELECT run_id FROM task_needs WHERE needs = :id", { id });
    walk.push(...rows.map((row) => readJobId(row, "run_id")));
  }
}

function readNeeds(
  tx: WriteTransaction,
  id: JobId,
  chosen: ReadonlyMap<JobId, StoredTask>,
): readonly { readonly run: JobId; readonly outcome: NeedOutcome }[] {
  return tx.db
    .all("SELECT n.needs, n.cond, t.state FROM task_needs n JOIN tasks t ON t.id = n.needs WHERE n.run_id = :id", {
      id,
    })
    .map((row) => {
      const run = readJobId(row, "needs");
      const condition = word(row, "cond", ["success", "ended"]);
      return { run, outcome: chosen.has(run) ? "open" : judgeNeed(condition, word(row, "state", TASK_STATES)) };
    });
}

function reopen(tx: WriteTransaction, task: StoredTask, chosen: ReadonlyMap<JobId, StoredTask>): StoredTask {
  const needs = readNeeds(tx, task.id, chosen);
  for (const { run, outcome } of needs) {
    tx.db.run("UPDATE task_needs SET met = :met WHERE run_id = :id AND needs = :run", {
      id: task.id,
      run,
      met: outcome === "met" ? 1 : 0,
    });
  }
  const isOpen = needs.some((need) => need.outcome === "open");
  const next = isOpen ? { state: "blocked" as const, change: {} } : toReady(task.spec);
  const change = { ...NEW_LIFE, ...next.change, life: task.life + 1, effectivePriority: task.spec.priority };
  const kind = next.state === "blocked" ? "run.blocked" : "run.queued";
  return transition(tx, task, next.state, change, { kind, data: { retry: true } });
}
