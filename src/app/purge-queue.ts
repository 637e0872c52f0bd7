import type { CodeStore } from "../code/code-store.ts";
import type { WorkTrees } from "../git/work-trees.ts";
import { AexpError, type ErrorCode } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import type { JobId } from "../run/job-id.ts";
import { pruneCode } from "./prune-code.ts";
import { pruneWorkTrees } from "./prune-work-trees.ts";
import type { Repo } from "./repo.ts";

/** What is to be forgotten. */
export interface PurgeOptions {
  /** Finds out what would be forgotten. */
  readonly dryRun: boolean;
  /** Forgets what ended before this time, instead of what is older than its lane keeps. */
  readonly beforeMs?: number | undefined;
}

/** What was forgotten. */
export interface Purge {
  readonly ids: readonly JobId[];
  /** Of logs. */
  readonly freedBytes: number;
  /** How many folders with the code of stages are gone; none, when nothing is to be changed. */
  readonly checkouts: number;
  /** The commits whose work trees are removed, or would be. */
  readonly workTrees: readonly string[];
}

/** Where that is looked for. */
export interface PurgePorts {
  readonly store: Pick<QueueStore, "purge" | "tasks">;
  readonly code: CodeStore;
  /** Absent where runs are not executed in work trees of their commits. */
  readonly workTrees?: WorkTrees | undefined;
}

/**
 * Forgets tasks that ended long ago, and deletes what they printed, the code that only they executed, and work trees that
 * nothing wants. Documents, metrics, outputs, other files and ledger entries of their runs stay.
 */
export async function purgeQueue(
  repo: Pick<Repo, "runs" | "attempts" | "clock">,
  { store, code, workTrees }: PurgePorts,
  { dryRun, beforeMs }: PurgeOptions,
): Promise<Purge> {
  const ids = await store.purge({ dryRun, ...(beforeMs === undefined ? {} : { before: beforeMs }) });
  let freedBytes = 0;
  for (const id of ids) {
    if (isAtRest(repo, id)) freedBytes += repo.attempts.removeLogs(id, { dryRun });
  }
  return {
    ids,
    freedBytes,
    checkouts: dryRun ? 0 : await pruneStageCode(code, store),
    workTrees: workTrees === undefined ? [] : await pruneWorkTrees(repo, store, workTrees, dryRun),
  };
}

/** Without git there is no code that was kept. */
async function pruneStageCode(code: CodeStore, store: Pick<QueueStore, "tasks">): Promise<number> {
  try {
    return (await pruneCode(code, store)).checkouts;
  } catch (error) {
    if (error instanceof AexpError && WITHOUT_GIT.includes(error.code)) return 0;
    throw error;
  }
}

const WITHOUT_GIT: readonly ErrorCode[] = [
  "code.unavailable",
  "environment.git_missing",
  "git.failed",
  "git.unsafe_directory",
];

/** A run may have been executed again since, without the queue; one that cannot be read is left alone. */
function isAtRest({ runs }: Pick<Repo, "runs">, id: JobId): boolean {
  try {
    return runs.has(id) && runs.read(id).document.facts.status !== "running";
  } catch {
    return false;
  }
}
