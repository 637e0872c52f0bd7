import type { ProcessRecord } from "./document.ts";

/** What the machine knows of running processes. */
export interface LiveProcesses {
  /** Whether the very process of a record runs, and not a later one with its number; `undefined` on another machine. */
  isRunning(record: ProcessRecord): boolean | undefined;

  /** Sends a signal to the very process of a record, and to no later one with its number; whether there was one. */
  signal(record: ProcessRecord, signal: "SIGINT" | "SIGTERM"): boolean;
}
