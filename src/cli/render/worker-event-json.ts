import type { WorkEvent, WorkingAttempt, WorkSummary } from "../../app/work-events.ts";
import { toInstant } from "../../model/clock.ts";
import { toRunStatus } from "../../queue/task.ts";
import type { FailedRun } from "../work-memory.ts";
import { toSummaryJson, type WorkSummaryJson } from "./work-json.ts";

/** What a worker tells as `--ndjson` prints it; the caller adds the time. Absent facts are absent keys. */
export function toWorkEventJson(event: WorkEvent): Readonly<Record<string, unknown>> {
  switch (event.kind) {
    case "started":
      return { event: "started", ...toAttemptJson(event.attempt), adopted: event.attempt.isAdopted };
    case "ended": {
      const { state, reason, isReleased, wallclockS, exitCode } = event;
      return {
        event: "ended",
        ...toAttemptJson(event.attempt),
        status: toRunStatus(state),
        reason: reason === undefined ? undefined : { ...reason },
        released: isReleased,
        wallclock_s: wallclockS,
        exit_code: exitCode,
      };
    }
    case "lease_lost":
      return { event: "lease_lost", ...toAttemptJson(event.attempt) };
    case "held_back":
      return { event: "held_back", reason: { code: event.reason, message: event.message } };
    case "draining":
      return {
        event: "draining",
        running: event.running,
        until: event.byMs === undefined ? undefined : toInstant(event.byMs),
      };
    case "recovered":
      return { event: "recovered", job_id: event.jobId, outcome: event.outcome };
    case "problem":
      return { event: "problem", message: event.message };
  }
}

function toAttemptJson({ task }: WorkingAttempt): Readonly<Record<string, unknown>> {
  const { spec, experimentId } = task;
  return { job_id: task.id, attempt: task.attempt, experiment_id: experimentId, name: spec.name, lane: spec.lane };
}

/** A worker's day as `--json` prints it. */
export interface WorkerSummaryJson extends WorkSummaryJson {
  readonly worker_id: string;
  /** The first thousand; `failed` counts all. */
  readonly failed_runs: readonly {
    readonly job_id: string;
    readonly attempt: number;
    readonly reason?: { readonly code: string; readonly message: string };
  }[];
}

export function toWorkerSummaryJson(
  workerId: string,
  summary: WorkSummary,
  failed: readonly FailedRun[],
): WorkerSummaryJson {
  return {
    worker_id: workerId,
    ...toSummaryJson(summary),
    failed_runs: failed.map(({ jobId, attempt, reason }) => ({
      job_id: jobId,
      attempt,
      ...(reason === undefined ? {} : { reason: { code: reason.code, message: reason.message } }),
    })),
  };
}
