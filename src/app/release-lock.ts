import { AexpError } from "../model/errors.ts";
import { describeHolder } from "../queue/describe-lock.ts";
import type { QueueStore, ResourceLock } from "../queue/queue-store.ts";

/** What became of a lock: given back by its holder, taken away from one, or nobody had it. */
export type ReleaseOutcome =
  | { readonly kind: "released" }
  | { readonly kind: "broken"; readonly from: ResourceLock }
  | { readonly kind: "free" };

/**
 * Gives a lock back in the name of its holder, or takes it away from whoever has it.
 *
 * @throws {AexpError} `lock.busy` when somebody else holds it
 */
export async function releaseLock(
  store: Pick<QueueStore, "locks" | "releaseLock" | "breakLock">,
  key: string,
  options: { readonly holder: string | undefined; readonly isForced: boolean },
): Promise<ReleaseOutcome> {
  if (options.isForced) {
    const from = await store.breakLock(key);
    return from === undefined ? { kind: "free" } : { kind: "broken", from };
  }
  if (options.holder !== undefined && (await store.releaseLock(key, options.holder))) return { kind: "released" };
  const lock = (await store.locks()).find((held) => held.key === key);
  if (lock === undefined) return { kind: "free" };
  throw new AexpError(`${JSON.stringify(key)} is held by ${describeHolder(lock)}. Nothing was changed`, {
    code: "lock.busy",
    hint: "Take it away with --force; what works under it is ended when its holder notices.",
  });
}
