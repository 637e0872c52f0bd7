import { setTimeout as sleep } from "node:timers/promises";

import type { ProcessRecord } from "../../run/document.ts";
import { isGroupAlive, signalGroup } from "./process-identity.ts";

/** How often a group that was told to end is looked at. */
const POLL_MS = 20;
/** A member that the kernel cannot kill yet, stuck in a device, is not waited for without end. */
const KILL_PATIENCE_MS = 5000;

/** TERM, then KILL when the group still has members after the grace; settles when it has none. */
export async function endGroup(group: ProcessRecord, graceMs: number): Promise<void> {
  if (!signalSameGroup(group, "SIGTERM")) return;
  await waitWhile(() => isGroupAlive(group), graceMs);
  if (!signalSameGroup(group, "SIGKILL")) return;
  await waitWhile(() => isGroupAlive(group), KILL_PATIENCE_MS);
}

/**
 * Signals the group of a record, and no other that has its number by now.
 *
 * @returns false when the group is gone
 */
export function signalSameGroup(group: ProcessRecord, signal: NodeJS.Signals): boolean {
  return isGroupAlive(group) && signalGroup(group.pgid, signal);
}

async function waitWhile(isAlive: () => boolean, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (isAlive() && performance.now() < deadline) await sleep(POLL_MS);
}
