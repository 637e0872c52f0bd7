import type { JobId } from "../../run/job-id.ts";
import { readStoredTask, type StoredTask } from "../records.ts";
import { judgeFollowers, toCacheHit } from "../stage.ts";
import type { TaskChange } from "../task-move.ts";
import type { WriteTransaction } from "./database.ts";
import { copyOutputs } from "./outputs.ts";
import { TaskMoves } from "./task-moves.ts";

/**
 * Settles those who wait for the results of stages that have ended.
 *
 * @returns the ones that have ended with them
 */
export async function settleFollowers(
  tx: WriteTransaction,
  ended: readonly StoredTask[],
): Promise<readonly StoredTask[]> {
  const leaders = ended.filter((task) => task.isLeader);
  if (leaders.length === 0) return [];
  const rows = await tx.db.all("SELECT * FROM tasks WHERE follows = ANY (:ids) ORDER BY seq", {
    ids: leaders.map((task) => task.id),
  });
  const followers = Map.groupBy(
    rows.map((row) => readStoredTask(row)),
    (task) => task.follows,
  );
  const moves = new TaskMoves(tx);
  const settled: StoredTask[] = [];
  for (const leader of leaders) {
    const own = followers.get(leader.id) ?? [];
    const fate = judgeFollowers(leader);
    switch (fate.kind) {
      case "cached":
        for (const follower of own) settled.push(moves.add(follower, "cached", toShared(leader.id)));
        await copyOutputs(
          tx,
          leader.id,
          own.map((follower) => follower.id),
        );
        break;
      case "skipped":
        for (const follower of own) settled.push(moves.add(follower, "skipped", { reason: fate.reason }));
        break;
      case "handed_over":
        handOver(moves, own);
        break;
    }
  }
  moves.store();
  return settled;
}

/** What a stage becomes that ends with the result of another one. */
export function toShared(from: JobId): TaskChange {
  return { cachedFrom: from, reason: toCacheHit(from) };
}

/** The oldest computes the result, and the others wait for that one. */
function handOver(moves: TaskMoves, followers: readonly StoredTask[]): void {
  const [heir, ...others] = followers;
  if (heir === undefined) return;
  moves.add(heir, "queued", { isLeader: true }, { kind: "run.queued" });
  for (const follower of others) follow(moves, follower, heir.id);
}

/** Lets a stage wait for the result of another one. */
export function follow(moves: TaskMoves, task: StoredTask, leader: JobId, change: TaskChange = {}): void {
  moves.add(task, "blocked", { ...change, follows: leader }, { kind: "run.blocked", data: { follows: leader } });
}
