import { hostname } from "node:os";

import { isSameProcessAlive } from "./process-identity.ts";
import type { ProcessRecord } from "../../run/document.ts";
import type { LiveProcesses } from "../../run/live-processes.ts";

/** The processes of this machine. */
export const localProcesses: LiveProcesses = {
  isRunning(record: ProcessRecord): boolean | undefined {
    return record.host === hostname() ? isSameProcessAlive(record) : undefined;
  },
};
