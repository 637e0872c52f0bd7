import { existsSync } from "node:fs";
import { join } from "node:path";

import { AexpError } from "../../model/errors.ts";
import { GitRunner } from "../../git/program/run-git.ts";
import { PLAIN_GIT } from "./git-settings.ts";
import { IndexFile } from "./index-file.ts";
import { type StagedFile, toStagedFile } from "./staged-file.ts";
import { findWorkPlace } from "./work-place.ts";

/** What is written where. */
export interface FilesRequest {
  /** A tree, or a commit for its tree. */
  readonly object: string;
  /** Where to; an empty folder. */
  readonly folder: string;
}

/**
 * Writes the files of a tree into a folder, as git checks them out: line ends, filters and large files included, by the
 * attributes that the tree itself has. The files of a submodule come from its clone in the work tree.
 *
 * @returns the submodules that are not cloned here; their folders stay empty
 * @throws {AexpError} `code.unavailable` when the repository, or a submodule that is here, lacks the object
 */
export async function writeFilesOf(git: GitRunner, { object, folder }: FilesRequest): Promise<readonly string[]> {
  const { top, gitDir } = await findWorkPlace(git);
  const tree = await git.maybe(["rev-parse", "--verify", "--quiet", "--end-of-options", `${object}^{tree}`]);
  if (tree === undefined) throw notHere(object, git.root);
  using index = new IndexFile(gitDir);
  const env = { ...index.env, GIT_DIR: gitDir, GIT_WORK_TREE: folder };
  const options = ["-c", "core.sparseCheckout=false", "-c", "core.bare=false"];
  const target = new GitRunner(folder);
  await target.run([...PLAIN_GIT, ...options, "read-tree", "--reset", "-u", "--no-sparse-checkout", tree], { env });
  const { stdout } = await target.run(["ls-files", "--stage", "-z"], { env });
  const missing: string[] = [];
  for (const { path, object: commit } of submodulesAmong(stdout)) {
    const clone = join(top, path);
    if (!existsSync(join(clone, ".git"))) missing.push(path);
    else {
      const inner = await writeFilesOf(new GitRunner(clone), { object: commit, folder: join(folder, path) });
      missing.push(...inner.map((name) => `${path}/${name}`));
    }
  }
  return missing;
}

function submodulesAmong(stdout: Buffer): readonly StagedFile[] {
  return stdout
    .toString("utf8")
    .split("\0")
    .flatMap((line) => (line.startsWith("160000 ") ? (toStagedFile(line) ?? []) : []));
}

/** That a commit or a tree is not among the objects of a repository. */
export function notHere(object: string, root: string): AexpError {
  return new AexpError(`${object.slice(0, 12)} is not in the repository ${JSON.stringify(root)}`, {
    code: "code.unavailable",
    hint: "Run `git fetch --all`; in a shallow clone `git fetch --unshallow`; in a submodule `git submodule update --init`.",
  });
}
