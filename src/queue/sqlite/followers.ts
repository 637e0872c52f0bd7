import type { JobId } from "../../run/job-id.ts";
import { readJobId, readStoredTask, type StoredTask } from "../records.ts";
import { judgeFollowers, toCacheHit } from "../stage.ts";
import type { TaskChange } from "../task-move.ts";
import type { WriteTransaction } from "./database.ts";
import { copyOutputs } from "./outputs.ts";
import { transition } from "./transition.ts";

/**
 * Settles those who wait for the result of a stage that has ended.
 *
 * @returns the ones that have ended with it
 */
export function settleFollowers(tx: WriteTransaction, leader: StoredTask): readonly StoredTask[] {
  if (!leader.isLeader) return [];
  const followers = tx.db
    .all("SELECT * FROM tasks WHERE follows = :id ORDER BY seq", { id: leader.id })
    .map((row) => readStoredTask(row));
  const fate = judgeFollowers(leader);
  switch (fate.kind) {
    case "cached":
      return followers.map((follower) => shareResult(tx, follower, leader.id));
    case "skipped":
      return followers.map((follower) => transition(tx, follower, "skipped", { reason: fate.reason }));
    case "handed_over":
      handOver(tx, followers);
      return [];
  }
}

/** Ends a stage with the result of another one. */
export function shareResult(tx: WriteTransaction, task: StoredTask, from: JobId, change: TaskChange = {}): StoredTask {
  copyOutputs(tx, from, task.id);
  return transition(tx, task, "cached", { ...change, cachedFrom: from, reason: toCacheHit(from) });
}

/** The oldest computes the result, and the others wait for that one. */
function handOver(tx: WriteTransaction, followers: readonly StoredTask[]): void {
  const [heir, ...others] = followers;
  if (heir === undefined) return;
  transition(tx, heir, "queued", { isLeader: true }, { kind: "run.queued" });
  for (const follower of others) follow(tx, follower, heir.id);
}

/** Lets a stage wait for the result of another one. */
export function follow(tx: WriteTransaction, task: StoredTask, leader: JobId, change: TaskChange = {}): StoredTask {
  const event = { kind: "run.blocked", data: { follows: leader } } as const;
  return transition(tx, task, "blocked", { ...change, follows: leader }, event);
}

/** Those that were skipped because a stage failed that computed the same. */
export function findSkippedWith(tx: WriteTransaction, leader: StoredTask): readonly JobId[] {
  if (!leader.isLeader) return [];
  const rows = tx.db.all(
    "SELECT id FROM tasks WHERE because = :id AND cache_key IS NOT NULL AND state = 'skipped' ORDER BY seq",
    { id: leader.id },
  );
  return rows.map((row) => readJobId(row, "id"));
}
