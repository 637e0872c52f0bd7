import { setTimeout as sleep } from "node:timers/promises";

/** Waits so long; the signal ends the wait early. */
export async function pause(durationMs: number, signal: AbortSignal): Promise<void> {
  await sleep(durationMs, undefined, { signal }).catch(() => undefined); // only the signal makes it fail
}
