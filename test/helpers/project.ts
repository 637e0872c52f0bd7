import { join } from "node:path";

import { openRepo } from "../../src/wiring/open-repo.ts";
import type { Repo } from "../../src/app/repo.ts";
import { git, initRepo } from "./git-repo.ts";
import { tempDir } from "./temp-dir.ts";

/** A git repository with one commit and an empty run store, opened; warnings are gathered. */
export async function makeProject(name = "project"): Promise<{ root: string; repo: Repo; warnings: string[] }> {
  const root = initRepo(join(tempDir(), name));
  git(root, "commit", "--quiet", "--allow-empty", "--message", `Start in ${root}`);
  const warnings: string[] = [];
  const repo = openRepo({ folder: root, cwd: root, env: process.env, warn: (message) => warnings.push(message) });
  await repo.runs.initialize();
  return { root, repo, warnings };
}
