import type { Branch } from "../git/branch.ts";
import { GitBranch } from "../git/program/git-branch.ts";

/** The branch that is checked out in the repository at `root`. */
export function openBranch(root: string): Branch {
  return new GitBranch(root);
}
