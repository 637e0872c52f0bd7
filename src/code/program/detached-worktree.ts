import { AexpError, messageOf } from "../../model/errors.ts";
import { GitRunner } from "../../git/program/run-git.ts";
import { findWorktreeRecord } from "../../git/program/worktree-record.ts";
import { isObjectId } from "../code-identity.ts";
import { removeTree } from "../fs/read-only-tree.ts";
import type { RecordedCode } from "../reproduction-place.ts";
import { PLAIN_GIT } from "./git-settings.ts";
import { writeFilesOf } from "./write-files.ts";

/**
 * Checks code out into a new worktree without a branch, so that a program that asks git is told the commit of then.
 *
 * @returns the submodules that are not cloned here
 * @throws {AexpError} `code.unavailable`, `git.failed`
 */
export async function addWorktree(git: GitRunner, code: RecordedCode, path: string): Promise<readonly string[]> {
  const object = code.kind === "commit" ? code.commit : code.tree;
  const head = await commitFor(git, code);
  await git.run([...PLAIN_GIT, "worktree", "add", "--quiet", "--detach", "--no-checkout", path, head]);
  const missing = await writeFilesOf(git, { object, folder: path });
  const inside = new GitRunner(path);
  await inside.run([...PLAIN_GIT, "-c", "core.sparseCheckout=false", "read-tree", object]);
  await inside.run([...PLAIN_GIT, "update-index", "-q", "--refresh"], { answers: [0, 1] });
  return missing;
}

/**
 * Applies a patch that was made below a folder of the work tree.
 *
 * @param prefix the folder, with a slash at its end, or empty
 * @throws {AexpError} `reproduce.patch_failed`
 */
export async function applyPatch(worktree: string, prefix: string, file: string): Promise<void> {
  // From the top: in a folder below it, git 2.39 passes over every file of such a patch without a word.
  const where = prefix === "" ? [] : [`--directory=${prefix}`];
  try {
    await new GitRunner(worktree).run([...PLAIN_GIT, "apply", "--whitespace=nowarn", ...where, file]);
  } catch (error) {
    throw new AexpError(`the changes that were not committed then do not fit onto the commit: ${messageOf(error)}`, {
      code: "reproduce.patch_failed",
      hint: "Add --commit with the recorded commit to execute it without them.",
      cause: error,
    });
  }
}

/** Removes a worktree, and makes git forget it. Others, perhaps on a disk that is not there, are left alone. */
export async function removeWorktree(git: GitRunner, path: string): Promise<void> {
  const record = await findWorktreeRecord(git, path);
  removeTree(path);
  if (record !== undefined) removeTree(record);
}

/** What HEAD is to be: the recorded commit, and for a tree without one a commit of it alone. */
async function commitFor(git: GitRunner, code: RecordedCode): Promise<string> {
  if (code.commit !== undefined && isObjectId(code.commit)) {
    const { exitCode } = await git.run(["cat-file", "-e", `${code.commit}^{commit}`], { answers: [0, 1, 128] });
    if (exitCode === 0 || code.kind === "commit") return code.commit;
  }
  const tree = code.kind === "tree" ? code.tree : code.commit;
  return await git.text(["commit-tree", tree], { input: "", env: NOBODY });
}

const NOBODY = {
  GIT_AUTHOR_NAME: "aexp",
  GIT_AUTHOR_EMAIL: "aexp@localhost",
  GIT_AUTHOR_DATE: "1000000000 +0000",
  GIT_COMMITTER_NAME: "aexp",
  GIT_COMMITTER_EMAIL: "aexp@localhost",
  GIT_COMMITTER_DATE: "1000000000 +0000",
};
