import type { WorkEvent } from "../app/work-events.ts";
import type { TaskReason } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";

/** A run that a worker could not complete. */
export interface FailedRun {
  readonly jobId: JobId;
  readonly name: string | undefined;
  readonly attempt: number;
  readonly reason: TaskReason | undefined;
}

/** So many are kept; the rest is in the queue. */
const MAX_KEPT = 1000;
const MAX_EXPERIMENTS = 100;

/** Remembers what the summary of a worker names. */
export class WorkMemory {
  readonly failed: FailedRun[] = [];
  /** Experiments with a run that completed. */
  readonly experiments = new Set<string>();

  observe(event: WorkEvent): void {
    if (event.kind !== "ended") return;
    const { task } = event.attempt;
    if (event.state === "failed" && this.failed.length < MAX_KEPT) {
      const name = task.spec.name ?? task.experimentId;
      this.failed.push({ jobId: task.id, name, attempt: task.attempt, reason: event.reason });
    }
    if (event.state === "complete" && task.experimentId !== undefined && this.experiments.size < MAX_EXPERIMENTS) {
      this.experiments.add(task.experimentId);
    }
  }
}
