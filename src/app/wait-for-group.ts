import type { Group, QueueStore } from "../queue/queue-store.ts";

/**
 * Waits until nothing of a group is left to do.
 *
 * @param options `pollMs`: it is looked at so often, and whenever the store tells of a change
 * @returns how it ended; `undefined` when the signal came first
 */
export async function waitForGroup(
  store: Pick<QueueStore, "group" | "waitForChange">,
  id: string,
  { pollMs, signal }: { readonly pollMs: number; readonly signal: AbortSignal },
): Promise<Exclude<Group["state"], "active"> | undefined> {
  while (!signal.aborted) {
    const state = (await store.group(id))?.state;
    if (state === undefined) throw new Error(`there is no group ${id}`);
    if (state !== "active") return state;
    await store.waitForChange(pollMs, signal);
  }
  return undefined;
}
