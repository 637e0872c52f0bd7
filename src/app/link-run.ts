import type { JobId } from "../run/job-id.ts";
import { isTerminal } from "../run/run-status.ts";
import { requireLocal } from "./local-run.ts";
import { promoteRun } from "./promote-run.ts";
import { checkNoteId, toRunLink } from "./register-run.ts";
import type { Repo } from "./repo.ts";

/** The notes that a run belongs to. */
export interface LinkRequest {
  readonly experimentId: string;
  readonly hypothesisId?: string | undefined;
  readonly subHypothesisId?: string | undefined;
}

/**
 * Gives a local run another run link, and renews its ledger entry when it is finished. Its identity stays.
 *
 * @throws {AexpError} `cli.usage`, `run.not_local`, and what updating the document and promoting throw
 */
export async function linkRun(
  repo: Repo,
  jobId: JobId,
  request: LinkRequest,
): Promise<"written" | "unchanged" | "none"> {
  checkNoteId("experiment", "E", request.experimentId);
  checkNoteId("hypothesis", "H", request.hypothesisId);
  checkNoteId("sub-hypothesis", "H", request.subHypothesisId);
  requireLocal(repo, jobId);
  const { facts } = await repo.runs.updateDocument(jobId, () => ({
    aexp: toRunLink(repo, request.experimentId, request),
    limina: undefined,
  }));
  return facts.status !== undefined && isTerminal(facts.status) ? await promoteRun(repo, jobId) : "none";
}
