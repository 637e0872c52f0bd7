import type { QueueStore } from "../queue/queue-store.ts";
import { ACTIVE_STATES, PENDING_STATES, type Task } from "../queue/task.ts";
import { judgeWaiting, type QueueSituation, toSituation, type Waiting } from "../queue/waiting.ts";
import type { JobId } from "../run/job-id.ts";

/** What is needed of the queue to tell what a task waits for. */
export type SituationSource = Pick<QueueStore, "now" | "lanes" | "tasks" | "locks" | "workers">;

/** What each run waits for that is in the queue and has not started. */
export async function readWaiting(store: SituationSource): Promise<ReadonlyMap<JobId, Waiting>> {
  const { open, situation } = await readSituation(store);
  const waits = new Map<JobId, Waiting>();
  for (const task of open) {
    const waiting = judgeWaiting(task, situation);
    if (waiting !== undefined) waits.set(task.id, waiting);
  }
  return waits;
}

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
