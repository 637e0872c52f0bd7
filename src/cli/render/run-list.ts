import { isAxis } from "../../run/metric-series.ts";
import { listedParameters, varyingKeys } from "../../run/parameters.ts";
import type { RunRow } from "../../app/run-row.ts";
import { type ColumnContext, type ColumnSpec, type RunColumn, toRunColumn } from "../run-columns.ts";
import type { Screen } from "../screen.ts";
import { plural } from "./plural.ts";
import { renderTable } from "./table.ts";
import { renderCount } from "./value.ts";

/** Shorter ids would soon be ambiguous. */
const LEAST_ID_LENGTH = 8;

/** How many digits tell all ids apart; ids ascending. */
export function shortIdLength(ids: readonly string[]): number {
  let length = LEAST_ID_LENGTH;
  for (const [index, id] of ids.entries()) {
    const next = ids[index + 1] ?? "";
    while (length < 32 && next.slice(0, length) === id.slice(0, length)) length += 1;
  }
  return length;
}

/** The columns of a list for which none were named: what the runs differ in, and one metric. */
export function defaultColumns(rows: readonly RunRow[]): readonly ColumnSpec[] {
  const parameters = rows.map((row) => listedParameters(row.statePoint));
  const keys = rows.length === 1 ? [...(parameters[0]?.keys() ?? [])] : varyingKeys(parameters);
  const metric = commonMetric(rows);
  return [
    field("id"),
    ...(rows.some((row) => row.experimentId !== undefined) ? [field("experiment")] : []),
    ...keys.map((key): ColumnSpec => ({ name: key, kind: "parameter", key })),
    field("status"),
    field("started"),
    field("duration"),
    ...(metric === undefined
      ? []
      : [{ name: metric, kind: "metric" as const, metric, fold: "last" as const, isStep: false }]),
    ...(new Set(rows.map((row) => row.machine)).size > 1 || rows.some((row) => !row.isLocal) ? [field("machine")] : []),
  ];
}

function field(name: "id" | "experiment" | "status" | "started" | "duration" | "machine"): ColumnSpec {
  return { name, kind: "field", field: name };
}

/**
 * The metric that most of the runs have. Of several a loss comes first, then the alphabet decides: documents keep the
 * order in which a program named its metrics, ledger entries do not, and both should list alike.
 */
function commonMetric(rows: readonly RunRow[]): string | undefined {
  const counts = new Map<string, number>();
  for (const row of rows) {
    for (const [name, value] of Object.entries(row.metrics)) {
      if (typeof value === "number" && !isAxis(name)) counts.set(name, (counts.get(name) ?? 0) + 1);
    }
  }
  const [best] = [...counts].toSorted(
    ([a, countA], [b, countB]) => countB - countA || Number(isLoss(b)) - Number(isLoss(a)) || (a < b ? -1 : 1),
  );
  return best?.[0];
}

function isLoss(metric: string): boolean {
  return /loss/i.test(metric);
}

/** The table and its footer. Parameters give way first when the terminal is narrow: their columns may be left out. */
export function renderRunList(
  list: { readonly rows: readonly RunRow[]; readonly total: number; readonly columns: readonly ColumnSpec[] },
  context: ColumnContext,
  screen: Screen,
): string {
  const columns = list.columns.map((spec): RunColumn => {
    const column = toRunColumn(spec, context);
    return list.columns.length > 6 && spec.kind !== "parameter" ? { ...column, isFixed: true } : column;
  });
  const { length } = list.rows;
  const footer =
    length < list.total
      ? `${renderCount(length)} of ${renderCount(list.total)}; --limit shows more`
      : plural(length, "run");
  return `${renderTable(columns, list.rows, screen)}\n\n${footer}`;
}
