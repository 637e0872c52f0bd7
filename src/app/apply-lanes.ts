import type { Config } from "../config/config.ts";
import { type Lane, toNewLane } from "../queue/lane.ts";
import type { QueueStore } from "../queue/queue-store.ts";

/**
 * Brings the lanes of the queue to what `aexp.yaml` says, where it says something new since the last call. A lane whose
 * section has gone stays as it is, because runs may wait in it.
 */
export async function applyLanes(store: Pick<QueueStore, "declareLanes">, { lanes }: Config): Promise<void> {
  if (Object.keys(lanes).length > 0) await store.declareLanes(lanes);
}

/** The queue as it will be once {@link applyLanes} was called, for those who must not change it. */
export function withDeclaredLanes<View extends { lanes(): Promise<readonly Lane[]> }>(
  queue: View,
  { lanes: sections }: Config,
): View {
  return {
    ...queue,
    async lanes() {
      const present = await queue.lanes();
      const missing = Object.entries(sections).filter(([name]) => !present.some((lane) => lane.name === name));
      return [...present, ...missing.map(([name, section]) => toNewLane(name, section))];
    },
  };
}
