import type { AttemptEnd } from "../executor/executor.ts";
import { judgeAttempt, toShellExitCode } from "../executor/judge-attempt.ts";
import { summarizeMetrics } from "../run/metric-lines.ts";
import type { JobId } from "../run/job-id.ts";
import type { RunStatus } from "../run/run-status.ts";
import { type MarkOutcome, markStatus, type StatusReason } from "./mark-status.ts";
import type { Repo } from "./repo.ts";

/** What came of an execution. */
export interface ExecutedRun {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly status: RunStatus;
  readonly reason: StatusReason | undefined;
  readonly wallclockS: number | undefined;
  /** What a shell would report: the program's exit code, or 128 + N for signal N. */
  readonly exitCode: number;
  /** The attempt had ended before, and only its record was completed. */
  readonly isRecovered: boolean;
  readonly promotion: MarkOutcome["promotion"];
}

/** Which attempt ended, and where. */
export interface EndedAttempt {
  readonly jobId: JobId;
  readonly attempt: number;
  readonly host: string;
  readonly isRecovered: boolean;
}

/** Records the end of an attempt: status, outcome and last metrics in the document, then the ledger entry. */
export async function finishAttempt(repo: Repo, ended: EndedAttempt, end: AttemptEnd): Promise<ExecutedRun> {
  const { jobId, attempt, host, isRecovered } = ended;
  const { status, reason } = judgeAttempt(end.cause);
  const { metrics, brokenLines } = summarizeMetrics(repo.attempts.metricLines(jobId));
  if (brokenLines > 0)
    repo.warn(`${brokenLines} lines of the metrics file of run ${jobId} are no JSON objects and were left out`);
  if (end.recordProblem !== undefined)
    repo.warn(`what was kept of attempt ${attempt} of run ${jobId} is not whole: ${end.recordProblem}`);
  const { promotion } = await markStatus(repo, jobId, {
    to: status,
    reason,
    attempt: {
      endedAtMs: end.endedAtMs,
      wallclockS: end.wallclockS,
      exitCode: end.exitCode,
      signal: end.signal,
      host,
      metrics,
      stderrTail: end.stderrTail,
    },
  });
  const { wallclockS } = end;
  return { jobId, attempt, status, reason, wallclockS, exitCode: toShellExitCode(end), isRecovered, promotion };
}
