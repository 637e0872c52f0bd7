import type { QueueStore } from "../queue/queue-store.ts";
import { ACTIVE_STATES, PENDING_STATES, type Task } from "../queue/task.ts";
import { type QueueSituation, toSituation } from "../queue/waiting.ts";

/** What is needed of the queue to tell what a task waits for. */
export type SituationSource = Pick<QueueStore, "now" | "lanes" | "tasks" | "locks" | "workers">;

/** A worker that was not heard of for so long counts no more: it reports several times as often. */
export const WORKER_SILENT_MS = 90_000;

/** All tasks that have not ended, and what {@link judgeWaiting} looks at. */
export async function readSituation(
  store: SituationSource,
): Promise<{ readonly open: readonly Task[]; readonly situation: QueueSituation }> {
  const open = await store.tasks({ states: [...PENDING_STATES, ...ACTIVE_STATES] });
  const now = await store.now();
  const workers = await store.workers();
  const situation = toSituation({
    now,
    open,
    lanes: await store.lanes(),
    locks: await store.locks(),
    workers: workers.filter(({ beatAt, state }) => state === "up" && beatAt > now - WORKER_SILENT_MS),
  });
  return { open, situation };
}
