import type { Lane } from "../queue/lane.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { ACTIVE_STATES, type TaskState } from "../queue/task.ts";

/** A lane and what is in it. */
export interface LaneRow {
  readonly lane: Lane;
  readonly active: number;
  readonly queued: number;
  /** Waiting for other runs. */
  readonly blocked: number;
}

/** All lanes, by name. */
export async function listLanes(store: Pick<QueueStore, "lanes" | "counts">): Promise<readonly LaneRow[]> {
  const counts = await store.counts();
  const count = (name: string, states: readonly TaskState[]): number =>
    counts
      .filter(({ lane, state }) => lane === name && states.includes(state))
      .reduce((sum, { count: n }) => sum + n, 0);
  return (await store.lanes()).map((lane) => ({
    lane,
    active: count(lane.name, ACTIVE_STATES),
    queued: count(lane.name, ["queued"]),
    blocked: count(lane.name, ["created", "blocked"]),
  }));
}
