import type { Comparison, RunGroup } from "../../app/compare-runs.ts";
import { toPrintable } from "../../model/exact-json.ts";
import type { Spread } from "../../run/seed-groups.ts";
import type { Screen } from "../screen.ts";
import { paint } from "./paint.ts";
import { plural } from "./plural.ts";
import { type Column, renderTable } from "./table.ts";
import { renderStatus } from "./status.ts";
import { renderDelta, renderMetric, renderValue } from "./value.ts";

/** More groups than this are shown as lines instead of columns. */
const MOST_COLUMNS = 4;

/** How a comparison is drawn. */
export interface ComparisonOptions {
  readonly screen: Screen;
  /** Also parameters that are the same everywhere. */
  readonly showsEqual: boolean;
  readonly idLength: number;
}

/** A table of what differs and what came out. */
export function renderComparison(comparison: Comparison, options: ComparisonOptions): string {
  const { groups, equal, commits } = comparison;
  const table = groups.length <= MOST_COLUMNS ? keysAsLines(comparison, options) : groupsAsLines(comparison, options);
  const notes: string[] = [];
  if (equal.length > 0 && !options.showsEqual) {
    notes.push(`${plural(equal.length, "equal parameter")} not shown; --all shows them.`);
  }
  if (commits > 1) notes.push(`The runs ran at ${commits} commits; \`aexp runs diff A B\` shows what changed.`);
  const isFolded = groups.some(({ runs }) => runs.length > 1);
  if (isFolded)
    notes.push("Runs that differ only in their seed are folded: mean ± standard deviation (number of runs).");
  return [table, ...notes.map((note) => paint("dim", note, options.screen.color))].join("\n\n");
}

/** What a group is called: its run, or its first run and how many more. */
export function groupName(group: RunGroup, idLength: number): string {
  const id = group.runs[0]?.jobId.slice(0, idLength) ?? "";
  return group.runs.length === 1 ? id : `${id} +${group.runs.length - 1}`;
}

interface Line {
  readonly key: string;
  readonly isMetric: boolean;
  cell(group: RunGroup): string;
}

function linesOf(comparison: Comparison, { showsEqual, screen }: ComparisonOptions): readonly Line[] {
  const keys = [...comparison.differing, ...(showsEqual ? comparison.equal : [])];
  const lines: Line[] = keys.map((key) => ({
    key,
    isMetric: false,
    cell: ({ parameters }) => renderValue(parameters.get(key)),
  }));
  const areComplete = comparison.groups.every(({ runs }) => runs.every(({ status }) => status === "complete"));
  if (!areComplete) lines.push({ key: "status", isMetric: false, cell: ({ runs }) => statusesOf(runs, screen) });
  for (const metric of comparison.metrics) {
    lines.push({ key: metric, isMetric: true, cell: (group) => renderCell(metric, group, comparison.baseline) });
  }
  return lines;
}

function keysAsLines(comparison: Comparison, options: ComparisonOptions): string {
  const columns: Column<Line>[] = [
    { name: "key", header: "", value: ({ key }) => key, style: ({ isMetric }) => (isMetric ? "bold" : undefined) },
    ...comparison.groups.map((group): Column<Line> => ({
      name: groupName(group, options.idLength),
      value: (line) => line.cell(group),
      align: "right",
    })),
  ];
  return renderTable(columns, linesOf(comparison, options), options.screen);
}

function groupsAsLines(comparison: Comparison, options: ComparisonOptions): string {
  const columns: Column<RunGroup>[] = [
    { name: "runs", value: (group) => groupName(group, options.idLength), style: () => "yellow", isFixed: true },
    ...linesOf(comparison, options).map((line): Column<RunGroup> => ({
      name: line.key,
      value: (group) => line.cell(group),
      ...(line.isMetric ? { align: "right" as const } : {}),
    })),
  ];
  return renderTable(columns, comparison.groups, options.screen);
}

function statusesOf(runs: RunGroup["runs"], screen: Screen): string {
  const [first] = runs;
  if (first !== undefined && runs.length === 1) return renderStatus(first, screen.nowMs);
  const counts = new Map<string, number>();
  for (const { status = "no status" } of runs) counts.set(status, (counts.get(status) ?? 0) + 1);
  return [...counts].map(([status, count]) => `${count} ${status}`).join(", ");
}

function renderCell(metric: string, group: RunGroup, baseline: RunGroup | undefined): string {
  const spread = group.metrics.get(metric);
  if (spread === undefined) return "";
  const text = renderSpread(spread);
  const base = baseline?.metrics.get(metric);
  if (base === undefined) return text;
  return group === baseline ? `${text} (baseline)` : `${text} (${renderDelta(spread.mean - base.mean)})`;
}

function renderSpread({ mean, sd, n }: Spread): string {
  return sd === undefined ? renderMetric(mean) : `${renderMetric(mean)} ± ${Number(sd.toPrecision(2))} (n=${n})`;
}

/** The comparison as `--json` prints it. */
export function toComparisonJson(comparison: Comparison): Record<string, unknown> {
  const { baseline } = comparison;
  return {
    differing: comparison.differing,
    equal: comparison.equal,
    baseline: baseline?.runs.map(({ jobId }) => jobId),
    groups: comparison.groups.map((group) => ({
      job_ids: group.runs.map(({ jobId }) => jobId),
      statuses: group.runs.map(({ status }) => status ?? null),
      parameters: toPrintable(group.parameters),
      metrics: Object.fromEntries(
        [...group.metrics].map(([name, spread]) => {
          const base = baseline?.metrics.get(name);
          return [name, base === undefined ? spread : { ...spread, delta: spread.mean - base.mean }];
        }),
      ),
    })),
  };
}
