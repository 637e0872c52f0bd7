import type { QueueStore } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { rowOf } from "./list-runs.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";
import { showTask, type TaskDetails } from "./show-task.ts";

/** What the sentence of `aexp why` is made of. */
export interface RunExplanation {
  readonly jobId: JobId;
  /** What document or ledger entry say; absent when the run's folder is on another machine, and no entry is here yet. */
  readonly row: RunRow | undefined;
  /** What the queue says; absent when it does not know the run, or when the run was executed without it since. */
  readonly details: TaskDetails | undefined;
  /** The run whose end decided about this one. */
  readonly because: Task | undefined;
  /** A run that computed the same on another machine before; its outputs are there, and so this one is not cached. */
  readonly sameElsewhere: Task | undefined;
  /** Whether the run's document says that it was queued once. */
  readonly wasQueued: boolean;
}

/** Gathers why a run is in its status. @throws {AexpError} when nothing is known of it */
export async function explainRun(repo: Repo, store: QueueStore | undefined, jobId: JobId): Promise<RunExplanation> {
  const details = store === undefined ? undefined : await showTask(store, jobId);
  const isKnown = repo.runs.has(jobId) || repo.ledger.has(jobId);
  const row = details !== undefined && !isKnown ? undefined : rowOf(repo, jobId).row;
  const facts = repo.runs.has(jobId) ? repo.runs.read(jobId).document.facts : {};
  const isOutdated = details !== undefined && (facts.attempt ?? 0) > details.task.attempt;
  const cause = details?.task.reason?.because;
  return {
    jobId,
    row,
    details: isOutdated ? undefined : details,
    because: cause === undefined ? undefined : await store?.task(cause),
    sameElsewhere: store && details && (await findSameElsewhere(store, details.task)),
    wasQueued: facts.queue?.spec !== undefined,
  };
}

/** The newest run that computed the same on another machine, before this one was executed or while it waits for that. */
async function findSameElsewhere(store: QueueStore, task: Task): Promise<Task | undefined> {
  const { cacheKey, startedAt, state } = task;
  if (cacheKey === undefined || state === "cached") return undefined;
  const found: Task[] = [];
  for (const machine of await store.machines()) {
    if (machine === task.machine) continue;
    const [hit] = await store.hits(cacheKey, machine, 1);
    const same = hit && (await store.task(hit.run));
    if (same?.endedAt !== undefined && same.endedAt <= (startedAt ?? same.endedAt)) found.push(same);
  }
  return found.toSorted((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0))[0];
}
