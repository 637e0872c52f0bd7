import type { Severity } from "../model/issue.ts";

/** Every code that the validator reports, with the weight it usually has and what it means in a few words. */
export const ISSUE_CODES = {
  "finding.absent_batch_runs": [
    "warning",
    "A cited batch has runs on other machines only, and they are not in the ledger.",
  ],
  "finding.absent_run_citation": ["warning", "A cited run is on another machine only, and it is not in the ledger."],
  "finding.broken_run_citation": ["error", "A citation has the wrong shape, or names a run that is nowhere."],
  "finding.cites_unfinished": ["warning", "A claim rests on a run that did not complete."],
  "finding.empty_batch": ["error", "A cited batch has no run anywhere."],
  "finding.no_run_store": ["warning", "Nothing here can say whether the cited runs exist."],
  "finding.uncited": ["warning", "A finding cites no run."],
  "finding.unreadable": ["error", "A finding cannot be read."],
  "index.malformed": ["warning", "A runs index cannot be read."],
  "ledger.conflict_markers": ["error", "A ledger entry has conflict markers of git."],
  "ledger.filename_mismatch": ["error", "A ledger file holds the entry of another run."],
  "ledger.id_mismatch": ["error", "The id of an entry is not the hash of its state point."],
  "ledger.leaks_local_path": ["error", "A ledger entry names a folder of this machine."],
  "ledger.malformed": ["error", "A ledger entry is no JSON, or has not the right shape."],
  "ledger.stale": ["warning", "The local run is newer than its ledger entry."],
  "ledger.uncommitted": ["warning", "Ledger entries are not committed, so other machines cannot see them."],
  "run.broken_experiment_link": ["error", "A run is linked to an experiment that is not there."],
  "run.hypothesis_mismatch": ["error", "A run and its experiment name different hypotheses."],
  "run.id_mismatch": ["error", "The name of a run's folder is not the hash of its state point."],
  "run.orphan": ["error", "A run is linked to no experiment."],
  "run.stale_running": ["warning", "A run claims to be running, and no process shows it."],
  "run.status_invalid": ["error", "The status of a run is none of the seven."],
  "run.sub_hypothesis_unlisted": ["error", "A run names a sub-hypothesis that its experiment does not list."],
  "run.unpromoted": ["warning", "A finished run has no ledger entry."],
  "run.unreadable_document": ["error", "The state point or the document of a run cannot be read."],
  "validate.check_failed": ["error", "A check could not be carried out."],
} as const satisfies Readonly<Record<string, readonly [Severity, string]>>;

export type IssueCode = keyof typeof ISSUE_CODES;

export function isIssueCode(code: string): code is IssueCode {
  return Object.hasOwn(ISSUE_CODES, code);
}
