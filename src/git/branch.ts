/** Where the branch that is checked out is followed to: its upstream. */
export interface Upstream {
  /** Name of the remote, or `.` for a branch of this repository. */
  readonly remote: string;
  /** The branch there, e.g. `refs/heads/main`. */
  readonly ref: string;
}

/** What is checked out, and what stands in the way of changing it. */
export interface BranchState {
  /** What git is in the middle of, e.g. "a rebase". */
  readonly operation: string | undefined;
  /** Files with a conflict that nobody has solved yet. */
  readonly unmerged: readonly string[];
  /** Short name of the branch; `undefined` when HEAD is detached. */
  readonly name: string | undefined;
  readonly upstream: Upstream | undefined;
  readonly remotes: readonly string[];
}

/** How a shared file differs from HEAD. */
export interface SharedChange {
  readonly kind: "added" | "changed" | "removed";
  readonly path: string;
}

/** Merges an entry that both sides changed; `undefined` when neither side can be read. */
export type MergeEntry = (path: string, ours: string, theirs: string) => string | undefined;

/** What putting the commits of this clone on top of the upstream's gave. */
export type Replay =
  | { readonly kind: "replayed"; readonly commit: string }
  | { readonly kind: "conflict"; readonly files: readonly string[] };

/** A file with a conflict, as git's index holds it. A side is `undefined` when it removed the file. */
export interface UnmergedFile {
  readonly path: string;
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
}

/**
 * The branch that is checked out, as `aexp sync` changes it. The user's index and files are touched in one step only,
 * {@link moveTo}; everything before it happens among git's objects, so that being killed leaves nothing to clean up.
 */
export interface Branch {
  /** Runs `task` while no other sync works in this clone, after finishing what a killed one began. */
  exclusively<T>(task: () => Promise<T>): Promise<T>;

  state(): Promise<BranchState>;

  /** The commit of a revision, or `undefined` when there is none. */
  resolve(revision: "HEAD" | "@{upstream}"): Promise<string | undefined>;

  /** How the shared files differ from HEAD. */
  sharedChanges(): Promise<readonly SharedChange[]>;

  /**
   * Commits the shared files, hooks and signing as the user has set them up. What else is staged stays staged.
   * @param describe makes the message from what is committed
   * @returns `undefined` when there is nothing to commit
   */
  commitShared(
    describe: (changes: readonly SharedChange[]) => string,
  ): Promise<{ readonly commit: string; readonly changes: readonly SharedChange[] } | undefined>;

  fetch(remote: string): Promise<void>;

  /** Commits that `to` has and `from` lacks. */
  countCommits(from: string | undefined, to: string): Promise<number>;

  /** Shared files that differ between two commits. */
  changesBetween(from: string | undefined, to: string): Promise<readonly SharedChange[]>;

  /** Puts the commits of `head` that `onto` lacks on top of `onto`, among git's objects only. */
  replay(head: string, onto: string, mergeEntry: MergeEntry): Promise<Replay>;

  /**
   * Moves the branch, the index and the files from one commit to another; what the user has changed or staged
   * elsewhere stays as it is.
   * @throws {AexpError} `sync.conflict` when the user's changes are in the way; then nothing is moved
   */
  moveTo(from: string | undefined, to: string): Promise<void>;

  /** @returns `rejected` when the remote has commits that `commit` lacks */
  push(upstream: Upstream, commit: string): Promise<"pushed" | "rejected">;

  /** The unmerged files below `.aexp/ledger`, with both sides. */
  unmergedEntries(): Promise<readonly UnmergedFile[]>;

  /** Marks a file as merged, with its content on disk. */
  markMerged(path: string): Promise<void>;
}
