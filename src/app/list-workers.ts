import type { QueueStore, WorkerInfo } from "../queue/queue-store.ts";
import { ACTIVE_STATES } from "../queue/task.ts";
import type { ProcessRecord } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { WORKER_SILENT_MS } from "./queue-situation.ts";
import type { Repo } from "./repo.ts";
import { lifeOfWorker, type WorkerLife } from "./worker-life.ts";

/** A worker as lists show it. */
export interface WorkerRow {
  readonly worker: WorkerInfo;
  readonly life: WorkerLife;
  /** It has not reported for longer than a living worker would. */
  readonly isSilent: boolean;
  /** The runs that it holds the leases of. */
  readonly running: readonly JobId[];
}

/** All workers that have reported and not said goodbye, in the order of their start. */
export async function listWorkers(
  repo: Pick<Repo, "machineLabel" | "processes">,
  store: Pick<QueueStore, "now" | "workers" | "tasks">,
  self: ProcessRecord,
): Promise<readonly WorkerRow[]> {
  const workers = await store.workers();
  if (workers.length === 0) return [];
  const now = await store.now();
  const active = await store.tasks({ states: ACTIVE_STATES });
  const running = Map.groupBy(active, ({ lease }) => lease?.workerId);
  return workers.map((worker) => ({
    worker,
    life: lifeOfWorker(repo, self, worker),
    isSilent: now - worker.beatAt > WORKER_SILENT_MS,
    running: (running.get(worker.id) ?? []).map(({ id }) => id),
  }));
}
