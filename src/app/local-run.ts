import { AexpError } from "../model/errors.ts";
import type { JobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";

/**
 * Makes sure that a run's folder is on this machine.
 *
 * @throws {AexpError} `run.not_local`, naming the machine that has it
 */
export function requireLocal(repo: Repo, jobId: JobId): void {
  if (repo.runs.has(jobId)) return;
  const read = repo.ledger.read(jobId);
  const machine = read?.kind === "entry" ? read.record.entry.registered_machine : "another machine";
  throw new AexpError(`run ${jobId} is on ${machine}; here is only its ledger entry`, {
    code: "run.not_local",
    hint: `Use the command there; \`aexp runs show ${jobId}\` tells what is known here.`,
  });
}
