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
  "kb.ambiguous_link": ["error", "A link could mean several files."],
  "kb.bad_reference": ["error", "A field of a note names something that is not there, or not of the right kind."],
  "kb.conditions_schema": ["error", "The conditions of an experiment are no sets of parameters."],
  "kb.dangling_link": ["error", "A link leads nowhere."],
  "kb.duplicate_id": ["error", "Two notes have one id."],
  "kb.filename": ["error", "A note has no name like H001-some-words.md, or lies in the folder of another kind."],
  "kb.filesystem": ["error", "A folder or a file of the knowledge base cannot be read."],
  "kb.missing_alias": ["error", "The aliases of a note lack its own id."],
  "kb.missing_backlink": ["error", "A note does not link a note that names it as its parent."],
  "kb.missing_field": ["error", "A note lacks a field that its kind must have."],
  "kb.missing_heading": ["error", "A note lacks sections that its template has."],
  "kb.missing_links_section": ["error", "A note has no section for its links."],
  "kb.out_of_graph": ["warning", "A file looks like a checked note, and no check looks at it."],
  "kb.required_link": ["error", "A note does not link its parents."],
  "kb.unreadable": ["error", "The frontmatter of a note cannot be read."],
  "kb.vocabulary": ["warning", "A status or an impact is none of the usual words."],
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
