import type { LedgerEntry } from "../ledger/ledger-store.ts";
import { AexpError } from "../model/errors.ts";
import { type ExactObject } from "../model/exact-json.ts";
import { parseExactObject } from "../model/exact-json-reader.ts";
import type { JobId } from "../run/job-id.ts";
import { malformedEntry } from "./promote-run.ts";
import type { Repo } from "./repo.ts";

/** Which entries are listed. */
export interface LedgerQuery {
  readonly experiment?: string | undefined;
  readonly status?: string | undefined;
  readonly machine?: string | undefined;
  readonly limit?: number | undefined;
}

/**
 * The entries that a query asks for, the run that ended last first. Entries that cannot be read are warned about.
 *
 * @throws {AexpError} `ledger.folder_unsafe`
 */
export function listEntries(repo: Repo, query: LedgerQuery = {}): { entries: LedgerEntry[]; total: number } {
  const found: LedgerEntry[] = [];
  for (const read of repo.ledger.readAll()) {
    if (read.kind === "malformed") repo.warn(`${read.file} is left out: ${read.problem}`);
    else if (isWanted(read.record.entry, query)) found.push(read.record.entry);
  }
  const sorted = found.toSorted((a, b) => compareText(endOf(b), endOf(a)) || compareText(a.job_id, b.job_id));
  return { entries: sorted.slice(0, query.limit), total: sorted.length };
}

/**
 * One entry: its text, and its content with exact numbers.
 *
 * @throws {AexpError} `ledger.entry_not_found`, `ledger.entry_malformed`
 */
export function readEntry(repo: Repo, jobId: JobId): { readonly text: string; readonly entry: ExactObject } {
  const read = repo.ledger.read(jobId);
  if (read === undefined) {
    throw new AexpError(`run ${jobId} has no ledger entry`, {
      code: "ledger.entry_not_found",
      hint: "A finished run gets one with `aexp ledger promote`.",
    });
  }
  if (read.kind === "entry") return { text: read.text, entry: parseExactObject(read.text) };
  throw malformedEntry(read);
}

function isWanted(entry: LedgerEntry, query: LedgerQuery): boolean {
  return (
    (query.experiment === undefined || entry.run_link?.experiment_id === query.experiment) &&
    (query.status === undefined || entry.status === query.status) &&
    (query.machine === undefined || entry.registered_machine === query.machine)
  );
}

function endOf(entry: LedgerEntry): string {
  return entry.ended_at ?? entry.started_at ?? "";
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
