import { lstatSync, readdirSync, readlinkSync } from "node:fs";

import { type BytePath, joinBytes, toBytes } from "../../model/byte-path.ts";
import { toTreeError, TreeChangedError } from "./tree-failure.ts";

/** What is found in a tree. Paths are relative to its root, the empty one is the root itself. */
export type TreeEntry =
  | {
      readonly type: "file";
      readonly path: BytePath;
      readonly size: number;
      readonly mtimeNs: bigint;
      readonly isExecutable: boolean;
    }
  | { readonly type: "link"; readonly path: BytePath; readonly target: BytePath }
  /** An empty one; its path ends with a slash, unless it is the root. */
  | { readonly type: "folder"; readonly path: BytePath }
  | { readonly type: "special"; readonly path: BytePath; readonly what: string };

const OWNER_MAY_EXECUTE = 0o100n;

/**
 * Everything in a tree, in the order of the bytes of the paths. Links are not followed. Of all names, only those of one
 * folder per level are in memory.
 *
 * @throws {TreeChangedError} when something goes while it is looked at
 * @throws {AexpError} `output.unreadable`
 */
export function* walkTree(root: BytePath): Generator<TreeEntry> {
  const top = lookAt(root, "");
  if (top !== undefined) {
    yield top;
    return;
  }
  const first = listFolder(root, "");
  if (first.length === 0) yield { type: "folder", path: "" };
  // Names that are still to be looked at, the next one last.
  const levels = [{ prefix: "", names: first }];
  for (let level = levels.at(-1); level !== undefined; level = levels.at(-1)) {
    const name = level.names.pop();
    if (name === undefined) {
      levels.pop();
      continue;
    }
    const path = level.prefix + name;
    if (name.endsWith("/")) {
      const names = listFolder(root, path);
      if (names.length > 0) levels.push({ prefix: path, names });
      else yield { type: "folder", path };
      continue;
    }
    const entry = lookAt(root, path);
    if (entry === undefined) insertFolder(level.names, `${name}/`);
    else yield entry;
  }
}

/** Puts a folder where its content belongs: after `a-b`, if it is `a/`. */
function insertFolder(names: BytePath[], folder: BytePath): void {
  let place = names.length;
  while (place > 0 && (names[place - 1] ?? "") < folder) place -= 1;
  names.splice(place, 0, folder);
}

/** The names in a folder, the last one first. */
function listFolder(root: BytePath, path: BytePath): BytePath[] {
  // With its slash, a link would be followed.
  const place = joinBytes(root, path.slice(0, -1));
  try {
    const bytes = toBytes(place);
    if (!lstatSync(bytes).isDirectory()) throw new TreeChangedError("something has taken the place of a folder");
    // Without types: those need three times the memory, and every name is looked at anyway.
    return readdirSync(bytes, "latin1").toSorted().toReversed();
  } catch (error) {
    throw error instanceof TreeChangedError ? error : toTreeError(error, place);
  }
}

/** @returns `undefined` for a folder */
function lookAt(root: BytePath, path: BytePath): TreeEntry | undefined {
  const place = joinBytes(root, path);
  try {
    const bytes = toBytes(place);
    const found = lstatSync(bytes, { bigint: true });
    if (found.isFile()) {
      const { size, mtimeNs, mode } = found;
      return { type: "file", path, size: Number(size), mtimeNs, isExecutable: (mode & OWNER_MAY_EXECUTE) !== 0n };
    }
    if (found.isDirectory()) return undefined;
    if (found.isSymbolicLink()) return { type: "link", path, target: readlinkSync(bytes, { encoding: "latin1" }) };
    const what = found.isSocket() ? "a socket" : found.isFIFO() ? "a pipe" : "a device";
    return { type: "special", path, what };
  } catch (error) {
    throw toTreeError(error, place);
  }
}
