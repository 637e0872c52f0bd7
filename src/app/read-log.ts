import { setTimeout as sleep } from "node:timers/promises";

import { AexpError } from "../model/errors.ts";
import type { JobId } from "../run/job-id.ts";
import { isTerminal } from "../run/run-status.ts";
import { requireLocal } from "./local-run.ts";
import type { Repo } from "./repo.ts";

/** Which log of a run. */
export interface LogRequest {
  readonly stream: "stdout" | "stderr";
  /** The newest attempt, unless said otherwise. */
  readonly attempt?: number | undefined;
  /** Goes on until the run has ended and all of its log is read. */
  readonly isFollowed: boolean;
}

/** How often a followed log is looked at. */
const POLL_MS = 200;

/**
 * The bytes of a log as the program wrote them.
 *
 * @throws {AexpError} `run.not_local` for a run of another machine, `run.no_log` when the attempt kept none
 */
export async function* readLog(repo: Repo, jobId: JobId, request: LogRequest): AsyncGenerator<Uint8Array> {
  requireLocal(repo, jobId);
  const attempt = request.attempt ?? repo.runs.read(jobId).document.facts.attempt ?? 1;
  using log = repo.attempts.openLog(jobId, attempt, request.stream);
  if (log === undefined) {
    throw new AexpError(`attempt ${attempt} of run ${jobId} has no ${request.stream} log`, {
      code: "run.no_log",
      hint: `\`aexp runs show ${jobId}\` tells which attempts there were.`,
    });
  }
  for (;;) {
    // Asked before the log is read to its end, so that nothing written before the end is missed.
    const isOver = !request.isFollowed || hasEnded(repo, jobId, attempt);
    for (let bytes = log.next(); bytes !== undefined; bytes = log.next()) yield bytes;
    if (isOver) return;
    await sleep(POLL_MS);
  }
}

function hasEnded(repo: Repo, jobId: JobId, attempt: number): boolean {
  const { facts } = repo.runs.read(jobId).document;
  if (facts.status === undefined || isTerminal(facts.status) || (facts.attempt ?? 1) !== attempt) return true;
  // The document of a scheduler's run follows when somebody looks at its job.
  if (repo.attempts.end(jobId, attempt) !== undefined) return true;
  const proc = facts.queue?.proc;
  // The aexp that ran it may have been killed, and then nobody will ever mark it as ended. Where the run has a supervisor,
  // it goes on all the same, until that has gone, too.
  if (proc === undefined || repo.processes.isRunning(proc) !== false) return false;
  const supervisor = repo.attempts.supervisor(jobId, attempt);
  return supervisor === undefined || repo.processes.isRunning(supervisor) === false;
}
