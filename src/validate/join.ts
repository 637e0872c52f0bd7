import type { LedgerRead } from "../ledger/ledger-store.ts";
import type { RunRead } from "../run/run-store.ts";

/** Everything that is here about one job id. */
export interface Sighting {
  readonly jobId: string;
  readonly local: RunRead | undefined;
  readonly entry: LedgerRead | undefined;
}

/**
 * Brings local runs and ledger entries together by job id. Both come in ascending order, so one pass is enough and
 * nothing needs to be kept.
 */
export function* joinRuns(runs: Iterable<RunRead>, entries: Iterable<LedgerRead>): Generator<Sighting> {
  const runsLeft = runs[Symbol.iterator]();
  const entriesLeft = entries[Symbol.iterator]();
  let run = take(runsLeft);
  let entry = take(entriesLeft);
  while (run !== undefined || entry !== undefined) {
    const runId = run === undefined ? undefined : idOfRun(run);
    const entryId = entry === undefined ? undefined : idOfEntry(entry);
    const isRun = runId !== undefined && (entryId === undefined || runId <= entryId);
    const isEntry = entryId !== undefined && (runId === undefined || entryId <= runId);
    yield {
      jobId: (isRun ? runId : entryId) ?? "",
      local: isRun ? run : undefined,
      entry: isEntry ? entry : undefined,
    };
    if (isRun) run = take(runsLeft);
    if (isEntry) entry = take(entriesLeft);
  }
}

function take<T>(iterator: Iterator<T>): T | undefined {
  const next = iterator.next();
  return next.done === true ? undefined : next.value;
}

function idOfRun(read: RunRead): string {
  return read.kind === "run" ? read.run.jobId : read.jobId;
}

function idOfEntry(read: LedgerRead): string {
  return read.kind === "entry" ? read.record.jobId : read.file.slice(0, 32);
}
