import { execFile } from "node:child_process";
import { promisify } from "node:util";

import type { CodeHistory } from "../code-history.ts";

/** A longer diff is nothing to read on a terminal; git is stopped there. */
const MAX_DIFF_BYTES = 8 * 1024 * 1024;

/** Asks git itself; commits are checked to be hashes, so that none can be taken for an option. */
export class GitCodeHistory implements CodeHistory {
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
  }

  async diff(from: string, to: string): Promise<string | undefined> {
    if (![from, to].every((commit) => /^[0-9a-f]{7,64}$/.test(commit))) return undefined;
    const options = ["--no-color", "--no-ext-diff", "--no-textconv", "--stat", "--patch"];
    try {
      const { stdout } = await promisify(execFile)("git", ["-C", this.#root, "diff", ...options, from, to, "--"], {
        env: { ...process.env, LC_ALL: "C", GIT_OPTIONAL_LOCKS: "0" },
        maxBuffer: MAX_DIFF_BYTES,
      });
      return stdout;
    } catch {
      return undefined; // unknown commit (a shallow clone, another machine's unpushed work), no git, no repository
    }
  }
}
