import type { CodeStore } from "../code/code-store.ts";
import type { Digest } from "../output/digest.ts";
import type { OutputStore } from "../output/output-store.ts";
import type { QueueStore } from "../queue/queue-store.ts";

/** Finds out what files and folders are that no run made. */
export interface InputHasher {
  /** @throws {AexpError} `output.not_found` and others that name the file */
  hash(
    path: string,
    options: { readonly hash: "content" | "stat"; readonly signal?: AbortSignal | undefined },
  ): Promise<{ readonly digest: Digest; readonly stats: Digest }>;
}

/** What is asked of the queue before anything is submitted; one that was never used has nothing of it. */
export type CacheView = Pick<QueueStore, "aliases" | "hits" | "lanes" | "noteOutputs" | "outputs" | "tasks">;

/** What is looked at to say what the cache has. */
export interface CachePorts extends Omit<StagePorts, "store"> {
  readonly store: CacheView;
}

/** What stages of pipelines are worked on with. */
export interface StagePorts {
  readonly store: QueueStore;
  readonly outputs: OutputStore;
  readonly code: CodeStore;
  readonly hasher: InputHasher;
}
