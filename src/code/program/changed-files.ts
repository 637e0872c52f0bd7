import type { GitRunner } from "../../git/program/run-git.ts";
import type { TreeId } from "../code-identity.ts";
import type { FileChange } from "../code-store.ts";

/** What `git diff-tree --name-status` calls them; any other letter is a file whose kind or bytes differ. */
const CHANGES: Readonly<Record<string, FileChange["change"]>> = { A: "added", D: "deleted" };

/** The files in which two trees differ, by path; `undefined` when git does not have both any more. */
export async function findChangedFiles(
  git: GitRunner,
  from: TreeId,
  to: TreeId,
): Promise<readonly FileChange[] | undefined> {
  const args = ["diff-tree", "-r", "--no-renames", "--name-status", "-z", from, to];
  const { exitCode, stdout } = await git.run(args, { answers: [0, 128] });
  if (exitCode !== 0) return undefined;
  const items = stdout.toString("utf8").split("\0");
  const changes: FileChange[] = [];
  for (let index = 0; index + 1 < items.length; index += 2) {
    changes.push({ change: CHANGES[items[index] ?? ""] ?? "edited", path: items[index + 1] ?? "" });
  }
  return changes;
}
