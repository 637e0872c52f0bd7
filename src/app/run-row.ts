import { type Instant, parseInstant } from "../model/clock.ts";
import type { ExactObject } from "../model/exact-json.ts";
import type { LedgerRecord } from "../ledger/ledger-store.ts";
import { type RunFacts, runLinkOf } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import type { StoredRun } from "../run/run-store.ts";
import type { Repo } from "./repo.ts";

/** Metrics by name, last values. */
export type Metrics = Readonly<Record<string, number | boolean | string | undefined>>;

/** Why a run has its status. */
export interface RowReason {
  readonly code: string;
  readonly message?: string | undefined;
  readonly because?: string | undefined;
}

/** One run as the lists show it, wherever what we know of it stands. */
export interface RunRow {
  readonly jobId: JobId;
  /** As in the document, also when it is no word of ours; `undefined` when the run has none. */
  readonly status: string | undefined;
  readonly reason: RowReason | undefined;
  /** Whether the run is in this machine's store. */
  readonly isLocal: boolean;
  readonly isInLedger: boolean;
  /** The machine that registered the run: from its entry, or this one. */
  readonly machine: string;
  readonly experimentId: string | undefined;
  readonly hypothesisId: string | undefined;
  readonly subHypothesisId: string | undefined;
  readonly statePoint: ExactObject;
  readonly createdAt: Instant | undefined;
  readonly startedAt: Instant | undefined;
  readonly endedAt: Instant | undefined;
  /** Of a running run: when its process was last heard of. */
  readonly heartbeatAt: Instant | undefined;
  readonly wallclockS: number | undefined;
  readonly exitCode: number | undefined;
  readonly metrics: Metrics;
}

/** A run of this machine; of its entry, if there is one, only the machine counts. */
export function rowOfRun(repo: Repo, run: StoredRun, entry: LedgerRecord | undefined): RunRow {
  const { facts, statusText } = run.document;
  const link = runLinkOf(facts);
  return {
    jobId: run.jobId,
    status: statusText,
    reason: facts.reason,
    isLocal: true,
    isInLedger: entry !== undefined,
    machine: entry?.entry.registered_machine ?? repo.machineLabel,
    experimentId: link?.experiment_id ?? textAt(run.statePoint, "experiment_id"),
    hypothesisId: link?.hypothesis_id ?? textAt(run.statePoint, "hypothesis_id"),
    subHypothesisId: link?.sub_hypothesis_id ?? textAt(run.statePoint, "sub_hypothesis_id"),
    statePoint: run.statePoint,
    createdAt: facts.created_at,
    startedAt: facts.started_at,
    endedAt: facts.ended_at,
    heartbeatAt: statusText === "running" ? lastHeartbeat(repo, run.jobId, facts) : undefined,
    wallclockS: facts.wallclock_s,
    exitCode: facts.exit_code ?? undefined,
    metrics: facts.summary_metrics ?? {},
  };
}

/** A run that this machine knows from the ledger only. */
export function rowOfEntry({ jobId, entry, statePoint }: LedgerRecord): RunRow {
  const link = entry.run_link;
  return {
    jobId,
    status: entry.status,
    reason: entry.reason,
    isLocal: false,
    isInLedger: true,
    machine: entry.registered_machine,
    experimentId: link?.experiment_id ?? textAt(statePoint, "experiment_id"),
    hypothesisId: link?.hypothesis_id ?? textAt(statePoint, "hypothesis_id"),
    subHypothesisId: link?.sub_hypothesis_id ?? textAt(statePoint, "sub_hypothesis_id"),
    statePoint,
    createdAt: undefined,
    startedAt: entry.started_at,
    endedAt: entry.ended_at,
    heartbeatAt: undefined,
    wallclockS: entry.wallclock_s,
    exitCode: entry.exit_code,
    metrics: entry.summary_metrics ?? {},
  };
}

/** When a run came to be, in epoch milliseconds; -1 when nothing says so. */
export function rowTimeMs(row: Pick<RunRow, "createdAt" | "startedAt" | "endedAt">): number {
  const instant = row.createdAt ?? row.startedAt ?? row.endedAt;
  return (instant === undefined ? undefined : parseInstant(instant)) ?? -1;
}

/** While a child runs, its heartbeat stands in the attempt's folder, not in the document. */
function lastHeartbeat(repo: Repo, jobId: JobId, facts: RunFacts): Instant | undefined {
  return repo.attempts.heartbeat(jobId, facts.attempt ?? 1)?.at ?? facts.heartbeat_at;
}

function textAt(statePoint: ExactObject, key: string): string | undefined {
  const value = statePoint.get(key);
  return typeof value === "string" && value !== "" ? value : undefined;
}
