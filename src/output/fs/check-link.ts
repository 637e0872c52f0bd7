import { realpathSync } from "node:fs";
import { posix } from "node:path";

import { AexpError } from "../../model/errors.ts";
import { type BytePath, joinBytes, quotePath, toBytes } from "../../model/byte-path.ts";
import { isGone, unreadable } from "./tree-failure.ts";

/**
 * Refuses a link that leads out of its tree: what it stands for would be no part of the digest. A link to nothing is
 * judged by its text.
 *
 * @param root without links in it
 * @throws {AexpError} `output.link_outside`, `output.unreadable`
 */
export function checkLink(root: BytePath, path: BytePath, target: BytePath): void {
  const place = joinBytes(root, path);
  // The text may stay inside while the system leaves, by way of another link; and the other way round.
  if (isInside(root, posix.resolve(posix.dirname(place), target)) && isInside(root, follow(place) ?? root)) return;
  throw new AexpError(`${quotePath(place)} is a link to ${quotePath(target)}, which is outside of ${quotePath(root)}`, {
    code: "output.link_outside",
    hint: "Put a copy of it in place of the link.",
  });
}

function isInside(root: BytePath, path: BytePath): boolean {
  return path === root || path.startsWith(root === "/" ? root : `${root}/`);
}

/** @returns `undefined` when it leads to nothing */
function follow(place: BytePath): BytePath | undefined {
  try {
    return realpathSync.native(toBytes(place), { encoding: "latin1" });
  } catch (error) {
    if (isGone(error)) return undefined;
    throw unreadable(place, error instanceof Error ? error.message : String(error), error);
  }
}
