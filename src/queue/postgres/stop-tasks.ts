import type { JobId } from "../../run/job-id.ts";
import type { StoredTask } from "../records.ts";
import { isTerminalState, PENDING_STATES, type StopMode, type TaskReason, type TaskState } from "../task.ts";
import type { WriteTransaction } from "./database.ts";
import { followEnds } from "./end-effects.ts";
import { findTasks, TaskMoves } from "./task-moves.ts";

type StopOutcome = { readonly id: JobId; readonly outcome: "abandoned" | "requested" | "ended" };

/** See `QueueStore.requestStop`. */
export async function stopTasks(
  tx: WriteTransaction,
  ids: readonly JobId[],
  mode: StopMode,
  reason: TaskReason,
): Promise<readonly StopOutcome[]> {
  const tasks = await findTasks(tx.db, ids);
  const moves = new TaskMoves(tx);
  const outcomes: StopOutcome[] = [];
  const abandoned: StoredTask[] = [];
  for (const id of new Set(ids)) {
    const task = tasks.get(id);
    if (task === undefined) continue;
    if (isTerminalState(task.state)) {
      outcomes.push({ id, outcome: "ended" });
    } else if (isPending(task.state)) {
      abandoned.push(moves.add(task, "abandoned", { reason }));
      outcomes.push({ id, outcome: "abandoned" });
    } else {
      await askToStop(tx, task, mode, reason);
      outcomes.push({ id, outcome: "requested" });
    }
  }
  moves.store();
  // Only now, so that tasks which were named together are abandoned and not skipped because of each other.
  await followEnds(tx, abandoned);
  return outcomes;
}

function isPending(state: TaskState): boolean {
  return PENDING_STATES.some((pending) => pending === state);
}

/** A second request may be harder than the first one, never softer. */
async function askToStop(tx: WriteTransaction, task: StoredTask, mode: StopMode, reason: TaskReason): Promise<void> {
  if (task.stop !== undefined && (task.stop.mode === mode || task.stop.mode === "kill")) return;
  const { code, message } = reason;
  await tx.db.run(
    `UPDATE tasks SET stop_at = coalesce(stop_at, :now), stop_mode = :mode, stop_code = :code, stop_message = :message
     WHERE id = :id`,
    { id: task.id, now: tx.now, mode, code, message },
  );
  tx.outgoing.push({ kind: "stop.requested", runId: task.id, groupId: task.groupId, data: { mode, code, message } });
}
