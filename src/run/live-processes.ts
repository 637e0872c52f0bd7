import type { ProcessRecord } from "./document.ts";

/** What the machine knows of running processes. */
export interface LiveProcesses {
  /** Whether a process with this id runs on this machine. */
  isAlive(pid: number): boolean;

  /** Whether the very process of a record runs, and not a later one with its number; `undefined` on another machine. */
  isRunning(record: ProcessRecord): boolean | undefined;

  /** The name of this machine as it stands in process records. */
  readonly host: string;
}
