import type { Repo } from "../app/repo.ts";
import type { StagePorts } from "../app/stage-ports.ts";
import { fsOutputStore } from "../output/fs/fs-output-store.ts";
import { TreeHasher } from "../output/fs/hash-tree.ts";
import { openCode } from "./open-code.ts";

/** What stages are worked on with, beside the queue. Leaving it ends the threads that hash. */
export interface OpenStages extends Omit<StagePorts, "store">, AsyncDisposable {}

/** Opens what stages need; nothing is started before it is needed. */
export function openStages(repo: Repo): OpenStages {
  const hasher = new TreeHasher();
  return {
    code: openCode(repo),
    outputs: fsOutputStore,
    hasher,
    async [Symbol.asyncDispose]() {
      await hasher[Symbol.asyncDispose]();
    },
  };
}
