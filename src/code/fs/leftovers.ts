import { hash, randomUUID } from "node:crypto";
import { readdirSync, statSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";

import { systemErrorCode } from "../../model/errors.ts";
import { removeTree } from "./read-only-tree.ts";

/** What a process of another machine has not touched for so long is nobody's any more. */
const FOREIGN_AGE_MS = 24 * 3_600_000;

/** A name for something that this process removes before it ends; {@link removeLeftovers} knows when it could not. */
export function temporaryName(prefix: string): string {
  return prefix + processTag();
}

/** A text that names this process, and is never made twice. */
export function processTag(): string {
  return `${hostTag()}-${process.pid}-${randomUUID().slice(0, 8)}`;
}

/** Removes what processes that were killed have left in a folder under names with this prefix. */
export function removeLeftovers(folder: string, prefix: string): void {
  for (const name of listNames(folder)) {
    if (!name.startsWith(prefix)) continue;
    const path = join(folder, name);
    const changedMs = statSync(path, { throwIfNoEntry: false })?.mtimeMs;
    if (changedMs === undefined || !isAbandonedTag(name.slice(prefix.length), changedMs)) continue;
    try {
      removeTree(path);
    } catch {
      // Somebody else's, or in use: it is in nobody's way, and the next call tries again.
    }
  }
}

/**
 * Whether the process that a tag names is dead.
 *
 * @param changedMs when it last changed what it tagged; of another machine's process that is all there is to see
 */
export function isAbandonedTag(tag: string, changedMs: number): boolean {
  const [, host, pid] = /^([0-9a-f]{8})-(\d+)-/.exec(tag) ?? [];
  if (host === undefined) return false; // we did not make it
  // A process that got the number of a dead one only delays the removal until it ends, too.
  return host === hostTag() ? !isAlive(Number(pid)) : changedMs < Date.now() - FOREIGN_AGE_MS;
}

/** The names in a folder; none when it is missing. */
export function listNames(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "ENOENT" || code === "ENOTDIR") return [];
    throw error;
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return systemErrorCode(error) !== "ESRCH";
  }
}

function hostTag(): string {
  return hash("sha256", hostname(), "hex").slice(0, 8);
}
