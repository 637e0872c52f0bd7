import type { LogReader } from "../run/attempt-files.ts";

/** What workers in the background have printed. */
export interface WorkerLogs {
  /** The workers that have a log, the newest first. */
  list(): readonly string[];
  /** Where the log of a worker is, or will be. */
  pathOf(workerId: string): string;
  /** A log that may still grow; `undefined` when the worker has none. */
  open(workerId: string): LogReader | undefined;
  /** The last bytes of a log as text, from the beginning of a line. */
  tail(workerId: string, maxBytes: number): string;
  /** Makes an empty log, and removes old ones: all but the newest, apart from those of the workers named. */
  create(workerId: string, keep: { readonly newest: number; readonly workerIds: readonly string[] }): void;
}
