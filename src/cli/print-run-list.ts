import { documentOf, listRuns, type RunQuery, takeFirst } from "../app/list-runs.ts";
import { readSeries } from "../app/read-series.ts";
import type { Repo } from "../app/repo.ts";
import { allIds } from "../app/run-ids.ts";
import { rowTimeMs, type RunRow } from "../app/run-row.ts";
import type { Waiting } from "../queue/waiting.ts";
import type { JobId } from "../run/job-id.ts";
import type { Output } from "./io.ts";
import { writeJsonItems } from "./json-stream.ts";
import type { Progress } from "./progress.ts";
import { toRunJsonText } from "./render/run-json.ts";
import { defaultColumns, renderRunList, shortIdLength } from "./render/run-list.ts";
import { renderCsv } from "./render/table.ts";
import { renderWaiting } from "./render/waiting.ts";
import {
  type ColumnContext,
  type ColumnSpec,
  compareKeys,
  KnownNames,
  parseColumns,
  toRunColumn,
} from "./run-columns.ts";
import type { Screen } from "./screen.ts";

const DEFAULT_LIMIT = 20;

/** How a list of runs was asked for. */
export interface RunListRequest {
  readonly query: RunQuery;
  readonly screen: Screen;
  readonly form: "text" | "json" | "ndjson" | "csv";
  readonly columns?: string | undefined;
  readonly sort?: string | undefined;
  readonly limit?: number | undefined;
  /** What queued runs wait for. */
  readonly waiting?: ReadonlyMap<JobId, Waiting> | undefined;
  /** Shows how many runs were read. */
  readonly progress?: Progress | undefined;
}

interface Item {
  readonly jobId: string;
  readonly timeMs: number;
  readonly key: number | string | undefined;
  /** The row, or for JSON its text, which takes a fraction of the memory. */
  readonly content: RunRow | string;
}

/** Reads, orders and prints runs. */
export function printRunList(repo: Repo, request: RunListRequest, output: Output): void {
  const specs = request.columns === undefined ? undefined : parseColumns(request.columns);
  const isReversed = request.sort?.startsWith("-") === true;
  const [sortSpec] = request.sort === undefined ? [] : parseColumns(request.sort.replace(/^-/, ""));
  const isJson = request.form === "json" || request.form === "ndjson";
  const context = contextOf(repo, request, request.form !== "text");
  const sortColumn = sortSpec === undefined ? undefined : toRunColumn(sortSpec, { ...context, isExact: true });
  const named = [...(specs ?? []), ...(sortSpec === undefined ? [] : [sortSpec])];
  const known = new KnownNames();

  const { progress } = request;
  const read = listRuns(repo, request.query, (done) => progress?.update(done, () => allIds(repo).length));
  const toItem = (row: RunRow): Item => {
    if (named.length > 0) known.add(row);
    const content = isJson ? toRunJsonText(row) : row;
    return { jobId: row.jobId, timeMs: rowTimeMs(row), key: sortColumn?.sortKey(row), content };
  };
  const items = mapRows(read, toItem, () => progress?.end());
  const limit = request.limit ?? (request.form === "text" ? DEFAULT_LIMIT : Infinity);
  const { items: best, total } = takeFirst(items, limit, (a, b) =>
    sortColumn === undefined ? byTime(a, b) : compareKeys(a.key, b.key, isReversed) || byTime(a, b),
  );
  const rows = best.flatMap(({ content }) => (typeof content === "string" ? [] : [content]));
  for (const spec of named) known.check(spec, (metric) => rows.some((row) => context.seriesOf(row).has(metric)));

  if (isJson) {
    const texts = best.flatMap(({ content }) => (typeof content === "string" ? [content] : []));
    writeJsonItems(output, texts, request.form === "json" ? "array" : "lines");
  } else if (request.form === "csv") {
    const columns = (specs ?? defaultColumns(rows)).map((spec) => toRunColumn(spec, context));
    output.write(renderCsv(columns, rows));
  } else output.write(`${renderText(rows, total, specs, { request, context })}\n`);
}

function renderText(
  rows: readonly RunRow[],
  total: number,
  specs: readonly ColumnSpec[] | undefined,
  { request, context }: { readonly request: RunListRequest; readonly context: ColumnContext },
): string {
  if (total === 0) return emptyLine(request.query);
  return renderRunList({ rows, total, columns: specs ?? defaultColumns(rows) }, context, request.screen);
}

function contextOf(repo: Repo, { screen, waiting }: RunListRequest, isExact: boolean): ColumnContext {
  return {
    isExact,
    idLength: isExact ? 32 : shortIdLength(allIds(repo)),
    nowMs: screen.nowMs,
    isTTY: screen.isTTY,
    waitsOf: (row) => renderWaiting(waiting?.get(row.jobId), { ...screen, isTTY: screen.isTTY && !isExact }),
    seriesOf: (row) => readSeries(repo, row.jobId),
    documentOf: (row) => documentOf(repo, row.jobId),
  };
}

function byTime(a: Item, b: Item): number {
  return b.timeMs - a.timeMs || (a.jobId < b.jobId ? -1 : 1);
}

function* mapRows(rows: Iterable<RunRow>, toItem: (row: RunRow) => Item, onEnd: () => void): Generator<Item> {
  try {
    for (const row of rows) yield toItem(row);
  } finally {
    onEnd();
  }
}

function emptyLine(query: RunQuery): string {
  return Object.values(query).some((value) => value !== undefined && value !== false)
    ? "No run matches. `aexp runs list` without filters shows all."
    : "No runs yet. `aexp run --experiment E001 --sp lr=0.1 -- CMD` makes the first; `git pull` brings those of others.";
}
