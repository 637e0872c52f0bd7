import type { QueueStore } from "../queue/queue-store.ts";
import type { JobId } from "../run/job-id.ts";
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
}

/**
 * Forgets tasks that ended long ago, and deletes what they printed. Documents, metrics, other files and ledger entries
 * of their runs stay.
 */
export async function purgeQueue(
  repo: Pick<Repo, "runs" | "attempts">,
  store: Pick<QueueStore, "purge">,
  { dryRun, beforeMs }: PurgeOptions,
): Promise<Purge> {
  const ids = await store.purge({ dryRun, ...(beforeMs === undefined ? {} : { before: beforeMs }) });
  let freedBytes = 0;
  for (const id of ids) {
    if (isAtRest(repo, id)) freedBytes += repo.attempts.removeLogs(id, { dryRun });
  }
  return { ids, freedBytes };
}

/** A run may have been executed again since, without the queue; one that cannot be read is left alone. */
function isAtRest({ runs }: Pick<Repo, "runs">, id: JobId): boolean {
  try {
    return runs.has(id) && runs.read(id).document.facts.status !== "running";
  } catch {
    return false;
  }
}
