import { AexpError } from "../model/errors.ts";
import type { JobId } from "../run/job-id.ts";
import type { RunStatus } from "../run/run-status.ts";
import { requireLocal } from "./local-run.ts";
import { type MarkOutcome, markStatus, type StatusReason } from "./mark-status.ts";
import type { Repo } from "./repo.ts";

/**
 * An operator's change of a run's status. Not while aexp executes the run: that aexp will write how it really ended.
 *
 * @throws {AexpError} `run.not_local`, `run.busy`, `run.illegal_transition`
 */
export async function markRun(
  repo: Repo,
  jobId: JobId,
  to: RunStatus,
  reason: StatusReason | undefined,
): Promise<MarkOutcome> {
  requireLocal(repo, jobId);
  const { status, queue } = repo.runs.read(jobId).document.facts;
  if (status === "running" && queue?.proc !== undefined && repo.processes.isRunning(queue.proc) === true) {
    throw new AexpError(`run ${jobId} is being executed by process ${queue.proc.pid}. Nothing was changed`, {
      code: "run.busy",
      hint: `Stop it with \`kill ${queue.proc.pid}\`, which marks it as stopped.`,
    });
  }
  return await markStatus(repo, jobId, { to, reason });
}
