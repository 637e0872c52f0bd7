import type { Branch } from "../git/branch.ts";
import { mergeEntryTexts } from "../ledger/merge.ts";
import { isJobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";

/** What became of the entries in conflict. */
export interface ResolvedLedger {
  /** Job ids whose entries are merged now. */
  readonly resolved: readonly string[];
  /** Files that nobody could merge, each with the reason. */
  readonly unresolved: readonly { readonly file: string; readonly problem: string }[];
}

/**
 * Merges the entries that a `git merge`, `pull` or `rebase` has left in conflict. Both sides come from git's index,
 * never from the text with conflict markers; both outcomes are kept. Going on with what git was doing is the user's.
 *
 * @throws {AexpError} what git and the ledger store throw
 */
export async function resolveLedger(repo: Repo, branch: Branch): Promise<ResolvedLedger> {
  const resolved: string[] = [];
  const unresolved: { file: string; problem: string }[] = [];
  for (const { path, ours, theirs } of await branch.unmergedEntries()) {
    const file = path.slice(path.lastIndexOf("/") + 1);
    const jobId = file.slice(0, -".json".length);
    const text = ours === undefined || theirs === undefined ? (ours ?? theirs) : mergeEntryTexts(file, ours, theirs);
    if (!isJobId(jobId)) unresolved.push({ file: path, problem: "the file is not named by a job id" });
    else if (text === undefined) unresolved.push({ file: path, problem: "neither side is a ledger entry of this run" });
    else {
      await repo.ledger.write(jobId, text, "each");
      await branch.markMerged(path);
      resolved.push(jobId);
    }
  }
  return { resolved, unresolved };
}
