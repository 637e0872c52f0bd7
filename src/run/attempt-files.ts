import type { Instant } from "../model/clock.ts";
import type { ProcessRecord } from "./document.ts";
import type { JobId } from "./job-id.ts";

/** The sign of life of a running attempt. */
export interface Heartbeat {
  readonly at: Instant;
  readonly pid: number;
}

/** What the record of an attempt's end says beside how it ended. */
export interface EndRecord {
  readonly endedAtMs: number;
  readonly wallclockS: number;
  /** The end of what the program wrote to stderr. */
  readonly stderrTail: string;
}

/** What runs leave in their folders beside signac's two files. Nothing here is needed to list a run. */
export interface AttemptFiles {
  /** `undefined` when there is none, or none that can be read. */
  heartbeat(jobId: JobId, attempt: number): Heartbeat | undefined;

  /** The host on which a scheduler's job began to carry the attempt out; `undefined` when none did. */
  jobHost(jobId: JobId, attempt: number): string | undefined;

  /** The process that keeps the attempt's logs and waits for its end, also without its worker; `undefined` when none does. */
  supervisor(jobId: JobId, attempt: number): ProcessRecord | undefined;

  /** The attempt's program, which may be gone; `undefined` when none was recorded. */
  program(jobId: JobId, attempt: number): ProcessRecord | undefined;

  /** `undefined` when the end of the attempt was not recorded. */
  end(jobId: JobId, attempt: number): EndRecord | undefined;

  /** The lines of `.aexp/metrics.jsonl`, one at a time; none when the program wrote none. */
  metricLines(jobId: JobId): Iterable<string>;

  /** The last `maxBytes` of what an attempt printed, beginning with a whole line; `undefined` when it kept no log. */
  logTail(jobId: JobId, attempt: number, stream: "stdout" | "stderr", maxBytes: number): string | undefined;

  /** Opens a log for reading from its start; `undefined` when the attempt kept none. */
  openLog(jobId: JobId, attempt: number, stream: "stdout" | "stderr"): LogReader | undefined;

  /** The changes that were not committed when the attempt began, as a patch. */
  codePatch(jobId: JobId, attempt: number): string | undefined;

  /** Absolute path of a file in an attempt's folder, whether it is there or not. */
  pathOf(jobId: JobId, attempt: number, name: string): string;

  /** The JSON that an attempt's file of this name holds; `undefined` when it is missing or no JSON. */
  record(jobId: JobId, attempt: number, name: "command.json" | "env.json"): unknown;

  /**
   * Deletes what all attempts of a run printed; their other records stay.
   *
   * @param options - `dryRun` deletes nothing
   * @returns how many bytes that frees
   */
  removeLogs(jobId: JobId, options: { readonly dryRun: boolean }): number;
}

/** A log that may still grow. */
export interface LogReader extends Disposable {
  /** The next bytes; `undefined` at the present end. */
  next(): Uint8Array | undefined;
}
