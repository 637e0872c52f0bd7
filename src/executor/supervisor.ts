import type { JsonValue } from "../model/json.ts";
import type { ProcessRecord } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import type { AttemptEnd, AttemptSpec } from "./executor.ts";

/** An attempt that a supervisor carries out, in a process that outlives this one. */
export interface SupervisedAttempt {
  /** The program, as it is recorded in the attempt's folder; `undefined` when it could not be started. */
  readonly process: ProcessRecord | undefined;

  /**
   * Settles once the program, and all that it left in its process group, is gone and the end is recorded. When the
   * supervisor dies the cause is `lost`, and the program has been ended. It never rejects.
   */
  readonly ended: Promise<AttemptEnd>;

  /** Whether `ended` has settled, or is about to. */
  hasEnded(): boolean;

  /**
   * Ends the whole process group: TERM and, after the grace, KILL; or KILL at once. Asked again gracefully it changes
   * nothing, nor does it after the program's end.
   */
  stop(mode: "graceful" | "kill"): void;

  /** The last line that the program wrote to its metrics file, for a look at its progress. */
  lastMetric(): Readonly<Record<string, JsonValue>> | undefined;
}

/**
 * Carries out the attempts of one worker in a process of its own. When the worker dies, that process takes no more
 * work, lets its programs run to their end, records everything and goes. When it dies itself, its programs are ended
 * and reported as lost, and the next start begins with a new one.
 */
export interface Supervisor extends AsyncDisposable {
  /**
   * Starts an attempt. Settles once its process is recorded in the attempt's folder, which happens before the command
   * begins; of a command that takes a moment only, together with its end. Or once it is known that it cannot start; then
   * `ended` says why.
   *
   * @param mayBegin - what is to be done before the command begins, and may go on while its process is made; with false,
   *   or when it fails, the command never begins, and nothing is recorded of the attempt
   */
  start(spec: AttemptSpec, mayBegin?: Promise<boolean>): Promise<SupervisedAttempt>;

  /**
   * The attempt of a worker that died: one that its supervisor still carries out, or that has ended meanwhile. With
   * `undefined` it will never start any more, and what may be left of it must be ended with `Executor.killGroup`. The
   * caller must hold the attempt's lease, so that two workers do not adopt it.
   */
  adopt(jobId: JobId, attempt: number): SupervisedAttempt | undefined;

  /** Whether an attempt of this number has begun before, or was given up. It can never be started again. */
  hasBegun(jobId: JobId, attempt: number): boolean;

  /** How many bytes this user may still write to the file system around a path; `undefined` when that is not known. */
  freeBytes(path: string): number | undefined;

  /** Lets the supervisor go as soon as its last program has ended; what still runs is not stopped. */
  [Symbol.asyncDispose](): Promise<void>;
}
