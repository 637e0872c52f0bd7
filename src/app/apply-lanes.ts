import type { Config } from "../config/config.ts";
import { toNewLane } from "../queue/lane.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { QueueView } from "./submission.ts";

/**
 * Brings the lanes of the queue to what `aexp.yaml` says, where it says something new since the last call. A lane whose
 * section has gone stays as it is, because runs may wait in it.
 */
export async function applyLanes(store: Pick<QueueStore, "declareLanes">, { lanes }: Config): Promise<void> {
  if (Object.keys(lanes).length > 0) await store.declareLanes(lanes);
}

/** The queue with the lanes that {@link applyLanes} would make, for those who must not change it. */
export function withDeclaredLanes(queue: QueueView, { lanes: sections }: Config): QueueView {
  return {
    tasks: (query) => queue.tasks(query),
    async lanes() {
      const present = await queue.lanes();
      const missing = Object.entries(sections).filter(([name]) => !present.some((lane) => lane.name === name));
      return [...present, ...missing.map(([name, section]) => toNewLane(name, section))];
    },
  };
}
