import type { QueueStore, WorkerInfo } from "../queue/queue-store.ts";
import type { ProcessRecord } from "../run/document.ts";
import type { Repo } from "./repo.ts";
import { resolveWorker } from "./resolve-worker.ts";
import { processOfWorker } from "./worker-life.ts";

/** What came of asking a worker to end. Only a worker of another machine or boot cannot be asked from here. */
export type WorkerStopOutcome = "asked" | "draining_already" | "dead" | "elsewhere";

/** A worker that was asked to end. */
export interface StoppedWorker {
  readonly worker: WorkerInfo;
  readonly outcome: WorkerStopOutcome;
}

/** Which workers are to end, and how. */
export interface StopWorkersRequest {
  /** Ids or unique prefixes; all workers, when absent. */
  readonly ids: readonly string[] | undefined;
  /** What they execute is given back at once instead of waited for. */
  readonly isNow: boolean;
}

/**
 * Asks workers of this machine to end. No other process is ever signalled: the process must be the very one that
 * reported.
 *
 * @throws {AexpError} `worker.not_found`, `worker.ambiguous`; then none is asked
 */
export async function stopWorkers(
  repo: Pick<Repo, "machineLabel" | "processes">,
  store: Pick<QueueStore, "workers">,
  self: ProcessRecord,
  { ids, isNow }: StopWorkersRequest,
): Promise<readonly StoppedWorker[]> {
  const workers = await store.workers();
  const known = workers.map(({ id }) => id);
  const wanted = ids === undefined ? known : ids.map((text) => resolveWorker(text, known));
  return workers
    .filter(({ id }) => wanted.includes(id))
    .map((worker) => ({ worker, outcome: stop(repo, self, worker, isNow) }));
}

function stop(
  repo: Pick<Repo, "machineLabel" | "processes">,
  self: ProcessRecord,
  worker: WorkerInfo,
  isNow: boolean,
): WorkerStopOutcome {
  const record = processOfWorker(repo, self, worker);
  if (record === undefined) return "elsewhere";
  // A second request would make it end at once.
  if (worker.state === "draining" && !isNow) {
    return repo.processes.isRunning(record) === false ? "dead" : "draining_already";
  }
  const isAlive = repo.processes.signal(record, "SIGTERM");
  // Two signals of one kind may become one on their way.
  if (isAlive && isNow) repo.processes.signal(record, "SIGINT");
  return isAlive ? "asked" : "dead";
}
