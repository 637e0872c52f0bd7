import type { RunRow } from "./run-row.ts";
import { newestFirst } from "./list-runs.ts";

/** A slice of runs that belong together: an experiment, and the condition where runs name one. */
export interface Batch {
  readonly experiment_id: string;
  readonly condition: string | undefined;
  readonly runs: number;
  /** How many have which status. */
  readonly statuses: Readonly<Record<string, number>>;
  /** When the newest of them was made. */
  readonly newest: string | undefined;
}

/** Groups runs by experiment and condition, in the order of these names. Runs without an experiment are in no batch. */
export function listBatches(rows: Iterable<RunRow>): readonly Batch[] {
  const batches = new Map<string, { batch: Batch; statuses: Record<string, number>; count: number; newest: RunRow }>();
  for (const row of rows) {
    if (row.experimentId === undefined) continue;
    const value = row.statePoint.get("condition");
    const condition = typeof value === "string" ? value : undefined;
    const key = JSON.stringify([row.experimentId, condition ?? null]);
    const found = batches.get(key);
    const statuses: Record<string, number> = found?.statuses ?? {};
    const status = row.status ?? "no status";
    statuses[status] = (statuses[status] ?? 0) + 1;
    const newest = found === undefined || newestFirst(row, found.newest) < 0 ? row : found.newest;
    const count = (found?.count ?? 0) + 1;
    const batch: Batch = {
      experiment_id: row.experimentId,
      condition,
      runs: count,
      statuses,
      newest: newest.createdAt ?? newest.startedAt ?? newest.endedAt,
    };
    batches.set(key, { batch, statuses, count, newest });
  }
  return [...batches.values()]
    .map(({ batch }) => batch)
    .toSorted(
      (a, b) => compareText(a.experiment_id, b.experiment_id) || compareText(a.condition ?? "", b.condition ?? ""),
    );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
