import type { WorkerInfo } from "../queue/queue-store.ts";
import type { ProcessRecord } from "../run/document.ts";
import type { Repo } from "./repo.ts";

/** What this machine knows of a worker's process. Of another machine, or of an earlier boot, it knows nothing. */
export type WorkerLife = "alive" | "dead" | "unknown";

/** The process of a worker, as far as one of this machine; `self` is any process of this machine and boot. */
export function processOfWorker(
  repo: Pick<Repo, "machineLabel">,
  self: ProcessRecord,
  { machine, pid, startFingerprint, bootId }: WorkerInfo,
): ProcessRecord | undefined {
  if (machine !== repo.machineLabel || startFingerprint === undefined || bootId !== self.boot_id) return undefined;
  return { ...self, pid, pgid: pid, start_fingerprint: startFingerprint };
}

/** Whether the very process of a worker lives. */
export function lifeOfWorker(
  repo: Pick<Repo, "machineLabel" | "processes">,
  self: ProcessRecord,
  worker: WorkerInfo,
): WorkerLife {
  const record = processOfWorker(repo, self, worker);
  const isRunning = record === undefined ? undefined : repo.processes.isRunning(record);
  return isRunning === undefined ? "unknown" : isRunning ? "alive" : "dead";
}
