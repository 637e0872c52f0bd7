import type { RunRow } from "../../app/run-row.ts";
import { type ExactObject, toPrintable, toPythonJson } from "../../model/exact-json.ts";

/** A row as `--json` prints it, without its state point; absent facts are absent keys. */
export function toRunJson(row: RunRow): Record<string, unknown> {
  return {
    job_id: row.jobId,
    status: row.status ?? null,
    reason: row.reason,
    experiment_id: row.experimentId,
    hypothesis_id: row.hypothesisId,
    sub_hypothesis_id: row.subHypothesisId,
    machine: row.machine,
    local: row.isLocal,
    in_ledger: row.isInLedger,
    created_at: row.createdAt,
    started_at: row.startedAt,
    heartbeat_at: row.heartbeatAt,
    ended_at: row.endedAt,
    wallclock_s: row.wallclockS,
    exit_code: row.exitCode,
    summary_metrics: row.metrics,
  };
}

/** The whole row as one line; the numbers of the state point keep their text. */
export function toRunJsonText(row: RunRow): string {
  const rest = JSON.stringify(toRunJson(row));
  return `${rest.slice(0, -1)},"statepoint":${toJsonText(row.statePoint)}}`;
}

/** Python's text is JSON too, and quicker to make, unless it holds one of the three numbers that JSON lacks. */
function toJsonText(statePoint: ExactObject): string {
  const text = toPythonJson(statePoint);
  return /NaN|Infinity/.test(text) ? JSON.stringify(toPrintable(statePoint)) : text;
}
