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

/** A prepared attempt that is to be submitted together with others. */
export interface BatchElement {
  readonly spec: BatchSpec;
  readonly index: number;
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
  /** No end of it is known, and the scheduler, which answers, does not know it any more. */
  | { readonly kind: "gone" }
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

/** One execution of a run. */
export interface AttemptName {
  readonly jobId: JobId;
  readonly attempt: number;
}

/** A job as it is asked for: its number alone may be another job's by now. */
export interface KnownJob extends AttemptName {
  readonly schedulerJobId: string;
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

/** What a job saw that looked around for `aexp doctor`. */
export interface NodeProbe {
  /** What is wrong there; `undefined` when the folder and aexp are found. */
  readonly problem: string | undefined;
  /** Where the job ran; `undefined` when it did not, or could not tell. */
  readonly host: string | undefined;
  /** The node's clock less this machine's, in milliseconds; 0 within what can be told apart. */
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

  /** How many attempts can be handed over together; 1 where the scheduler knows no arrays, or does not tell how they end. */
  maxArraySize(): Promise<number>;

  /**
   * Hands prepared attempts over together, of which the scheduler is asked for the same.
   *
   * @param array - by which name the scheduler knows them all; never used before
   * @returns the number of the whole; that of each job follows by `toElementId`
   */
  submitArray(array: string, elements: readonly BatchElement[]): Promise<SubmitOutcome>;

  /**
   * Clears away what jobs that were submitted together needed, once none of their attempts is under way.
   *
   * @param readActive - gives the attempts that are; asked when it is known what there is to clear
   */
  forgetArrays(readActive: () => Promise<readonly AttemptName[]>): Promise<void>;

  /**
   * The numbers of all jobs of each of these attempts, oldest first.
   *
   * @param sinceMs - a time before the first of them
   * @throws {AexpError} `slurm.failed`, `slurm.missing` when nobody knows
   */
  find(attempts: readonly AttemptName[], sinceMs: number): Promise<readonly (readonly string[])[]>;

  /** @throws {AexpError} `slurm.failed`, `slurm.missing`; then nothing is known about any of them */
  poll(jobs: readonly KnownJob[]): Promise<Poll>;

  /** Ends jobs; those that have ended already stay as they are. @throws {AexpError} `slurm.failed`, `slurm.missing` */
  cancel(schedulerJobIds: readonly string[]): Promise<void>;

  /** Why nothing can be submitted now; `undefined` when it can. */
  whyDown(): Promise<string | undefined>;

  traces(jobId: JobId, attempt: number): BatchTraces;

  /**
   * Makes sure that an attempt which has not begun never begins, whatever job may still come for it.
   *
   * @returns false when it has begun
   */
  giveUp(jobId: JobId, attempt: number): boolean;

  inspect(): Promise<SchedulerFacts>;

  /** Has a job look, from where jobs run, for a folder and at the clock. */
  probeNode(folder: string, compute: ComputeRequest, waitMs: number): Promise<NodeProbe>;
}
