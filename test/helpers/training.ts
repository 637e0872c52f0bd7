import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

import type { Repo } from "../../src/app/repo.ts";
import { type JobId, parseJobId } from "../../src/run/job-id.ts";
import { runCli } from "./cli.ts";
import { writeFile } from "./clones.ts";
import { git } from "./git-repo.ts";
import { makeProject } from "./project.ts";

/** A program that tells how it was called, and measures what its parameter says. */
export const TRAIN = `echo "training with $1"\necho "{\\"step\\": 1, \\"loss\\": $1}" >> "$AEXP_METRICS_FILE"\n`;

/** A project with a committed program that git knows. */
export async function makeTraining(script = TRAIN): Promise<{ root: string; repo: Repo }> {
  const { root, repo } = await makeProject();
  writeFile(root, ".gitignore", ".aexp/*\n!.aexp/ledger/\n/.runs/\ndata/\n");
  writeFile(root, "train.sh", script);
  commitAll(root);
  return { root, repo };
}

export function commitAll(root: string): void {
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "Work");
}

/** Executes a run and gives its id. */
export async function execute(root: string, argv: readonly string[], ...flags: readonly string[]): Promise<JobId> {
  const own = ["run", "--experiment", "E001", ...flags, "--json"];
  const { stdout } = await runCli(root, [...own, "--", ...argv]);
  const done: { job_id?: string } = JSON.parse(stdout);
  return parseJobId(done.job_id ?? "");
}

/** All that a repository holds of a run, by path. */
export function recordsOf(root: string): Readonly<Record<string, string>> {
  return Object.fromEntries(
    [".runs", ".aexp/ledger"].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name))
        .map((path) => [path.slice(root.length), readFileSync(path, "latin1")]),
    ),
  );
}

export function placesOf(root: string): readonly string[] {
  const folder = join(root, ".aexp", "reproductions");
  return existsSync(folder) ? readdirSync(folder) : [];
}
