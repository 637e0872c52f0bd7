import { hostname } from "node:os";

import { systemErrorCode } from "../../model/errors.ts";
import { isSameProcessAlive } from "../../executor/local/process-identity.ts";
import type { ProcessRecord } from "../document.ts";
import type { LiveProcesses } from "../live-processes.ts";

/** The processes of this machine. */
export const localProcesses: LiveProcesses = {
  get host() {
    return hostname();
  },

  isRunning(record: ProcessRecord): boolean | undefined {
    return record.host === hostname() ? isSameProcessAlive(record) : undefined;
  },

  isAlive(pid: number): boolean {
    if (!Number.isSafeInteger(pid) || pid <= 0) return false;
    try {
      return process.kill(pid, 0);
    } catch (error) {
      // It is there, and belongs to somebody else.
      return systemErrorCode(error) === "EPERM";
    }
  },
};
