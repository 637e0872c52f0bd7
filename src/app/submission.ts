import type { ComputeRequest } from "../queue/compute-request.ts";
import type { ExactObject } from "../model/exact-json.ts";
import type { CommandTemplate } from "../queue/command-template.ts";
import type { NeedText } from "../queue/needs.ts";
import type { NewGroup, NewTask, QueueStore } from "../queue/queue-store.ts";
import type { SweepAxis } from "../queue/sweep.ts";
import type { ExecutorKind } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import type { RunStatus } from "../run/run-status.ts";
import type { PlannedRun, RunRequest } from "./register-run.ts";

/** One entry of a submission: a run, or all runs of a sweep. */
export interface SubmissionEntry {
  /** Where it was written, for messages: `plan.yaml:7`. */
  readonly place: string | undefined;
  /** What other entries call it. */
  readonly name: string | undefined;
  /** What its runs have in common. */
  readonly run: RunRequest & { readonly experimentId: string };
  readonly sweep: readonly SweepAxis[];
  /** The experiment's own command, when absent. */
  readonly command: CommandTemplate | undefined;
  readonly needs: readonly NeedText[];
  readonly lane: string;
  readonly priority: number;
  readonly kind: string;
  /** Canonical keys. */
  readonly resources: readonly string[];
  readonly retries: number;
  readonly timeoutMs: number | undefined;
  readonly tag: string | undefined;
  /** What a scheduler is to reserve, beyond what experiment and project say. */
  readonly compute?: ComputeRequest | undefined;
}

/** Runs that are to be queued together. */
export interface SubmissionRequest {
  readonly entries: readonly SubmissionEntry[];
  readonly group: NewGroup;
  /** The operating system's user that may execute them. */
  readonly owner: string;
  /** The only machine that may. */
  readonly target: string | undefined;
  /** Whether other machines see this queue. */
  readonly isShared?: boolean;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  /** Queues runs again that are complete. */
  readonly isForced: boolean;
  /** Queues a run although a pending one differs from it only in the commit. */
  readonly isTwinAllowed: boolean;
  /** What executes them, whatever their lane says. */
  readonly executor?: ExecutorKind | undefined;
}

/** What planning asks of the queue; a repository that never queued anything has an empty one. */
export type QueueView = Pick<QueueStore, "tasks" | "lanes">;

/** What is to become of a run of a submission. */
export type Verdict =
  /** It is queued; `before` is its status so far, absent when it is new. */
  | { readonly kind: "queue"; readonly before: RunStatus | undefined; readonly lastAttempt: number }
  /** It succeeded already, perhaps on another machine. */
  | { readonly kind: "complete"; readonly machine: string | undefined }
  /** It is in the queue already, or runs without it. */
  | { readonly kind: "pending"; readonly status: RunStatus; readonly isInQueue: boolean }
  /** A pending run differs from it at most in the commit. */
  | { readonly kind: "twin"; readonly of: JobId };

/** A run of a submission, before its command is known. */
export interface SubmissionRun {
  readonly entry: SubmissionEntry;
  readonly run: PlannedRun;
  /** The values of the sweep. */
  readonly point: ExactObject;
}

/** A run of a submission and what is to become of it. */
export type PlannedSubmission = SubmissionRun &
  (
    | { readonly verdict: Extract<Verdict, { kind: "queue" }>; readonly task: NewTask }
    | { readonly verdict: Exclude<Verdict, { kind: "queue" }>; readonly task: undefined }
  );

/** A submission that was checked: nothing in it can be refused any more but by another process. */
export interface Submission {
  readonly group: NewGroup;
  readonly runs: readonly PlannedSubmission[];
}
