import type { JsonValue } from "../model/json.ts";
import type { JobId } from "../run/job-id.ts";
import type { Task, TaskReason, TaskState } from "../queue/task.ts";

/** An attempt that a worker carries out. */
export interface WorkingAttempt {
  readonly task: Task;
  /** By the clock of this machine. */
  readonly startedAtMs: number;
  /** Another worker began it and died; it was not started again. */
  readonly isAdopted: boolean;
  /** The last line of metrics that the program wrote, for a look at its progress. */
  lastMetric(): Readonly<Record<string, JsonValue>> | undefined;
}

/** What a worker tells while it works. */
export type WorkEvent =
  | { readonly kind: "started"; readonly attempt: WorkingAttempt }
  | {
      readonly kind: "ended";
      readonly attempt: WorkingAttempt;
      /** Where the run stands now: `queued` when the attempt is repeated, or was given back unfinished. */
      readonly state: TaskState;
      readonly reason: TaskReason | undefined;
      readonly isReleased: boolean;
      readonly wallclockS: number;
      /** What a shell would report: the program's exit code, or 128 + N for signal N. */
      readonly exitCode: number;
    }
  /** The lease went to somebody else: the program was killed and its result thrown away. */
  | { readonly kind: "lease_lost"; readonly attempt: WorkingAttempt }
  /** Nothing is claimed for a while. */
  | { readonly kind: "held_back"; readonly reason: "disk_full"; readonly message: string }
  /** No more is claimed; `running` attempts are waited for. */
  | { readonly kind: "draining"; readonly running: number; readonly byMs: number | undefined }
  /** Attempts of dead workers were settled or taken over. */
  | { readonly kind: "recovered"; readonly jobId: JobId; readonly outcome: RecoveryOutcome }
  /** Something went wrong that stops nothing. */
  | { readonly kind: "problem"; readonly message: string };

/**
 * What became of an attempt whose worker died: another worker carries it on; it had ended, and its end was recorded; it
 * was lost, and is queued again or failed; its program still runs, and the next worker will carry it on; it belongs to
 * another machine, and was left alone.
 */
export type RecoveryOutcome = "adopted" | "finished" | "requeued" | "lost" | "runs_on" | "foreign";

/** What a worker has done so far, in attempts. */
export interface WorkCounts {
  readonly complete: number;
  readonly failed: number;
  readonly stopped: number;
  /** Attempts that are to be repeated. */
  readonly retried: number;
  /** Attempts given back unfinished. */
  readonly released: number;
  readonly leasesLost: number;
}

/** A worker's day. */
export interface WorkSummary extends WorkCounts {
  readonly wallclockS: number;
  /** Runs that this worker would have executed, and that wait for something that nobody does. */
  readonly waiting: number;
  /** Why it ended: nothing was left to do, a run failed, or it was told to. */
  readonly ended: "empty" | "failure" | "drained";
}

/** How a worker is told to end. */
export interface WorkControl {
  /** Claims nothing more, waits for what runs as long as the worker was told to, then gives it back. */
  drain(): void;
  /** Gives back at once what runs. */
  stopNow(): void;
}

/** What a screen may ask of a worker at any time. */
export interface WorkView {
  readonly running: () => readonly WorkingAttempt[];
  readonly counts: () => WorkCounts;
}
