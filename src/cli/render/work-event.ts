import type { WorkEvent, WorkSummary } from "../../app/work-events.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { toRunStatus } from "../../queue/task.ts";

/** One plain line for what a worker tells. */
export function renderWorkEvent(event: WorkEvent): string {
  switch (event.kind) {
    case "started":
      return `${nameOf(event)} ${event.attempt.isAdopted ? "goes on; its worker died" : "started"}${attemptOf(event)}`;
    case "ended":
      return renderEnd(event);
    case "lease_lost":
      return `${nameOf(event)} lost its lease; its result was thrown away`;
    case "held_back":
      return `nothing is started: ${event.message}`;
    case "draining":
      return event.running === 0 ? "ending" : `ending: ${event.running} attempts still run`;
    case "recovered":
      return `${event.jobId.slice(0, 8)} ${RECOVERED[event.outcome]}`;
    case "problem":
      return `warning: ${toSafeLine(event.message)}`;
  }
}

/** What became of an attempt whose worker died. */
export const RECOVERED = {
  adopted: "was left by a worker that died, and is carried on",
  finished: "had ended when its worker died; its end is recorded",
  requeued: "was lost with its worker, and is queued again",
  lost: "was lost with its worker",
  runs_on: "still runs without its worker; the next worker carries it on",
  foreign: "belongs to another machine",
} as const;

function nameOf({ attempt: { task } }: Extract<WorkEvent, { kind: "started" | "ended" | "lease_lost" }>): string {
  const name = task.spec.name ?? task.experimentId;
  return name === undefined ? task.id.slice(0, 8) : `${task.id.slice(0, 8)} ${toSafeLine(name)}`;
}

function attemptOf({ attempt: { task } }: Extract<WorkEvent, { kind: "started" | "ended" }>): string {
  return task.attempt > 1 ? ` (attempt ${task.attempt})` : "";
}

function renderEnd(event: Extract<WorkEvent, { kind: "ended" }>): string {
  const { state, reason, isReleased, wallclockS } = event;
  const length = `after ${wallclockS.toFixed(1)} s${attemptOf(event)}`;
  if (state === "queued" && isReleased) return `${nameOf(event)} given back ${length}`;
  const why = reason === undefined ? "" : `: ${toSafeLine(reason.message)}`;
  if (state === "queued") return `${nameOf(event)} failed ${length}${why}; it will be repeated`;
  return `${nameOf(event)} ${toRunStatus(state)} ${length}${why}`;
}

/** What was done, in one line: "3 complete, 1 failed in 12.3 s". */
export function renderWorkSummary(summary: WorkSummary): string {
  const { complete, failed, stopped, retried, released, leasesLost, waiting, wallclockS } = summary;
  const parts = [
    `${complete} complete`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(stopped > 0 ? [`${stopped} stopped`] : []),
    ...(retried > 0 ? [`${retried} repeated`] : []),
    ...(released > 0 ? [`${released} given back`] : []),
    ...(leasesLost > 0 ? [`${leasesLost} lost`] : []),
  ];
  const rest = waiting > 0 ? `; ${waiting} wait for what nobody does (\`aexp queue list\`)` : "";
  return `${parts.join(", ")} in ${wallclockS.toFixed(1)} s${rest}`;
}
