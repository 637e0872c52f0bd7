import type { CriticalPath } from "../../pipeline/critical-path.ts";
import type { Screen } from "../screen.ts";
import { type Column, renderTable } from "./table.ts";
import { renderDuration } from "./time.ts";
import { renderCount } from "./value.ts";

/** A run on the critical path. */
export interface TimedRun {
  readonly stage: string;
  /** Which element, empty where nothing is swept. */
  readonly label: string;
  readonly seconds: number | undefined;
}

/** The runs that the whole waited for, with their times; nothing when none was measured. */
export function renderCriticalPath(path: CriticalPath | undefined, runs: readonly TimedRun[], screen: Screen): string {
  if (path === undefined) return "";
  const rows = path.places.flatMap((place) => runs[place] ?? []);
  const table = renderTable(PATH_COLUMNS, rows, { width: screen.width, color: screen.color });
  return `critical path: ${renderDuration(path.seconds)} in ${renderCount(rows.length)} of ${renderCount(runs.length)} runs\n\n${table}`;
}

const PATH_COLUMNS: readonly Column<TimedRun>[] = [
  { name: "stage", value: ({ stage }) => stage },
  { name: "element", value: ({ label }) => label },
  { name: "took", isFixed: true, align: "right", value: ({ seconds }) => renderDuration(seconds) },
];
