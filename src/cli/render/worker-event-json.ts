import type { WorkEvent, WorkingAttempt } from "../../app/work-events.ts";
import { toInstant } from "../../model/clock.ts";
import { toRunStatus } from "../../queue/task.ts";

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
