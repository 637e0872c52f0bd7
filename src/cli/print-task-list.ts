import type { Repo } from "../app/repo.ts";
import type { TaskList, TaskRow } from "../app/list-tasks.ts";
import type { ExactObject } from "../model/exact-json.ts";
import { listedParameters, varyingKeys } from "../run/parameters.ts";
import type { Output } from "./io.ts";
import { writeJsonItems } from "./json-stream.ts";
import { renderCsv, renderTable } from "./render/table.ts";
import { shortIdLength } from "./render/run-list.ts";
import { toTaskJson } from "./render/task-json.ts";
import { renderCount } from "./render/value.ts";
import { compareKeys } from "./run-columns.ts";
import type { Screen } from "./screen.ts";
import {
  parseTaskColumns,
  type TaskColumn,
  type TaskColumnContext,
  type TaskColumnSpec,
  toTaskColumn,
} from "./task-columns.ts";

const DEFAULT_LIMIT = 20;

/** Where parameters of runs are read. */
export interface RunSource {
  readonly runs: Pick<Repo["runs"], "has" | "read">;
}

/** How a list of tasks was asked for. */
export interface TaskListRequest {
  readonly screen: Screen;
  readonly form: "text" | "json" | "ndjson" | "csv";
  readonly columns?: string | undefined;
  readonly sort?: string | undefined;
  readonly limit?: number | undefined;
}

/** Orders and prints tasks. */
export function printTaskList(repo: RunSource, list: TaskList, request: TaskListRequest, output: Output): void {
  if (request.form === "text") {
    output.write(`${renderTaskList(repo, list, request)}\n`);
    return;
  }
  const { rows, context } = order(repo, list, request, true);
  const limited = rows.slice(0, request.limit ?? Infinity);
  if (request.form === "csv") {
    const specs = request.columns === undefined ? defaultColumns(limited, context) : parseTaskColumns(request.columns);
    output.write(
      renderCsv(
        specs.map((spec) => toTaskColumn(spec, context)),
        limited,
      ),
    );
    return;
  }
  const texts = limited.values().map((row) => JSON.stringify(toTaskJson(row)));
  writeJsonItems(output, texts, request.form === "json" ? "array" : "lines");
}

/** The table and its footer. */
export function renderTaskList(repo: RunSource, list: TaskList, request: TaskListRequest): string {
  const { rows, context } = order(repo, list, request, false);
  const shown = rows.slice(0, request.limit ?? DEFAULT_LIMIT);
  if (rows.length === 0) return "Nothing is queued.";
  const specs = request.columns === undefined ? defaultColumns(shown, context) : parseTaskColumns(request.columns);
  const columns = specs.map((spec): TaskColumn => toTaskColumn(spec, context));
  return `${renderTable(columns, shown, request.screen)}\n\n${renderFooter(list, shown.length)}`;
}

/** "20 of 1,243: 2 running, 1,200 queued, 41 blocked; --limit shows more; 4 ended before (--all shows them)". */
function renderFooter({ rows, endedLeftOut }: TaskList, shown: number): string {
  const counts = new Map<string, number>();
  for (const { task } of rows) counts.set(task.state, (counts.get(task.state) ?? 0) + 1);
  const states = [...counts].map(([state, count]) => `${renderCount(count)} ${state}`).join(", ");
  const total = rows.length;
  const head = shown < total ? `${renderCount(shown)} of ${renderCount(total)}: ` : "";
  return [
    `${head}${states}`,
    ...(shown < total ? ["--limit shows more"] : []),
    ...(endedLeftOut > 0 ? [`${renderCount(endedLeftOut)} ended before (--all shows them)`] : []),
  ].join("; ");
}

function order(
  repo: RunSource,
  list: TaskList,
  { screen, sort }: TaskListRequest,
  isExact: boolean,
): { readonly rows: readonly TaskRow[]; readonly context: TaskColumnContext } {
  const statePoints = new Map<TaskRow, ExactObject | undefined>();
  const context: TaskColumnContext = {
    isExact,
    idLength: shortIdLength(list.rows.map(({ task }) => task.id).toSorted()),
    nowMs: list.nowMs,
    isTTY: screen.isTTY && !isExact,
    statePointOf: (row) => {
      if (!statePoints.has(row)) statePoints.set(row, readStatePoint(repo, row));
      return statePoints.get(row);
    },
  };
  if (sort === undefined) return { rows: list.rows, context };
  const isReversed = sort.startsWith("-");
  const [spec] = parseTaskColumns(sort.replace(/^-/, ""));
  if (spec === undefined) return { rows: list.rows, context };
  const column = toTaskColumn(spec, { ...context, isExact: true });
  const keyed = list.rows.map((row) => ({ row, key: column.sortKey(row) }));
  const sorted = keyed.toSorted((a, b) => compareKeys(a.key, b.key, isReversed));
  return { rows: sorted.map(({ row }) => row), context };
}

function readStatePoint({ runs }: RunSource, { task }: TaskRow): ExactObject | undefined {
  try {
    return runs.has(task.id) ? runs.read(task.id).statePoint : undefined;
  } catch {
    return undefined; // a run that cannot be read is listed without its parameters
  }
}

/** What tells the tasks apart and says how they stand; columns that would be empty are left out. */
function defaultColumns(rows: readonly TaskRow[], context: TaskColumnContext): readonly TaskColumnSpec[] {
  const parameters = rows.flatMap((row) => {
    const statePoint = context.statePointOf(row);
    if (statePoint === undefined) return [];
    const listed = new Map(listedParameters(statePoint));
    // The name of a stage's task says it already.
    if (row.task.spec.stage !== undefined) listed.delete("stage");
    return [listed];
  });
  const keys = parameters.length === 1 ? [...(parameters[0]?.keys() ?? [])] : varyingKeys(parameters);
  const any = (test: (row: TaskRow) => boolean, spec: TaskColumnSpec): TaskColumnSpec[] =>
    rows.some(test) ? [spec] : [];
  return [
    field("id"),
    ...any(({ task }) => task.experimentId !== undefined, field("experiment")),
    ...any(({ task }) => task.spec.name !== undefined, field("name")),
    ...keys.map((key): TaskColumnSpec => ({ kind: "parameter", name: key, key })),
    field("lane"),
    field("state"),
    ...any(({ waiting }) => waiting !== undefined && waiting.kind !== "turn", field("waits")),
    field("age"),
    ...any(({ task }) => task.attempt > 1, field("attempt")),
    ...any(({ task }) => task.endedAt !== undefined && task.reason !== undefined, field("reason")),
  ];
}

function field(name: Extract<TaskColumnSpec, { kind: "field" }>["name"]): TaskColumnSpec {
  return { kind: "field", name };
}
