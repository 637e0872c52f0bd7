/** What the machine knows of running processes. */
export interface LiveProcesses {
  /** Whether a process with this id runs on this machine. */
  isAlive(pid: number): boolean;

  /** The name of this machine as it stands in process records. */
  readonly host: string;
}
