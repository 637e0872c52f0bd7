import type { LedgerEntry } from "../../ledger/ledger-store.ts";
import { type Column, renderTable } from "./table.ts";
import { renderDuration, renderInstant } from "./time.ts";

/** Where and when a list is shown. */
export interface EntryListOptions {
  readonly width: number;
  readonly color: boolean;
  readonly nowMs: number;
  readonly isTTY: boolean;
}

/** Ledger entries as a table, with how many there are in all when not all are shown. */
export function renderEntryList(entries: readonly LedgerEntry[], total: number, options: EntryListOptions): string {
  if (total === 0) return "The ledger has no such entries.";
  const columns: Column<LedgerEntry>[] = [
    { name: "run", value: (entry) => entry.job_id.slice(0, 8) },
    { name: "experiment", value: (entry) => entry.run_link?.experiment_id ?? "" },
    { name: "status", value: (entry) => entry.status },
    { name: "ended", value: (entry) => renderInstant(entry.ended_at, options) },
    {
      name: "duration",
      value: (entry) => (entry.wallclock_s === undefined ? "" : renderDuration(entry.wallclock_s)),
      align: "right",
    },
    { name: "machine", value: (entry) => entry.registered_machine },
  ];
  const table = renderTable(columns, entries, options).trimEnd();
  return entries.length === total ? table : `${table}\n${entries.length} of ${total.toLocaleString("en")}`;
}
