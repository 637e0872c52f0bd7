import type { WorkTrees } from "../git/work-trees.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { ACTIVE_STATES, PENDING_STATES, type Task } from "../queue/task.ts";
import { cleanCommit } from "./execute-task.ts";
import type { Repo } from "./repo.ts";

/** A work tree that no run has begun in for so long is made again when one does. */
const UNUSED_MS = 24 * 3_600_000;

/**
 * Removes work trees of commits that no run of the queue wants and that have not been used for a day.
 *
 * @returns the commits whose work trees are removed, or would be
 */
export async function pruneWorkTrees(
  repo: Pick<Repo, "runs" | "clock">,
  store: Pick<QueueStore, "tasks">,
  workTrees: WorkTrees,
  dryRun: boolean,
): Promise<readonly string[]> {
  const open = await store.tasks({ states: [...PENDING_STATES, ...ACTIVE_STATES] });
  const keep = new Set(open.flatMap((task) => task.commit ?? commitHere(repo, task) ?? []));
  return await workTrees.prune({ keep, beforeMs: repo.clock.nowMs() - UNUSED_MS, dryRun });
}

/** Runs that never leave this machine say it in their folders only. */
function commitHere(repo: Pick<Repo, "runs">, task: Task): string | undefined {
  try {
    return repo.runs.has(task.id) ? cleanCommit(repo, task) : undefined;
  } catch {
    return undefined; // it cannot begin without its folder, either
  }
}
