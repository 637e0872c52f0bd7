import { readFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import type { GitRunner } from "./run-git.ts";

/**
 * The folder in which git keeps what it knows of a worktree. Who removes a worktree removes that as well, and leaves those
 * of others alone, whose folders may be on a disk that is not there: `git worktree prune` would forget them.
 *
 * @returns `undefined` when the folder is no worktree of this repository
 */
export async function findWorktreeRecord(git: GitRunner, path: string): Promise<string | undefined> {
  const common = await git.maybe(["rev-parse", "--path-format=absolute", "--git-common-dir"]);
  const record = readPointer(join(path, ".git"));
  return common !== undefined && record !== undefined && dirname(record) === join(common, "worktrees")
    ? record
    : undefined;
}

/** What a worktree's file `.git` points at. */
function readPointer(path: string): string | undefined {
  try {
    const [, target] = /^gitdir: (.+)$/m.exec(readFileSync(path, "utf8")) ?? [];
    return target === undefined ? undefined : resolve(dirname(path), target);
  } catch {
    return undefined; // there is none, or it is a folder
  }
}
