/** Work trees of single commits, kept on this machine. */
export interface WorkTrees {
  /**
   * Makes sure that a commit is here; it is fetched when it is missing. A work tree is not made yet.
   *
   * @param commit - its whole id
   * @throws {AexpError} `git.commit_missing`
   */
  obtain(commit: string): Promise<void>;

  /**
   * The folder that is to a commit's own work tree what the root is to the user's: an absolute path. It is made at the
   * first call, and complete.
   *
   * @throws {AexpError} `git.failed`, `git.commit_missing`
   */
  open(commit: string): Promise<string>;

  /**
   * Removes work trees that were opened last before a time, but for those of some commits.
   *
   * @returns the commits of those that are removed, or would be
   */
  prune(options: {
    readonly keep: ReadonlySet<string>;
    readonly beforeMs: number;
    readonly dryRun: boolean;
  }): Promise<readonly string[]>;
}
