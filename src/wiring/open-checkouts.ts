import { join } from "node:path";

import type { Repo } from "../app/repo.ts";
import type { Checkouts } from "../git/checkouts.ts";
import { GitCheckouts } from "../git/program/git-checkouts.ts";

/** The work trees of single commits in which a worker of this machine executes runs. */
export function openCheckouts({ root }: Pick<Repo, "root">): Checkouts {
  return new GitCheckouts(root, join(root, ".aexp", "checkouts"));
}
