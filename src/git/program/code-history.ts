import type { CodeHistory } from "../code-history.ts";
import { GitRunner } from "./run-git.ts";

/** A longer diff is nothing to read on a terminal; it is cut there. */
const MAX_DIFF_BYTES = 8 * 1024 * 1024;

/** Asks git itself; commits are checked to be hashes, so that none can be taken for an option. */
export class GitCodeHistory implements CodeHistory {
  readonly #git: GitRunner;

  constructor(root: string) {
    this.#git = new GitRunner(root);
  }

  async diff(from: string, to: string): Promise<string | undefined> {
    if (![from, to].every((commit) => /^[0-9a-f]{7,64}$/.test(commit))) return undefined;
    const options = ["--no-color", "--no-ext-diff", "--no-textconv", "--stat", "--patch"];
    try {
      const { stdout } = await this.#git.run(["diff", ...options, from, to, "--"]);
      return stdout.toString("utf8", 0, MAX_DIFF_BYTES);
    } catch {
      return undefined; // unknown commit (a shallow clone, another machine's unpushed work), no git, no repository
    }
  }
}
