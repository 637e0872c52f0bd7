import { join } from "node:path";

import type { Repo } from "../app/repo.ts";
import type { WorkTrees } from "../git/work-trees.ts";
import { GitWorkTrees } from "../git/program/git-work-trees.ts";

/** The work trees of single commits in which a worker of this machine executes runs. */
export function openWorkTrees({ root }: Pick<Repo, "root">): WorkTrees {
  return new GitWorkTrees(root, join(root, ".aexp", "checkouts"));
}
