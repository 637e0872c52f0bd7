/** The git repository around a run store. All paths that come back are relative to the root, with forward slashes. */
export interface Git {
  /** The version of the git program; `undefined` when there is none. */
  version(): Promise<string | undefined>;

  /** Whether the root lies in a git repository. @throws {AexpError} `git.unsafe_directory`, `environment.git_missing` */
  isRepository(): Promise<boolean>;

  /** The commit of HEAD, or `undefined` outside a repository or before the first commit. */
  headCommit(): Promise<string | undefined>;

  /**
   * What is the same in every clone and in no other repository: the commit with which the present branch began, along
   * first parents, and the path of this root in the repository. `undefined` before the first commit, and in a clone that
   * does not have it.
   */
  origin(): Promise<{ readonly firstCommit: string; readonly prefix: string } | undefined>;

  /** Tracked files under none of `excluding` (root-relative folders) that differ from HEAD. */
  changedTrackedFiles(excluding: readonly string[]): Promise<readonly string[]>;

  /** A binary-safe patch of {@link changedTrackedFiles} against HEAD. */
  patchOfChanges(excluding: readonly string[]): Promise<Uint8Array>;

  /** Files below `folders` that are not committed yet: untracked, or changed since HEAD. */
  uncommittedFiles(folders: readonly string[]): Promise<readonly string[]>;

  /** Commits on HEAD that its upstream lacks and that touch `folders`; `undefined` without an upstream. */
  unpushedCommitCount(folders: readonly string[]): Promise<number | undefined>;

  /**
   * Files that any commit ever put into a folder, on any branch, tag or fetched remote branch; empty outside a repository.
   */
  filesEverIn(folder: string): Promise<readonly string[]>;

  /** Whether git would ignore a file of this root-relative path if it were untracked. */
  isIgnored(path: string): Promise<boolean>;

  /** The value of a configuration key, wherever it is set. */
  configValue(key: string): Promise<string | undefined>;

  /** Sets a key in the configuration of this clone. */
  setConfigValue(key: string, value: string): Promise<void>;

  /** Where git looks for hooks: absolute, `core.hooksPath` and worktrees respected, and whether it is this clone's own. */
  hooksFolder(): Promise<{ readonly path: string; readonly isOwn: boolean }>;
}
