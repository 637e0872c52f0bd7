import type { RunCounts } from "../../app/list-notes.ts";
import { RUN_STATUSES } from "../../run/run-status.ts";
import { renderCount } from "./value.ts";

/** `9 runs: 8 complete, 1 failed`; one status alone needs no number of its own: `9 complete`. */
export function renderRunCounts({ total, by_status: byStatus }: RunCounts): string {
  if (total === 0) return "no runs";
  const known: readonly string[] = RUN_STATUSES;
  const statuses = [...known.filter((status) => byStatus[status] !== undefined), ...otherStatuses(byStatus, known)];
  const parts = statuses.map((status) => `${renderCount(byStatus[status] ?? 0)} ${status}`);
  return parts.length === 1 ? (parts[0] ?? "") : `${renderCount(total)} runs: ${parts.join(", ")}`;
}

function otherStatuses(byStatus: Readonly<Record<string, number>>, known: readonly string[]): readonly string[] {
  return Object.keys(byStatus)
    .filter((status) => !known.includes(status))
    .toSorted();
}
