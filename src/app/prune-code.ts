import { isUnkeyed } from "../code/code-identity.ts";
import type { CodeStore } from "../code/code-store.ts";
import { AexpError } from "../model/errors.ts";
import { readStageWork } from "../pipeline/stage-work.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { StageSpec } from "../queue/stage.ts";

/** What was forgotten of captured code. */
export interface PrunedCode {
  /** Trees that git may delete now. */
  readonly trees: number;
  readonly checkouts: number;
}

/**
 * Lets go of the code that no stage of the queue can execute any more: its refs, and the folders in which it was checked
 * out. Whoever submits a pipeline meanwhile keeps its code again once it is queued.
 *
 * @throws {AexpError} `code.unavailable`, `git.failed`
 */
export async function pruneCode(code: CodeStore, store: Pick<QueueStore, "tasks">): Promise<PrunedCode> {
  // Before the tasks are read: what is kept from now on belongs to tasks that are not among them.
  const before = await code.keptTrees();
  const used = new Set<string>();
  for (const { spec } of await store.tasks({})) for (const tree of treesOf(spec.stage)) used.add(tree);
  const gone = new Set<string>(before.filter((tree) => !used.has(tree)));
  const kept = (await code.keptTrees()).filter((tree) => !gone.has(tree));
  const keep = new Set<string>([...kept, ...used]);
  return {
    trees: (await code.pruneTrees(keep)).length,
    checkouts: (await code.pruneCheckouts(keep)).length,
  };
}

function treesOf(stage: StageSpec | undefined): readonly string[] {
  if (stage === undefined) return [];
  try {
    const { code } = readStageWork(stage);
    return isUnkeyed(code) ? [] : [code.tree];
  } catch (error) {
    // What cannot be read cannot be executed either, and must not keep the rest from being tidied up.
    if (error instanceof AexpError && error.code === "queue.spec_invalid") return [];
    throw error;
  }
}
