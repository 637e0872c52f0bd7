import { toInstant } from "../model/clock.ts";
import type { ResourceLock } from "./queue-store.ts";

/** Who holds a lock, of which kind, and since when: what follows after "is held by". */
export function describeHolder({ holderKind, note, acquiredAt }: ResourceLock): string {
  const since = `since ${toInstant(acquiredAt)}`;
  return holderKind === "run" ? `${note} ${since}` : `a command ${since}: ${note}`;
}
