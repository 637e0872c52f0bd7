import { ownFolders } from "../app/register-run.ts";
import type { Repo } from "../app/repo.ts";
import type { CodeStore } from "../code/code-store.ts";
import { GitCodeStore } from "../code/program/git-code-store.ts";

/** The code of a repository. Nothing is asked of git before it is needed. */
export function openCode(repo: Repo): CodeStore {
  return new GitCodeStore(repo.root, ownFolders(repo));
}
