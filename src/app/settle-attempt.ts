import type { AttemptResult, QueueStore } from "../queue/queue-store.ts";
import type { TaskReason, TaskState } from "../queue/task.ts";
import type { LiveAttempt } from "./live-attempt.ts";

/** Where a run stands after one of its attempts. */
export interface Settlement {
  /** `queued` when the attempt is repeated, or was given back. */
  readonly state: TaskState;
  readonly reason: TaskReason | undefined;
  /** It was given back unfinished, and does not count. */
  readonly isReleased: boolean;
}

/**
 * Writes down how an attempt of this worker ended.
 *
 * @param insist - does a write, again and again if need be; gives `undefined` when it gave up
 * @returns `undefined` when the lease is somebody else's by now, or could not be used in time
 */
export async function settleAttempt(
  store: QueueStore,
  live: LiveAttempt,
  result: AttemptResult,
  insist: <T>(write: () => Promise<T>) => Promise<T | undefined>,
): Promise<Settlement | undefined> {
  const { id } = live.task;
  if (live.fate === "discarded") {
    // If nobody has taken it over yet, it is settled now that its program is dead.
    const reason = { code: "lost", message: "its worker lost the lease" } as const;
    await insist(() => store.finish(id, live.token, { state: "failed", reason }, Math.random()));
    return undefined;
  }
  if (result.state === "stopped" && (await wasGivenBack(store, live, insist))) {
    const isOurs = await insist(() => store.release(id, live.token));
    if (isOurs !== true) return undefined;
    const task = await insist(() => store.task(id));
    return { state: task?.state ?? "queued", reason: task?.reason ?? result.reason, isReleased: true };
  }
  const finished = await insist(() => store.finish(id, live.token, result, Math.random()));
  if (finished === undefined) return undefined;
  // Who stopped it, and not by which signal we did.
  const stopped = finished.state === "stopped" ? await insist(() => store.task(id)) : undefined;
  return { state: finished.state, reason: stopped?.reason ?? result.reason, isReleased: false };
}

/** What nobody asked to stop was given back, by this worker or by the one before it. */
async function wasGivenBack(
  store: QueueStore,
  live: LiveAttempt,
  insist: <T>(read: () => Promise<T>) => Promise<T | undefined>,
): Promise<boolean> {
  return live.fate === "released" || (await insist(() => store.task(live.task.id)))?.stop === undefined;
}
