import { copyFileSync, statSync, utimesSync } from "node:fs";
import { join } from "node:path";

import { systemErrorCode } from "../../model/errors.ts";
import { removeLeftovers, temporaryName } from "../fs/leftovers.ts";
import { removeTree } from "../fs/read-only-tree.ts";

const PREFIX = "aexp-index-";

/** A place for an index of our own, beside the user's; what a killed process left there goes first. */
export class IndexFile implements Disposable {
  readonly path: string;

  constructor(gitDir: string) {
    removeLeftovers(gitDir, PREFIX);
    this.path = join(gitDir, temporaryName(PREFIX));
  }

  /** What makes git use it. */
  get env(): Readonly<Record<string, string>> {
    return { GIT_INDEX_FILE: this.path };
  }

  /**
   * Begins with the content of another index, which tells git which files it need not read. Git tells a file that was
   * written just after it was staged by the time of the index, so the copy must never look younger.
   */
  copyFrom(index: string): void {
    try {
      const { mtimeMs } = statSync(index);
      copyFileSync(index, this.path);
      utimesSync(this.path, new Date(), new Date(Math.floor(mtimeMs)));
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error; // nothing was ever staged
    }
  }

  /** Removes it, and the lock that a git which was killed has left on it. */
  [Symbol.dispose](): void {
    for (const path of [this.path, `${this.path}.lock`]) removeTree(path);
  }
}
