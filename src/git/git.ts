/** The git repository around a run store. All paths that come back are relative to the root, with forward slashes. */
export interface Git {
  /** The commit of HEAD, or `undefined` outside a repository or before the first commit. */
  headCommit(): Promise<string | undefined>;

  /** Tracked files under none of `excluding` (root-relative folders) that differ from HEAD. */
  changedTrackedFiles(excluding: readonly string[]): Promise<readonly string[]>;

  /** A binary-safe patch of {@link changedTrackedFiles} against HEAD. */
  patchOfChanges(excluding: readonly string[]): Promise<Uint8Array>;

  /** Files below `folders` that are not committed yet: untracked, or changed since HEAD. */
  uncommittedFiles(folders: readonly string[]): Promise<readonly string[]>;

  /** Commits on HEAD that its upstream lacks and that touch `folders`; `undefined` without an upstream. */
  unpushedCommitCount(folders: readonly string[]): Promise<number | undefined>;
}
