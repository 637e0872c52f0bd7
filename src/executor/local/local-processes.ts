import { hostname } from "node:os";

import { isSameProcessAlive, signalProcess } from "./process-identity.ts";
import type { ProcessRecord } from "../../run/document.ts";
import type { LiveProcesses } from "../../run/live-processes.ts";

/** The processes of this machine. */
export const localProcesses: LiveProcesses = {
  isRunning(record: ProcessRecord): boolean | undefined {
    return record.host === hostname() ? isSameProcessAlive(record) : undefined;
  },
  signal(record: ProcessRecord, signal: "SIGINT" | "SIGTERM"): boolean {
    return isSameProcessAlive(record) && signalProcess(record.pid, signal);
  },
};
