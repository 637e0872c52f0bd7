import type { Exact, ExactObject } from "../model/exact-json.ts";
import type { JobId } from "../run/job-id.ts";
import type { MetricPoint } from "../run/metric-series.ts";
import { chosenParameters, varyingKeys } from "../run/parameters.ts";
import { compareParameters, groupBySeed, SEED, type Spread, toSpread } from "../run/seed-groups.ts";
import { readSeries } from "./read-series.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

/** Runs that differ in nothing but their seed, or a single run. */
export interface RunGroup {
  readonly runs: readonly RunRow[];
  readonly parameters: ReadonlyMap<string, Exact>;
  readonly metrics: ReadonlyMap<string, Spread>;
}

/** Groups side by side. */
export interface Comparison {
  readonly groups: readonly RunGroup[];
  /** Parameters that are not the same everywhere, and those that are. */
  readonly differing: readonly string[];
  readonly equal: readonly string[];
  readonly metrics: readonly string[];
  readonly baseline: RunGroup | undefined;
  /** How many commits the runs ran at. */
  readonly commits: number;
}

/** What to compare by. */
export interface CompareOptions {
  /** All that were recorded, when absent. */
  readonly metrics?: readonly string[] | undefined;
  readonly baseline?: JobId | undefined;
  /** Keep the order of the runs instead of ordering by the parameters that differ. */
  readonly keepsOrder?: boolean;
}

/** Folds runs by seed and finds what differs. */
export function compareRuns(repo: Repo, rows: readonly RunRow[], options: CompareOptions = {}): Comparison {
  const names = options.metrics ?? numericMetrics(rows);
  const groups = groupBySeed(rows).map((runs) => toGroup(repo, runs, names));
  const differing = varyingKeys(groups.map(({ parameters }) => parameters));
  const isDiffering = new Set(differing);
  const all = new Set(groups.flatMap(({ parameters }) => [...parameters.keys()]));
  const { baseline } = options;
  return {
    groups:
      options.keepsOrder === true
        ? groups
        : groups.toSorted((a, b) => compareParameters(a.parameters, b.parameters, differing)),
    differing,
    equal: [...all].filter((key) => !isDiffering.has(key)),
    metrics: names,
    baseline:
      baseline === undefined ? undefined : groups.find(({ runs }) => runs.some(({ jobId }) => jobId === baseline)),
    commits: new Set(rows.flatMap(({ statePoint }) => commitOf(statePoint))).size,
  };
}

function toGroup(repo: Repo, runs: readonly RunRow[], names: readonly string[]): RunGroup {
  const parameters = new Map(runs[0] === undefined ? [] : chosenParameters(runs[0].statePoint));
  if (runs.length > 1) parameters.delete(SEED);
  const metrics = new Map<string, Spread>();
  for (const name of names) {
    const values = runs.flatMap((row) => lastValue(repo, row, name));
    const spread = toSpread(values);
    if (spread !== undefined) metrics.set(name, spread);
  }
  return { runs, parameters, metrics };
}

function lastValue(repo: Repo, row: RunRow, name: string): readonly number[] {
  const value = row.metrics[name] ?? (row.isLocal ? readSeries(repo, row.jobId).get(name)?.last?.value : undefined);
  return typeof value === "number" ? [value] : [];
}

/** Names of all recorded metrics that are numbers, in the order of their first appearance. */
export function numericMetrics(rows: readonly RunRow[]): readonly string[] {
  const names = rows.flatMap(({ metrics }) =>
    Object.entries(metrics).flatMap(([name, value]) => (typeof value === "number" ? [name] : [])),
  );
  return [...new Set(names)];
}

function commitOf(statePoint: ExactObject): readonly string[] {
  const commit = statePoint.get("code_commit");
  return typeof commit === "string" ? [commit] : [];
}

/** A group's metric over time: the mean of its runs, and how far they spread. */
export interface GroupCurve {
  readonly points: readonly MetricPoint[];
  /** Lowest and highest value at each point; empty for a single run. */
  readonly band: readonly { readonly x: number; readonly low: number; readonly high: number }[];
}

/** The curve of a group, from what its local runs recorded; empty when none did. */
export function groupCurve(repo: Repo, group: RunGroup, metric: string): GroupCurve {
  const valuesAt = new Map<number, number[]>();
  let curves = 0;
  for (const { jobId, isLocal } of group.runs) {
    const points = isLocal ? (readSeries(repo, jobId).get(metric)?.points() ?? []) : [];
    if (points.length > 0) curves += 1;
    for (const { x, value } of points) {
      const values = valuesAt.get(x);
      if (values === undefined) valuesAt.set(x, [value]);
      else values.push(value);
    }
  }
  const steps = [...valuesAt].toSorted(([a], [b]) => a - b);
  return {
    points: steps.map(([x, values]) => ({ x, value: values.reduce((sum, value) => sum + value, 0) / values.length })),
    band: curves < 2 ? [] : steps.map(([x, values]) => ({ x, low: Math.min(...values), high: Math.max(...values) })),
  };
}
