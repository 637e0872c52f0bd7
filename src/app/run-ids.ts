import type { Repo } from "./repo.ts";

/** The ids of all runs that are in the local store or in the ledger, ascending. */
export function allIds(repo: Pick<Repo, "runs" | "ledger">): readonly string[] {
  return [...new Set<string>([...repo.runs.listJobIds(), ...repo.ledger.listJobIds()])].toSorted();
}
