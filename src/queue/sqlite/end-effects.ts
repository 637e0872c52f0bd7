import type { JobId } from "../../run/job-id.ts";
import { toReady } from "../task-move.ts";
import { TASK_STATES } from "../task.ts";
import { isSuccess, skipReason, toGroupState } from "../transitions.ts";
import type { WriteTransaction } from "./database.ts";
import { emit } from "./events.ts";
import { settleFollowers } from "./followers.ts";
import { readGroup, readJobId, type StoredTask } from "../records.ts";
import { word } from "../rows.ts";
import { findTask, transition } from "./transition.ts";

/**
 * What follows from ends, in the transaction that wrote them: edges to dependents are met or broken, those that can
 * start are queued, those that never can are skipped with all that hang on them, those who waited for a result get it or
 * compute it themselves, and groups whose last task ended end.
 */
export function followEnds(tx: WriteTransaction, ended: readonly StoredTask[]): void {
  const groups = new Set<string>();
  // A skipped task has dependents, too.
  for (let wave = ended; wave.length > 0;) {
    for (const task of wave) groups.add(task.groupId);
    const followed = wave.flatMap((task) => settleFollowers(tx, task));
    wave = [...followed, ...wave.flatMap((task) => settleDependents(tx, task))];
  }
  for (const groupId of groups) endGroup(tx, groupId);
}

/** @returns the dependents that were skipped */
function settleDependents(tx: WriteTransaction, needed: StoredTask): readonly StoredTask[] {
  const edges = tx.db.all(
    `SELECT n.run_id, n.cond FROM task_needs n JOIN tasks d ON d.id = n.run_id
     WHERE n.needs = :needs AND n.met = 0 AND d.state = 'blocked' ORDER BY d.seq`,
    { needs: needed.id },
  );
  const skipped: StoredTask[] = [];
  for (const edge of edges) {
    const run = readJobId(edge, "run_id");
    if (isSuccess(needed.state) || word(edge, "cond", ["success", "ended"]) === "ended") {
      tx.db.run("UPDATE task_needs SET met = 1 WHERE run_id = :run AND needs = :needs", { run, needs: needed.id });
      // The row of one that needs hundreds is long, and of no use before the last of them has ended.
      if (!hasOpenNeed(tx, run)) makeReady(tx, readDependent(tx, run));
    } else {
      skipped.push(transition(tx, readDependent(tx, run), "skipped", { reason: skipReason(needed) }));
    }
  }
  return skipped;
}

/** A dependent that an edge of this transaction names. */
function readDependent(tx: WriteTransaction, id: JobId): StoredTask {
  const task = findTask(tx, id);
  if (task === undefined) throw new Error(`there is no task ${id}`);
  return task;
}

function makeReady(tx: WriteTransaction, task: StoredTask): void {
  const { state, change } = toReady(task.spec);
  transition(tx, task, state, change, state === "queued" ? { kind: "run.queued" } : undefined);
}

function hasOpenNeed(tx: WriteTransaction, id: JobId): boolean {
  return tx.db.get("SELECT 1 FROM task_needs WHERE run_id = :id AND met = 0 LIMIT 1", { id }) !== undefined;
}

/** Ends a group once in each of its epochs, when nothing of it is left to do. */
function endGroup(tx: WriteTransaction, id: string): void {
  if (tx.db.get("SELECT 1 FROM tasks WHERE group_id = :id AND ended_at IS NULL LIMIT 1", { id }) !== undefined) return;
  const states = tx.db
    .all("SELECT DISTINCT state FROM tasks WHERE group_id = :id", { id })
    .map((row) => word(row, "state", TASK_STATES));
  const state = toGroupState(states);
  const ended = tx.db.get(
    `UPDATE groups SET state = :state, ended_at = max(:now, created_at) WHERE id = :id AND state = 'active'
     RETURNING *`,
    { id, state, now: tx.now },
  );
  if (ended === undefined) return;
  const { epoch, kind, name } = readGroup(ended);
  emit(tx, {
    kind: "group.ended",
    groupId: id,
    data: { state, epoch, kind, name },
    dedupe: `group.ended:${id}:${epoch}`,
  });
}

/** Opens a group again that had ended, in a new epoch. */
export function reopenGroup(tx: WriteTransaction, id: string): void {
  tx.db.run(
    "UPDATE groups SET state = 'active', ended_at = NULL, epoch = epoch + 1 WHERE id = :id AND state <> 'active'",
    { id },
  );
}
