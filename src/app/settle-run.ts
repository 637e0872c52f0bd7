import type { Executor } from "../executor/executor.ts";
import { AexpError } from "../model/errors.ts";
import type { RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { type ExecutedRun, finishAttempt } from "./finish-attempt.ts";
import { markStatus } from "./mark-status.ts";
import type { Repo } from "./repo.ts";

/** How much may be done to settle a run. */
export interface SettleOptions {
  /** Ends a program that an aexp that died has left running. */
  readonly isForced: boolean;
  /** How long that program has between TERM and KILL. */
  readonly graceMs: number;
}

/**
 * What a run that is marked as running comes to. When the end of its attempt was recorded, the document is completed
 * from that and the result returned; when nobody knows how it ended, it is marked as lost, and `undefined` says that
 * the next attempt may start.
 *
 * @throws {AexpError} `run.busy` while anything of the attempt may be alive
 */
export async function settleRun(
  repo: Repo,
  executor: Executor,
  run: { readonly jobId: JobId; readonly facts: RunFacts },
  options: SettleOptions,
): Promise<ExecutedRun | undefined> {
  const { jobId, facts } = run;
  const attempt = facts.attempt ?? 1;
  await endLeftovers(executor, run, attempt, options);
  try {
    const end = executor.recordedEnd(jobId, attempt);
    const { host } = executor.self;
    if (end !== undefined) return await finishAttempt(repo, { jobId, attempt, host, isRecovered: true }, end);
    await markStatus(repo, jobId, {
      to: "failed",
      reason: { code: "lost", message: "the aexp process that ran it is gone" },
      attempt: {
        endedAtMs: repo.clock.nowMs(),
        wallclockS: undefined,
        exitCode: null,
        signal: null,
        host,
        metrics: {},
        stderrTail: "",
      },
    });
  } catch (error) {
    throw explainBeaten(jobId, error);
  }
  repo.warn(`attempt ${attempt} of run ${jobId} was lost: the aexp that ran it is gone and left no record of its end`);
  return undefined;
}

/** Returns once nothing of the attempt is alive. */
async function endLeftovers(
  executor: Executor,
  { jobId, facts }: { readonly jobId: JobId; readonly facts: RunFacts },
  attempt: number,
  { isForced, graceMs }: SettleOptions,
): Promise<void> {
  const watched = facts.queue?.proc;
  const { watcher, program, foreignHost } = executor.survivors(jobId, attempt, watched);
  if (foreignHost !== undefined) throw busy(jobId, `it runs on ${foreignHost}, which cannot be asked from here`);
  if (watcher !== undefined) throw busy(jobId, `it is running, watched by process ${watcher.pid}`);
  if (program !== undefined) {
    if (!isForced) {
      throw busy(
        jobId,
        `its program still runs as process ${program.pid}, although the aexp that started it is gone`,
        "Wait for it to end, or add --force to end it and start again.",
      );
    }
    await executor.killGroup(program, graceMs);
  } else if (watched === undefined && !isForced) {
    throw busy(
      jobId,
      "it is marked as running, and not by an aexp process that could be asked",
      `Wait for it to end and mark it with \`aexp runs mark ${jobId}\`, or add --force if it is surely gone.`,
    );
  }
}

/** That a run changed its status while we were about to, means that another process takes care of it. */
export function explainBeaten(jobId: JobId, error: unknown): unknown {
  if (error instanceof AexpError && error.code === "run.illegal_transition")
    return busy(jobId, "another process just took it");
  return error;
}

function busy(jobId: JobId, why: string, hint = "Wait for it to end."): AexpError {
  return new AexpError(`run ${jobId} is busy: ${why}. Nothing was executed`, { code: "run.busy", hint });
}
