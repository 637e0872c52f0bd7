import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join } from "node:path";

let emptied = 0;

/**
 * Leaves an empty folder. The old one is only moved aside, and deleted with everything else at the end: ext4 creates
 * files several times slower for a while after it has deleted many, and that is not what is measured.
 */
export function emptyFolder(path: string, place: string): void {
  if (existsSync(path)) renameSync(path, join(place, `emptied-${(emptied += 1)}`));
  mkdirSync(path, { recursive: true });
}
