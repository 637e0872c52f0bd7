import type { RunExplanation } from "../../app/explain-run.ts";
import type { RunRow } from "../../app/run-row.ts";
import type { TaskDetails } from "../../app/show-task.ts";
import { toInstant } from "../../model/clock.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { type Task, toRunStatus } from "../../queue/task.ts";
import { renderDuration, renderInstant } from "./time.ts";
import { explainWaiting, toWaitingJson, type TimeContext } from "./waiting.ts";

/** Why a run is in its status, as `--json` prints it. */
export interface ExplanationJson {
  readonly job_id: string;
  readonly status: string | null;
  /** Where its dispatch stands, when the queue knows the run. */
  readonly state?: string;
  readonly why: string;
  readonly waits_for?: Record<string, unknown>;
}

export function toExplanationJson(explanation: RunExplanation, context: TimeContext): ExplanationJson {
  const { jobId, row, details } = explanation;
  const waiting = toWaitingJson(details?.waiting);
  return {
    job_id: jobId,
    status: details === undefined ? (row?.status ?? null) : toRunStatus(details.task.state),
    ...(details === undefined ? {} : { state: details.task.state }),
    why: explain(explanation, context),
    ...(waiting === undefined ? {} : { waits_for: waiting }),
  };
}

/** One sentence: why it ran, what it waits for, why it was skipped. */
export function renderExplanation(explanation: RunExplanation, context: TimeContext): string {
  const { jobId, row, details } = explanation;
  const status = details === undefined ? (row?.status ?? "unknown") : toRunStatus(details.task.state);
  return `Run ${jobId.slice(0, 8)} is ${toSafeLine(status)}: ${explain(explanation, context)}.`;
}

function explain(explanation: RunExplanation, context: TimeContext): string {
  const { row, details, because, wasQueued, sameElsewhere } = explanation;
  if (details !== undefined) return explainTask(details, because, row, context) + elsewhereOf(sameElsewhere);
  return row === undefined ? "nothing more is known of it here" : explainRow(row, wasQueued, context);
}

function explainTask(
  details: TaskDetails,
  because: Task | undefined,
  row: RunRow | undefined,
  context: TimeContext,
): string {
  const { task, waiting } = details;
  const why = task.reason === undefined ? "" : toSafeLine(task.reason.message);
  switch (task.state) {
    case "created":
    case "blocked":
    case "queued":
      return waiting === undefined ? "it waits" : withLastError(task, explainWaiting(waiting, context));
    case "submitting":
    case "submitted":
      return "it was given to the scheduler, and waits there";
    case "running":
    case "finalizing":
      return explainActive(details, row, context);
    case "complete":
      return `${originOf(details)}, and ended well${durationOf(details)}${attemptsOf(task)}`;
    case "cached":
      return `it was not executed, because ${why === "" ? "its result was there already" : why}`;
    case "failed":
      return `${why === "" ? "its program reported failure" : why}${durationOf(details)}${attemptsOf(task)}${noRetry(task)}`;
    case "stopped":
    case "abandoned":
      return why === "" ? "it was stopped by hand" : why;
    case "skipped":
      return explainSkipped(task, because);
  }
}

/** Why it is executed although its result is known. */
function elsewhereOf(same: Task | undefined): string {
  if (same === undefined) return "";
  return `; ${same.id.slice(0, 8)} computed the same before, but its outputs are on ${toSafeLine(same.machine)}`;
}

function withLastError({ state, reason }: Task, sentence: string): string {
  return state === "queued" && reason !== undefined && reason.code !== "disk_full"
    ? `${sentence}; the last attempt ended with: ${toSafeLine(reason.message)}`
    : sentence;
}

function explainActive({ task, attempts }: TaskDetails, row: RunRow | undefined, context: TimeContext): string {
  const machine = attempts.find(({ n }) => n === task.attempt)?.machine;
  const since = task.startedAt === undefined ? undefined : renderInstant(toInstant(task.startedAt), context);
  const seen = row?.heartbeatAt === undefined ? "" : `, last seen ${renderInstant(row.heartbeatAt, context)}`;
  const isLost = task.lease !== undefined && task.lease.expiresAt < context.nowMs;
  return [
    task.state === "finalizing" ? "its program has ended, and its result is being written" : `attempt ${task.attempt}`,
    machine === undefined ? "" : ` on ${machine}`,
    since === undefined ? "" : ` started ${since}`,
    seen,
    task.stop === undefined ? "" : "; it was asked to stop",
    isLost ? "; its worker fell silent, and the next worker or `aexp queue recover` settles it" : "",
  ].join("");
}

function explainSkipped({ reason, cacheKey }: Task, because: Task | undefined): string {
  if (because === undefined) {
    return `it was skipped because ${reason === undefined ? "what it needs failed" : toSafeLine(reason.message)}`;
  }
  const end = because.state === "failed" ? "failed" : `was ${because.state}`;
  const why = because.reason === undefined ? "" : ` (${toSafeLine(because.reason.message)})`;
  const now = because.state === "failed" || because.endedAt !== undefined ? `${end}${why}` : "did not succeed";
  // Nobody looked for the result of what was skipped because of a need.
  const relation = cacheKey === undefined ? "which it needs" : "which computes the same";
  return `it was skipped because ${because.id.slice(0, 8)}, ${relation}, ${now}; \`aexp queue retry ${because.id.slice(0, 8)}\` queues both again`;
}

/** "ana queued it in the sweep lr": why it was executed at all. */
function originOf({ task, group }: TaskDetails): string {
  const name = group === undefined || group.name === "" ? "" : ` ${toSafeLine(group.name)}`;
  return `${toSafeLine(task.caller)} queued it${group === undefined ? "" : ` in the ${group.kind}${name}`}`;
}

function durationOf({ task, attempts }: TaskDetails): string {
  const last = attempts.find(({ n }) => n === task.attempt);
  if (last?.endedAt === undefined) return "";
  return ` after ${renderDuration((last.endedAt - last.startedAt) / 1000)}`;
}

function attemptsOf({ attempt }: Task): string {
  return attempt > 1 ? `, in attempt ${attempt}` : "";
}

/** Why a failure was final although attempts were left. */
function noRetry({ spec, failures, reason }: Task): string {
  const { maxAttempts, on } = spec.retry;
  if (maxAttempts <= 1 || reason === undefined) return "";
  if (!on.includes(reason.code)) return `; ${reason.code} is not repeated`;
  return failures >= maxAttempts ? "; no attempts are left" : "";
}

function explainRow(row: RunRow, wasQueued: boolean, context: TimeContext): string {
  const why = row.reason === undefined ? "" : toSafeLine(row.reason.message ?? row.reason.code);
  const place = row.isLocal ? "" : ` on ${toSafeLine(row.machine)}`;
  switch (row.status) {
    case "created":
      return "it was registered, and never executed; `aexp queue add` or `aexp run` executes it";
    case "queued":
      return wasQueued
        ? "its document says so, but the queue does not know it; `aexp queue recover --rebuild` brings it back"
        : "it was marked so by hand, and the queue does not know it";
    case "running": {
      const seen = row.heartbeatAt ?? row.startedAt;
      return `it is executed without the queue${seen === undefined ? "" : `, last seen ${renderInstant(seen, context)}`}`;
    }
    case "complete":
      return `it was executed${place} without the queue, and ended well`;
    case undefined:
      return "its document has no status";
    default:
      return why === "" ? `it ended so${place}` : `${why}${place}`;
  }
}
