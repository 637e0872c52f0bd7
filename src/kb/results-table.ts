import { compareCodePoints, type Exact, ExactNumber, type ExactObject, toPythonJson } from "../model/exact-json.ts";
import { resolvePlainScalar } from "../model/plain-scalar.ts";
import { isAxis } from "../run/metric-series.ts";
import { chosenParameters, flattenParameters, varyingKeys } from "../run/parameters.ts";
import { compareParameters, groupBySeed, SEED, toSpread } from "../run/seed-groups.ts";
import { toSpreadText } from "../run/spread-text.ts";
import type { NewCitation } from "./citation-text.ts";
import { renderMarkdownTable, toMarkdownText } from "./markdown-table.ts";

/** What a results table says of a run: only what its ledger entry tells on every machine. */
export interface CitedRun {
  readonly jobId: string;
  readonly status: string | undefined;
  readonly experimentId: string | undefined;
  readonly statePoint: ExactObject;
  readonly metrics: Readonly<Record<string, number | boolean | string | undefined>>;
}

/** What a finding rests on. */
export interface Evidence {
  /** Runs that have ended, each once. */
  readonly runs: readonly CitedRun[];
  /** Citations of which no run has ended. */
  readonly missing: readonly NewCitation[];
}

const MAX_ROWS = 50;
const MAX_METRICS = 8;
const MAX_PARAMETERS = 12;
const MAX_EQUAL = 20;
const MAX_NAMED = 10;
const LEAST_ID_LENGTH = 8;

/**
 * The results of the cited runs as Markdown: what differs between them, and what came out. Runs that differ only in
 * their seed are one row. The same runs give the same bytes, in whatever order they and their keys come.
 */
export function renderResults(findingId: string, { runs, missing }: Evidence): string {
  const ordered = runs.toSorted((a, b) => compareCodePoints(a.jobId, b.jobId));
  const renew = `Renew with \`aexp finding refresh ${findingId}\`.`;
  return [
    ...(ordered.length === 0 ? [] : renderRuns(ordered)),
    ...(missing.length === 0 ? [] : [`Cited, but no finished run is known: ${listFirst(missing.map(citationName))}.`]),
    `${ordered.length === 0 ? "No cited run has finished." : namesOf(ordered)} ${renew}`,
  ].join("\n\n");
}

/** Runs that differ in nothing but their seed. */
interface Row {
  readonly runs: readonly CitedRun[];
  readonly parameters: ReadonlyMap<string, Exact>;
}

function renderRuns(runs: readonly CitedRun[]): readonly string[] {
  const rows = toRows(runs);
  const varying = varyingKeys(rows.map(({ parameters }) => parameters)).toSorted(compareCodePoints);
  const metrics = metricNames(runs);
  const columns = [
    ...varying.slice(0, MAX_PARAMETERS).map(parameterColumn),
    runsColumn,
    ...(runs.every(isComplete) ? [] : [statusColumn]),
    ...metrics.slice(0, MAX_METRICS).toSorted(compareCodePoints).map(metricColumn),
  ];
  const sorted = rows.toSorted((a, b) => compareParameters(a.parameters, b.parameters, varying));
  const table = renderMarkdownTable(
    columns,
    sorted.slice(0, MAX_ROWS).map((row) => columns.map(({ cell }) => cell(row))),
  );
  const equal = equalParameters(runs, rows, varying);
  return [
    ...(equal === "" ? [] : [equal]),
    table,
    ...notesOf(rows, { parameters: varying.length, metrics: metrics.length }),
  ];
}

function toRows(runs: readonly CitedRun[]): readonly Row[] {
  const groups = groupBySeed(runs.map(withExperiment));
  const isFolded = groups.length < runs.length;
  return groups.map((group) => {
    const parameters = new Map(flattenParameters(group[0]?.statePoint ?? new Map()));
    if (isFolded) parameters.delete(SEED);
    return { runs: group, parameters };
  });
}

/** A run may have been linked to another experiment than the one that it was registered for. */
function withExperiment(run: CitedRun): CitedRun {
  if (run.experimentId === undefined) return run;
  return { ...run, statePoint: new Map([...run.statePoint, ["experiment_id", run.experimentId]]) };
}

interface Column {
  readonly header: string;
  readonly isNumeric: boolean;
  readonly cell: (row: Row) => string;
}

function parameterColumn(key: string): Column {
  return { header: toMarkdownText(key), isNumeric: false, cell: ({ parameters }) => valueText(parameters.get(key)) };
}

const runsColumn: Column = { header: "runs", isNumeric: true, cell: ({ runs }) => String(runs.length) };
const statusColumn: Column = { header: "status", isNumeric: false, cell: ({ runs }) => statusText(runs) };

function metricColumn(name: string): Column {
  return { header: toMarkdownText(name), isNumeric: true, cell: (row) => metricText(row, name) };
}

/** The names of what was measured, those of most runs first. Where a series ended is only told when nothing else is. */
function metricNames(runs: readonly CitedRun[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const { metrics } of runs) {
    for (const [name, value] of Object.entries(metrics)) {
      if (isMeasured(value)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const names = [...counts]
    .toSorted(([a, countA], [b, countB]) => countB - countA || compareCodePoints(a, b))
    .map(([name]) => name);
  const measured = names.filter((name) => !isAxis(name));
  return measured.length > 0 ? measured : names;
}

/** A ledger entry holds no other numbers. */
function isMeasured(value: CitedRun["metrics"][string]): value is number {
  return typeof value === "number" && Number.isFinite(value);
}

/** Runs that broke off have no part in a mean, unless there are no others. */
function metricText({ runs }: Row, name: string): string {
  const complete = runs.filter(isComplete);
  const counted = complete.length === 0 ? runs : complete;
  const spread = toSpread(counted.map(({ metrics }) => metrics[name]).filter(isMeasured));
  if (spread === undefined) return "";
  return runs.length === 1 ? toSpreadText(spread) : `${toSpreadText(spread)} (n=${spread.n})`;
}

function statusText(runs: readonly CitedRun[]): string {
  const counts = new Map<string, number>();
  for (const { status = "no status" } of runs) counts.set(status, (counts.get(status) ?? 0) + 1);
  const sorted = [...counts].toSorted(([a], [b]) => compareCodePoints(a, b));
  return sorted.map(([status, count]) => (runs.length === 1 ? "" : `${count} `) + toMarkdownText(status)).join(", ");
}

function isComplete({ status }: CitedRun): boolean {
  return status === "complete";
}

/** A parameter as it would be typed. Texts that look like something else have quotes. */
function valueText(value: Exact | undefined): string {
  if (value === undefined) return "";
  if (typeof value !== "string") {
    return toMarkdownText(value instanceof ExactNumber ? value.text : toPythonJson(value, { sortKeys: true }));
  }
  if (/^[0-9a-f]{40}$/.test(value)) return value.slice(0, 10);
  return toMarkdownText(typeof resolvePlainScalar(value) === "string" ? value : JSON.stringify(value));
}

function equalParameters(runs: readonly CitedRun[], rows: readonly Row[], varying: readonly string[]): string {
  const [first] = rows;
  if (first === undefined) return "";
  const chosen = chosenParameters(first.parameters);
  const keys = [...chosen.keys()].filter((key) => !varying.includes(key)).toSorted(compareCodePoints);
  if (keys.length === 0) return "";
  const texts = keys.map((key) => `${toMarkdownText(key)}=${valueText(chosen.get(key))}`);
  return `${runs.length === 1 ? "The run" : "All runs"}: ${listFirst(texts, MAX_EQUAL)}`;
}

function notesOf(
  rows: readonly Row[],
  counts: { readonly parameters: number; readonly metrics: number },
): readonly string[] {
  const left = [
    [rows.length - MAX_ROWS, "row", "rows"],
    [counts.parameters - MAX_PARAMETERS, "parameter that differs", "parameters that differ"],
    [counts.metrics - MAX_METRICS, "metric", "metrics"],
  ] as const;
  const named = left.flatMap(([count, one, many]) => (count > 0 ? [`${count} more ${count === 1 ? one : many}`] : []));
  const folded = rows.filter(({ runs }) => runs.length > 1);
  const isMixed = folded.some(({ runs }) => runs.some(isComplete) && !runs.every(isComplete));
  const sentences = [
    ...(named.length === 0 ? [] : [`Not shown: ${named.join(", ")}.`]),
    ...(folded.length === 0 ? [] : ["Runs that differ only in their seed are one row: mean ± standard deviation."]),
    ...(isMixed ? ["Where some of them are complete, it is the mean of those."] : []),
  ];
  return sentences.length === 0 ? [] : [sentences.join(" ")];
}

/** Ids that tell the cited runs apart, on a machine that has others too. */
function namesOf(runs: readonly CitedRun[]): string {
  if (runs.length > MAX_NAMED) return `${runs.length} runs.`;
  let length = LEAST_ID_LENGTH;
  while (new Set(runs.map(({ jobId }) => jobId.slice(0, length))).size < runs.length) length += 1;
  return `${runs.length === 1 ? "Run" : "Runs"}: ${runs.map(({ jobId }) => `\`${jobId.slice(0, length)}\``).join(", ")}.`;
}

function citationName(citation: NewCitation): string {
  if (citation.type === "job") return `\`${citation.jobId.slice(0, LEAST_ID_LENGTH)}\``;
  const selector = [...citation.selector].map(([key, value]) => `${toMarkdownText(key)}=${valueText(value)}`);
  return selector.length === 0 ? citation.experimentId : `${citation.experimentId} with ${selector.join(", ")}`;
}

function listFirst(texts: readonly string[], most: number = MAX_NAMED): string {
  const rest = texts.length - most;
  return texts.slice(0, most).join(", ") + (rest > 0 ? `, and ${rest} more` : "");
}
