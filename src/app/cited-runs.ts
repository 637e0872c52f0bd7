import type { Citation } from "../kb/citation.ts";
import type { NewCitation } from "../kb/citation-text.ts";
import { AexpError } from "../model/errors.ts";
import { isSameExact } from "../model/exact-json.ts";
import type { JobId } from "../run/job-id.ts";
import { parameterAt } from "../run/parameters.ts";
import { isRunStatus, isTerminal } from "../run/run-status.ts";
import { listRuns } from "./list-runs.ts";
import type { Repo } from "./repo.ts";
import { rowOfEntry, rowOfRun, type RunRow } from "./run-row.ts";

/** The runs that some citations name. */
export interface CitedRuns {
  /** Runs that have ended, each once, by ascending id; with what their ledger entry says, where they have one. */
  readonly runs: readonly RunRow[];
  /** Runs of this machine that no entry tells of, because they have not ended. */
  readonly unfinished: readonly RunRow[];
  /** Citations of which no run has ended, as far as is known here. */
  readonly missing: readonly NewCitation[];
}

/**
 * The cited runs of several findings. The store and the ledger are passed through once, and only if some batch is cited.
 *
 * @param lists the citations of each finding; faulty ones name nothing
 */
export function citedRuns(repo: Repo, lists: readonly (readonly Citation[])[]): readonly CitedRuns[] {
  const members = batchMembers(repo, lists.flat());
  const rows = new Map<JobId, RunRow | undefined>();
  const rowOf = (jobId: JobId): RunRow | undefined => {
    if (!rows.has(jobId)) rows.set(jobId, sharedRow(repo, jobId));
    return rows.get(jobId);
  };
  return lists.map((citations) => {
    const named = citations.flatMap((citation): { citation: NewCitation; found: readonly RunRow[] }[] => {
      if (citation.type === "fault") return [];
      const ids = citation.type === "job" ? [citation.jobId] : (members.get(citation) ?? []);
      return [{ citation, found: ids.flatMap((jobId) => rowOf(jobId) ?? []) }];
    });
    const found = [...new Map(named.flatMap(({ found: cited }) => cited.map((row) => [row.jobId, row]))).values()];
    const sorted = found.toSorted((a, b) => (a.jobId < b.jobId ? -1 : 1));
    return {
      runs: sorted.filter(hasEnded),
      unfinished: sorted.filter((row) => !hasEnded(row)),
      missing: named.flatMap(({ citation, found: cited }) => (cited.some(hasEnded) ? [] : [citation])),
    };
  });
}

/** Whether a citation names a run, by its id or as one of a batch. */
export function isCited(citation: Citation, row: RunRow): boolean {
  if (citation.type === "job") return citation.jobId === row.jobId;
  if (citation.type !== "batch" || citation.experimentId !== row.experimentId) return false;
  return [...citation.selector].every(([key, value]) => {
    const actual = parameterAt(row.statePoint, key);
    return actual !== undefined && isSameExact(actual, value);
  });
}

/** Whether a run has ended, so that it has an entry or will get one. */
function hasEnded({ status }: RunRow): boolean {
  return status !== undefined && isRunStatus(status) && isTerminal(status);
}

function batchMembers(repo: Repo, citations: readonly Citation[]): ReadonlyMap<Citation, readonly JobId[]> {
  const members = new Map<Citation, JobId[]>();
  const batchesOf = new Map<string, Citation[]>();
  for (const citation of citations) {
    if (citation.type !== "batch") continue;
    members.set(citation, []);
    batchesOf.set(citation.experimentId, [...(batchesOf.get(citation.experimentId) ?? []), citation]);
  }
  if (members.size === 0) return members;
  for (const row of listRuns(repo)) {
    for (const citation of batchesOf.get(row.experimentId ?? "") ?? []) {
      if (isCited(citation, row)) members.get(citation)?.push(row.jobId);
    }
  }
  return members;
}

/**
 * A run as other machines see it: from its entry, even when this machine knows more. Without an entry from this
 * machine's store; `undefined` when neither can be read.
 */
function sharedRow(repo: Repo, jobId: JobId): RunRow | undefined {
  const read = repo.ledger.read(jobId);
  if (read?.kind === "entry") return rowOfEntry(read.record);
  if (read !== undefined) repo.warn(`ledger entry ${read.file} cannot be read: ${read.problem}`);
  if (!repo.runs.has(jobId)) return undefined;
  try {
    return rowOfRun(repo, repo.runs.read(jobId), undefined);
  } catch (error) {
    if (!(error instanceof AexpError)) throw error;
    repo.warn(error.message);
    return undefined;
  }
}
