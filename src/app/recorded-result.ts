import type { EndFacts, MetricValue } from "../code/comparison.ts";
import { AexpError } from "../model/errors.ts";
import type { LedgerEntry } from "../ledger/ledger-store.ts";
import { isContentDigest } from "../output/digest.ts";
import type { OutputRecord } from "../output/output-record.ts";
import type { OutputStore } from "../output/output-store.ts";
import type { RunFacts } from "../run/document.ts";
import { summarizeMetrics } from "../run/metric-lines.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

/** What came of a run, as far as another execution can be compared with it. */
export interface RecordedResult {
  readonly end: EndFacts;
  readonly metrics: ReadonlyMap<string, MetricValue>;
  readonly outputs: readonly OutputRecord[];
  /** What is recorded and can be compared with nothing, each with the reason. */
  readonly notCompared: readonly string[];
}

/** Of which run the result is asked for. */
export interface ResultQuestion {
  readonly row: RunRow;
  readonly facts: RunFacts;
  readonly entry: LedgerEntry | undefined;
  readonly attempt: number;
}

/** Failures that say nothing of the program. */
const NO_END_OF_ITS_OWN = new Set([
  "operator_stop",
  "interrupted",
  "lost",
  "removed",
  "needs_failed",
  "scheduler_unknown",
  "disk_full",
  "input_missing",
]);

/** @throws {AexpError} `reproduce.nothing_to_compare` for a run that did not come to an end of its own */
export function findRecordedResult(
  repo: Repo,
  outputs: Pick<OutputStore, "read">,
  question: ResultQuestion,
): RecordedResult {
  const { row, facts, entry } = question;
  refuseUnended(row);
  const notCompared: string[] = [];
  const end: EndFacts = {
    reason: row.reason?.code,
    exitCode: row.exitCode,
    signal: row.isLocal ? facts.signal : undefined,
  };
  const metrics = row.isLocal ? localMetrics(repo, question, notCompared) : allMetrics(row);
  if (row.isLocal) return { end, metrics, outputs: localOutputs(repo, outputs, question, notCompared), notCompared };
  for (const { name } of entry?.outputs ?? [])
    notCompared.push(`output ${name}: the ledger does not say where it was written`);
  return { end, metrics, outputs: [], notCompared };
}

function refuseUnended({ jobId, status, reason }: RunRow): void {
  if (reason?.code === "cache_hit") {
    throw new AexpError(`run ${jobId} was not executed: its outputs are those of run ${reason.because ?? "another"}`, {
      code: "reproduce.nothing_to_compare",
      hint: `Reproduce that one: aexp reproduce ${reason.because ?? "ID"}`,
    });
  }
  const isOver = status === "complete" || (status === "failed" && !NO_END_OF_ITS_OWN.has(reason?.code ?? ""));
  if (isOver) return;
  const why = reason === undefined ? "" : ` (${reason.message ?? reason.code})`;
  throw new AexpError(
    `run ${jobId} is ${status ?? "without a status"}${why}: it has no end of its own to compare with`,
    {
      code: "reproduce.nothing_to_compare",
      hint: "Only runs that are complete, or failed by themselves, can be reproduced.",
    },
  );
}

/** Of a local run it is known which metrics the program wrote where a reproduction can find them. */
function localMetrics(repo: Repo, { row }: ResultQuestion, notCompared: string[]): ReadonlyMap<string, MetricValue> {
  const written = toMetricMap(summarizeMetrics(repo.attempts.metricLines(row.jobId)).metrics);
  const metrics = new Map<string, MetricValue>();
  for (const [name, value] of allMetrics(row)) {
    if (written.has(name)) metrics.set(name, value);
    else notCompared.push(`metric ${name}: it did not come through AEXP_METRICS_FILE`);
  }
  return metrics;
}

function allMetrics({ metrics }: RunRow): ReadonlyMap<string, MetricValue> {
  return toMetricMap(metrics);
}

/** Metrics by the names that they have in a document, where dots are not allowed. */
export function toMetricMap(metrics: Readonly<Record<string, unknown>>): ReadonlyMap<string, MetricValue> {
  return new Map(
    Object.entries(metrics).flatMap(([name, value]) =>
      isMetricValue(value) ? [[name.replaceAll(".", "/"), value] as const] : [],
    ),
  );
}

function isMetricValue(value: unknown): value is MetricValue {
  return typeof value === "number" || typeof value === "boolean" || typeof value === "string";
}

function localOutputs(
  repo: Repo,
  outputs: Pick<OutputStore, "read">,
  { row, attempt }: ResultQuestion,
  notCompared: string[],
): readonly OutputRecord[] {
  const read = outputs.read(repo.runs.workspaceOf(row.jobId), attempt);
  if (read.state === "unreadable") notCompared.push(`outputs: ${read.problem}`);
  if (read.state !== "recorded") return [];
  const [comparable, others] = [
    read.record.outputs.filter(({ digest }) => isContentDigest(digest)),
    read.record.outputs.filter(({ digest }) => !isContentDigest(digest)),
  ];
  for (const { name } of others) notCompared.push(`output ${name}: only its size and times were recorded`);
  return comparable;
}
