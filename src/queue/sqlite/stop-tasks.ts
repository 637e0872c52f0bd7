import type { JobId } from "../../run/job-id.ts";
import { isTerminalState, PENDING_STATES, type StopMode, type TaskReason, type TaskState } from "../task.ts";
import type { WriteTransaction } from "./database.ts";
import { followEnds } from "./end-effects.ts";
import { emit } from "./events.ts";
import type { StoredTask } from "../records.ts";
import { findTask, transition } from "./transition.ts";

type StopOutcome = { readonly id: JobId; readonly outcome: "abandoned" | "requested" | "ended" };

/** See `QueueStore.requestStop`. */
export function stopTasks(
  tx: WriteTransaction,
  ids: readonly JobId[],
  mode: StopMode,
  reason: TaskReason,
): readonly StopOutcome[] {
  const outcomes: StopOutcome[] = [];
  const abandoned: StoredTask[] = [];
  for (const id of new Set(ids)) {
    const task = findTask(tx, id);
    if (task === undefined) continue;
    if (isTerminalState(task.state)) {
      outcomes.push({ id, outcome: "ended" });
    } else if (isPending(task.state)) {
      abandoned.push(transition(tx, task, "abandoned", { reason }));
      outcomes.push({ id, outcome: "abandoned" });
    } else {
      askToStop(tx, task, mode, reason);
      outcomes.push({ id, outcome: "requested" });
    }
  }
  // Only now, so that tasks which were named together are abandoned and not skipped because of each other.
  followEnds(tx, abandoned);
  return outcomes;
}

function isPending(state: TaskState): boolean {
  return PENDING_STATES.some((pending) => pending === state);
}

/** A second request may be harder than the first one, never softer. */
function askToStop(tx: WriteTransaction, task: StoredTask, mode: StopMode, reason: TaskReason): void {
  if (task.stop !== undefined && (task.stop.mode === mode || task.stop.mode === "kill")) return;
  tx.db.run(
    `UPDATE tasks SET stop_at = coalesce(stop_at, :now), stop_mode = :mode, stop_code = :code, stop_message = :message
     WHERE id = :id`,
    { id: task.id, now: tx.now, mode, code: reason.code, message: reason.message },
  );
  const data = { mode, code: reason.code, message: reason.message };
  emit(tx, { kind: "stop.requested", runId: task.id, groupId: task.groupId, data });
}
