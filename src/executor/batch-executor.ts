import type { JobId } from "../run/job-id.ts";
import type { ComputeRequest } from "../queue/compute-request.ts";
import type { AttemptEnd, AttemptSpec } from "./executor.ts";

/** One execution of a run that a scheduler is to start, somewhere and some time. */
export interface BatchSpec extends Pick<
  AttemptSpec,
  "jobId" | "attempt" | "argv" | "cwd" | "codePatch" | "timeoutMs" | "heartbeatMs" | "graceMs" | "stage"
> {
  /** What the program finds in its environment beside that of its job. */
  readonly env: Readonly<Record<string, string>>;
  readonly compute: ComputeRequest;
}

/** How a job ended, in the scheduler's words. */
export const JOB_ENDS = [
  "COMPLETED",
  "FAILED",
  "CANCELLED",
  "TIMEOUT",
  "OUT_OF_MEMORY",
  "NODE_FAIL",
  "PREEMPTED",
  "BOOT_FAIL",
  "DEADLINE",
] as const;
export type JobEnd = (typeof JOB_ENDS)[number];

/** Where a job stands. What is not understood, or not certain yet, is `unknown` and decides nothing. */
export type JobState =
  | { readonly kind: "pending" }
  | { readonly kind: "running" }
  | { readonly kind: "unknown"; readonly word: string }
  | {
      readonly kind: "ended";
      readonly how: JobEnd;
      readonly exitCode: number;
      readonly signal: number;
      /** The user's number who cancelled it. */
      readonly by: string | undefined;
    };

/** What a scheduler says about one of its jobs. */
export interface JobReport {
  readonly schedulerJobId: string;
  readonly name: string;
  /** The folder in which it starts; empty while that is not known. */
  readonly folder: string;
  readonly state: JobState;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** A job as it is asked for: its number alone may be another job's by now. */
export interface KnownJob {
  readonly schedulerJobId: string;
  readonly jobId: JobId;
  readonly attempt: number;
}

/** What came of handing an attempt to the scheduler. */
export type SubmitOutcome =
  | { readonly kind: "submitted"; readonly schedulerJobId: string }
  /** It will never be taken like this. */
  | { readonly kind: "refused"; readonly problem: string }
  /** The scheduler did not answer, or has no room now. It may even have been taken. */
  | { readonly kind: "unclear"; readonly problem: string };

/** What a scheduler says about many jobs. */
export interface Poll {
  /** By number, without jobs that are not the ones that were asked for. */
  readonly reports: ReadonlyMap<string, JobReport>;
  /** Whether ended jobs stay known. Without accounting they are forgotten after some minutes. */
  readonly isLasting: boolean;
}

/** What a job left in the folder of its attempt, beside how it ended. */
export interface BatchTraces {
  /** Which of the scheduler's jobs began to carry the attempt out; `undefined` when none did. */
  readonly startedBy: string | undefined;
  readonly end: AttemptEnd | undefined;
  /** The end of what the job itself said, which is little but when it could not start. */
  readonly words: string;
}

/** The state of a scheduler as `aexp doctor` tells it. */
export interface SchedulerFacts {
  readonly version: string;
  /** Why it cannot be reached; `undefined` when it can. */
  readonly problem: string | undefined;
  readonly hasAccounting: boolean;
  /** Those that are up. */
  readonly partitions: readonly string[];
  /** Its clock less this machine's, in milliseconds. */
  readonly clockDifferenceMs: number | undefined;
}

/** Has attempts carried out by a batch scheduler, which knows them by names that are made of run and attempt. */
export interface BatchExecutor {
  /**
   * Puts down in the attempt's folder all that its job needs.
   *
   * @returns false when that was done before, so that there may be a job already
   */
  prepare(spec: BatchSpec): Promise<boolean>;

  /** Hands a prepared attempt over. */
  submit(spec: BatchSpec): Promise<SubmitOutcome>;

  /**
   * The numbers of all jobs of an attempt, oldest first.
   *
   * @param sinceMs - a time before the first of them
   * @throws {AexpError} `slurm.failed`, `slurm.missing` when nobody knows
   */
  find(jobId: JobId, attempt: number, sinceMs: number): Promise<readonly string[]>;

  /** @throws {AexpError} `slurm.failed`, `slurm.missing`; then nothing is known about any of them */
  poll(jobs: readonly KnownJob[]): Promise<Poll>;

  /** Ends jobs; those that have ended already stay as they are. @throws {AexpError} `slurm.failed`, `slurm.missing` */
  cancel(schedulerJobIds: readonly string[]): Promise<void>;

  /** Why nothing can be submitted now; `undefined` when it can. */
  whyDown(): Promise<string | undefined>;

  traces(jobId: JobId, attempt: number): BatchTraces;

  inspect(): Promise<SchedulerFacts>;

  /**
   * Has a job look for a folder from where jobs run.
   *
   * @returns what is wrong there; `undefined` when the folder and aexp are found
   */
  probeFolder(folder: string, compute: ComputeRequest, waitMs: number): Promise<string | undefined>;
}
