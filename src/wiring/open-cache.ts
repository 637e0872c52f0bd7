import type { Repo } from "../app/repo.ts";
import type { CachePorts, CacheView } from "../app/stage-ports.ts";
import { openQueueIfPresent } from "./open-queue.ts";
import { openStages } from "./open-stages.ts";

/** What is looked at to say what the cache has. Leaving it closes the queue. */
export interface OpenCache extends CachePorts, AsyncDisposable {}

/** A queue in which nothing was ever queued. */
const EMPTY: CacheView = {
  aliases: async () => [],
  hits: async () => [],
  lanes: async () => [],
  noteOutputs: async () => {},
  outputs: async () => [],
  tasks: async () => [],
};

/** Opens the queue, when there is one, and what stages are looked at with. Nothing is made. */
export async function openCache(repo: Repo): Promise<OpenCache> {
  const store = await openQueueIfPresent(repo);
  const stages = openStages(repo);
  return {
    ...stages,
    store: store ?? EMPTY,
    async [Symbol.asyncDispose]() {
      await stages[Symbol.asyncDispose]();
      await store?.[Symbol.asyncDispose]();
    },
  };
}
