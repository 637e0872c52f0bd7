import { parseCodeIdentity } from "../code/code-identity.ts";
import type { LedgerEntry } from "../ledger/ledger-store.ts";
import { isJsonObject } from "../model/json.ts";
import type { RunFacts } from "../run/document.ts";
import type { Waiting } from "../queue/waiting.ts";
import type { JobId } from "../run/job-id.ts";
import type { MetricSeries } from "../run/metric-series.ts";
import { findCitations } from "./find-citations.ts";
import { rowOf } from "./list-runs.ts";
import { readWaiting, type SituationSource } from "./queue-situation.ts";
import { readSeries } from "./read-series.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

const LOG_TAIL_BYTES = 4 * 1024;
const LOG_TAIL_LINES = 10;

/** Everything that this machine can say about one run. */
export interface RunDetails {
  readonly row: RunRow;
  /** The document of a local run; nothing for a run of another machine. */
  readonly facts: RunFacts;
  readonly entry: LedgerEntry | undefined;
  readonly attemptCount: number;
  /** Where the last attempt ran. */
  readonly host: string | undefined;
  /** The run's folder; `undefined` for a run of another machine. */
  readonly folder: string | undefined;
  readonly series: ReadonlyMap<string, MetricSeries>;
  readonly code: CodeState;
  /** Findings that rest on this run. */
  readonly citedBy: readonly string[];
  /** The end of what the last attempt printed: its errors when it failed and wrote any, else its output. */
  readonly log: { readonly stream: "stdout" | "stderr"; readonly lines: readonly string[] } | undefined;
  /** What a queued run waits for. */
  readonly waiting: Waiting | undefined;
  /** Commands worth typing next, each with what it does. */
  readonly next: readonly { readonly command: string; readonly purpose: string }[];
}

/** Which code a run ran. */
export interface CodeState {
  readonly commit: string | undefined;
  readonly isDirty: boolean | undefined;
  /** Files whose uncommitted changes were kept with the attempt. */
  readonly changedFiles: readonly string[];
  /** Of a stage: what it is executed from, whatever was committed. An object id of git. */
  readonly tree?: string | undefined;
}

/**
 * Gathers what is known of a run.
 *
 * @param store absent where nothing was ever queued
 * @throws {AexpError} when it can be read from nowhere
 */
export async function showRun(repo: Repo, jobId: JobId, store?: SituationSource): Promise<RunDetails> {
  const { row, record } = rowOf(repo, jobId);
  const waiting = row.status === "queued" && store !== undefined ? (await readWaiting(store)).get(jobId) : undefined;
  return detailsOf(repo, row, { entry: record?.entry, citedBy: await findCitations(repo, row), waiting });
}

/** The same of a run that was read before. */
export function detailsOf(
  repo: Repo,
  row: RunRow,
  { entry, citedBy, waiting }: Pick<RunDetails, "entry" | "citedBy" | "waiting">,
): RunDetails {
  const { jobId } = row;
  const facts: RunFacts = row.isLocal ? repo.runs.read(jobId).document.facts : {};
  const attempt = facts.attempt ?? 1;
  return {
    row,
    facts,
    entry,
    attemptCount: Math.max(facts.attempts?.length ?? 0, facts.attempt ?? 0, entry?.attempt_count ?? 0),
    host: hostOf(repo, row, facts),
    folder: row.isLocal ? repo.runs.workspaceOf(jobId) : undefined,
    series: row.isLocal ? readSeries(repo, jobId) : new Map(),
    code: { ...codeOf(repo, row, attempt), tree: treeOf(facts) },
    citedBy,
    log: row.isLocal ? logOf(repo, row, attempt) : undefined,
    waiting,
    next: nextSteps(row),
  };
}

/** While an attempt is under way, the documented ones are those before it. */
function hostOf(repo: Repo, { jobId, status }: RunRow, { attempt = 1, attempts, queue }: RunFacts): string | undefined {
  const ended = attempts?.at(-1)?.host;
  return status === "running" ? (queue?.proc?.host ?? repo.attempts.jobHost(jobId, attempt) ?? ended) : ended;
}

/** The commit that a run was registered with, and the uncommitted changes that were kept. */
export function codeOf(repo: Repo, row: RunRow, attempt: number): CodeState {
  const commit = row.statePoint.get("code_commit");
  const dirty = row.statePoint.get("code_dirty");
  const patch = row.isLocal ? repo.attempts.codePatch(row.jobId, attempt) : undefined;
  return {
    commit: typeof commit === "string" && commit !== "" ? commit : undefined,
    isDirty: typeof dirty === "boolean" ? dirty : undefined,
    changedFiles: patch === undefined ? [] : filesOfPatch(patch),
  };
}

/** The tree with which a stage was keyed; `undefined` for other runs, and where there was none. */
function treeOf({ queue }: RunFacts): string | undefined {
  const spec: unknown = queue?.spec;
  const stage = isJsonObject(spec) ? spec["stage"] : undefined;
  return isJsonObject(stage) ? parseCodeIdentity(stage["code"])?.tree : undefined;
}

function filesOfPatch(patch: string): readonly string[] {
  const files = [...patch.matchAll(/^diff --git (?:"?a\/.*?"?) "?b\/(.*?)"?$/gm)].map(([, file = ""]) => file);
  return [...new Set(files)];
}

function logOf(repo: Repo, row: RunRow, attempt: number): RunDetails["log"] {
  const streams = row.status === "failed" ? (["stderr", "stdout"] as const) : (["stdout", "stderr"] as const);
  for (const stream of streams) {
    const text = repo.attempts.logTail(row.jobId, attempt, stream, LOG_TAIL_BYTES);
    if (text !== undefined && text.trim() !== "") {
      return { stream, lines: text.trimEnd().split(/\r?\n/).slice(-LOG_TAIL_LINES) };
    }
  }
  return undefined;
}

function nextSteps(row: RunRow): RunDetails["next"] {
  const id = row.jobId.slice(0, 8);
  const steps: { command: string; purpose: string }[] = [];
  if (!row.isLocal) steps.push({ command: `aexp runs show ${id}`, purpose: `on ${row.machine}: logs, files, curves` });
  if (row.isLocal && row.status === "running") {
    steps.push({ command: `aexp runs logs ${id} --follow`, purpose: "watch it" });
    steps.push({ command: `aexp queue stop ${id}`, purpose: "stop it" });
  }
  if (row.isLocal && row.status === "queued")
    steps.push({ command: `aexp queue show ${id}`, purpose: "see its place" });
  if (row.isLocal && row.status === "failed") {
    steps.push({ command: `aexp runs logs ${id} --stderr`, purpose: "read all that it said" });
  }
  const isFinished = row.status !== undefined && ["complete", "failed", "stopped", "abandoned"].includes(row.status);
  if (isFinished && !row.isInLedger) {
    steps.push({ command: `aexp ledger promote ${id}`, purpose: "put it in the ledger" });
  }
  if (row.experimentId === undefined && row.isLocal) {
    steps.push({ command: `aexp runs link ${id} --experiment E001`, purpose: "say which experiment it belongs to" });
  } else if (row.experimentId !== undefined && row.status === "complete") {
    steps.push({ command: `aexp runs compare --experiment ${row.experimentId}`, purpose: "see it among its siblings" });
  }
  return steps;
}
