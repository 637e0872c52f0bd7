import { constants } from "node:os";

import type { BatchTraces, JobState } from "./batch-executor.ts";
import { judgeAttempt, type Verdict } from "./judge-attempt.ts";
import { CANNOT_BEGIN } from "./sbatch-script.ts";

/** The end of a job. */
export type EndedJob = Extract<JobState, { kind: "ended" }>;

/** What the end of a job means for its run. */
export interface JobVerdict extends Verdict {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
}

const SIGNAL_NAMES = new Map(Object.entries(constants.signals).map(([name, number]) => [number, name]));

/**
 * Judges the end of a job. Whether the run is complete is the scheduler's word alone; what the attempt's own record
 * knows better is why it failed.
 */
export function judgeJob(job: EndedJob, traces: BatchTraces): JobVerdict {
  const exitCode = traces.end?.exitCode ?? undefined;
  const signal = traces.end?.signal ?? undefined;
  switch (job.how) {
    case "COMPLETED":
      return { status: "complete", reason: undefined, exitCode: 0, signal: undefined };
    case "FAILED":
      return judgeFailure(job, traces);
    case "CANCELLED": {
      const message = job.by === undefined ? "cancelled in SLURM" : `cancelled in SLURM by user ${job.by}`;
      return { ...failed("signal", message), exitCode, signal };
    }
    case "TIMEOUT":
      return { ...failed("timeout", "longer than the time limit of its job"), exitCode, signal };
    case "DEADLINE":
      return { ...failed("timeout", "its job reached its deadline"), exitCode, signal };
    case "OUT_OF_MEMORY":
      return { ...failed("oom", "its job used more memory than was reserved"), exitCode, signal };
    case "NODE_FAIL":
      return { ...failed("lost", "a node of its job failed"), exitCode, signal };
    case "PREEMPTED":
      return { ...failed("interrupted", "its job was preempted"), exitCode, signal };
    case "BOOT_FAIL":
      return { ...failed("spawn_error", "a node of its job did not start"), exitCode, signal };
  }
}

function judgeFailure(job: EndedJob, { end, startedBy, words }: BatchTraces): JobVerdict {
  const signalName = SIGNAL_NAMES.get(job.signal);
  if (end !== undefined) {
    const { status, reason } = judgeAttempt(end.cause);
    const outcome = { exitCode: end.exitCode ?? undefined, signal: end.signal ?? undefined };
    if (status === "failed") return { status, reason, ...outcome };
    if (status === "stopped") return { ...failed("signal", "its job was told to end by a signal"), ...outcome };
    // The record was written by another start of the job than the one that the scheduler judged.
    return { ...failed("lost", "its job failed, although its command had ended well"), ...outcome };
  }
  if (startedBy === undefined && signalName === undefined) {
    const said = words === "" ? `exit ${job.exitCode}` : words;
    return { ...failed("spawn_error", `its job could not start: ${said}`), exitCode: job.exitCode, signal: undefined };
  }
  if (signalName !== undefined) {
    return { ...failed("signal", `killed by ${signalName}`), exitCode: undefined, signal: signalName };
  }
  if (job.exitCode === CANNOT_BEGIN) return { ...failed("lost", words), exitCode: job.exitCode, signal: undefined };
  const message = `exit ${job.exitCode}, and no record of how its command ended`;
  return { ...failed("lost", message), exitCode: job.exitCode, signal: undefined };
}

function failed(code: NonNullable<Verdict["reason"]>["code"], message: string): Verdict {
  return { status: "failed", reason: { code, message } };
}
