import { statSync } from "node:fs";

import type { AttemptEnd } from "../../executor.ts";
import type { AttemptFolder } from "../attempt-folder.ts";
import { endGroup } from "../process-group.ts";

/**
 * Settles an attempt whose supervisor is gone: with the end that it recorded, if it did; else whatever is left of the
 * program is ended, and the attempt is lost.
 */
export async function settleLost(folder: AttemptFolder, graceMs: number, problem: string): Promise<AttemptEnd> {
  const recorded = folder.readEnd();
  if (recorded !== undefined) return recorded;
  const program = folder.readProcess();
  if (program !== undefined) await endGroup(program, graceMs);
  const endedAtMs = Date.now();
  return {
    cause: { kind: "lost", problem },
    exitCode: null,
    signal: null,
    endedAtMs,
    wallclockS: Math.max(0, Math.round(endedAtMs - startOf(folder, endedAtMs))) / 1000,
    stderrTail: "",
  };
}

/** When the attempt began: its command was written then. */
function startOf(folder: AttemptFolder, otherwise: number): number {
  return statSync(folder.file("command.json"), { throwIfNoEntry: false })?.mtimeMs ?? otherwise;
}
