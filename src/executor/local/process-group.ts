import { setTimeout as sleep } from "node:timers/promises";

import { signalGroup } from "./process-identity.ts";

/** How often a group that was told to end is looked at. */
const POLL_MS = 20;
/** A member that the kernel cannot kill yet, stuck in a device, is not waited for without end. */
const KILL_PATIENCE_MS = 5000;

/** TERM, then KILL when the group still has members after the grace; settles when it has none. */
export async function endGroup(pgid: number, graceMs: number, isAlive: () => boolean): Promise<void> {
  signalGroup(pgid, "SIGTERM");
  await waitWhile(isAlive, graceMs);
  if (!isAlive()) return;
  signalGroup(pgid, "SIGKILL");
  await waitWhile(isAlive, KILL_PATIENCE_MS);
}

async function waitWhile(isAlive: () => boolean, patienceMs: number): Promise<void> {
  const deadline = performance.now() + patienceMs;
  while (isAlive() && performance.now() < deadline) await sleep(POLL_MS);
}
