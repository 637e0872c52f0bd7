import type { LedgerRecord } from "../ledger/ledger-store.ts";
import { toJobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";

/** Something wrong with an entry. */
export interface LedgerProblem {
  /** Name of the file in the ledger folder. */
  readonly file: string;
  /** As the validator's codes: `ledger.malformed`, `ledger.conflict_markers`, `ledger.id_mismatch`, `ledger.filename_mismatch`. */
  readonly code: string;
  readonly message: string;
}

/** What a check of the whole ledger found. */
export interface LedgerVerification {
  readonly checked: number;
  readonly problems: readonly LedgerProblem[];
}

/**
 * Reads every entry, checks it against the schema, and recomputes its id from its state point.
 *
 * @throws {AexpError} `ledger.folder_unsafe`
 */
export function verifyLedger(repo: Repo): LedgerVerification {
  const problems: LedgerProblem[] = [];
  let checked = 0;
  for (const read of repo.ledger.readAll()) {
    checked += 1;
    if (read.kind === "entry") problems.push(...checkRecord(read.record));
    else {
      const code = read.cause === "conflict_markers" ? "ledger.conflict_markers" : "ledger.malformed";
      problems.push({ file: read.file, code, message: read.problem });
    }
  }
  return { checked, problems };
}

function checkRecord({ jobId, entry, statePoint }: LedgerRecord): LedgerProblem[] {
  const file = `${jobId}.json`;
  const problems: LedgerProblem[] = [];
  if (entry.job_id !== jobId) {
    problems.push({
      file,
      code: "ledger.filename_mismatch",
      message: `the file holds the entry of run ${entry.job_id}`,
    });
  }
  const computed = toJobId(statePoint);
  if (computed !== entry.job_id) {
    problems.push({
      file,
      code: "ledger.id_mismatch",
      message: `job_id is ${entry.job_id}, but the state point hashes to ${computed}`,
    });
  }
  return problems;
}
