import { resolve } from "node:path";

import { AexpError } from "../../model/errors.ts";
import type { GitRunner } from "../../git/program/run-git.ts";

/** Where a repository's root lies among git's folders. */
export interface WorkPlace {
  /** The top of the work tree: the root, or a folder above it. */
  readonly top: string;
  /** Where the root lies below the top, with a slash at its end; mostly empty. */
  readonly prefix: string;
  readonly gitDir: string;
  readonly index: string;
}

/** @throws {AexpError} `git.failed` outside a work tree, and what git's own failures give */
export async function findWorkPlace(git: GitRunner): Promise<WorkPlace> {
  const question = ["--is-inside-work-tree", "--absolute-git-dir", "--git-path", "index", "--show-prefix"];
  const text = await git.text(["rev-parse", ...question], {});
  const [isInside, gitDir, index, prefix, ...rest] = text.split("\n");
  if (isInside !== "true" || gitDir === undefined || index === undefined || prefix === undefined || rest.length > 0) {
    // A line break in the path of the repository gives more lines than there are answers.
    throw new AexpError(`${JSON.stringify(git.root)} is in no work tree that git can name`, {
      code: "git.failed",
      hint: "Use a work tree of git whose path has no line break.",
    });
  }
  const top = resolve(git.root, "../".repeat(prefix.split("/").length - 1));
  return { top, prefix, gitDir, index: resolve(git.root, index) };
}
