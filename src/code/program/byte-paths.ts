import { posix } from "node:path";

import { type BytePath, fromText, toBytes } from "../../model/byte-path.ts";

/** As people read it, and as programs take it, unless it is no UTF-8. */
export function toPathText(path: BytePath): string {
  return toBytes(path).toString("utf8");
}

/** Whether a file is one of some files, or lies in one of some folders; `.` holds all. */
export function isWithin(path: BytePath, places: readonly BytePath[]): boolean {
  return places.some((place) => place === "." || path === place || path.startsWith(`${place}/`));
}

/**
 * Paths of a user, relative to the folder `prefix` below the top, as paths below the top: sorted, each once.
 *
 * @returns the first that leads out of the top, when there is one
 */
export function resolvePaths(
  paths: readonly string[],
  prefix: string,
): { readonly inside: readonly BytePath[] } | { readonly outside: string } {
  const inside = new Set<BytePath>();
  for (const path of paths) {
    const full = posix.normalize(posix.join(prefix, path)).replace(/\/$/, "");
    if (path === "" || posix.isAbsolute(path) || full === ".." || full.startsWith("../")) return { outside: path };
    inside.add(fromText(full));
  }
  return { inside: [...inside].toSorted() };
}
