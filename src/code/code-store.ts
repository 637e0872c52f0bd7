import type { CodeIdentity, TreeId, UnkeyedCode } from "./code-identity.ts";

/** What of the work tree is captured. */
export interface CaptureOptions {
  /** Files and folders, relative to the root, that alone count and alone are checked out; everything, when absent. */
  readonly paths?: readonly string[] | undefined;
  /** Files that do not count and are not checked out, relative to the root: they say what is executed, and are not. */
  readonly except?: readonly string[] | undefined;
}

/** A file in which two trees differ. */
export interface FileChange {
  readonly change: "added" | "edited" | "deleted";
  /** From the root of the repository. */
  readonly path: string;
}

/** What is found where a checkout should be. */
export type CheckoutState = "sound" | "changed" | "absent";

/** The code of a repository: what it is now, and where an earlier state of it can be executed. */
export interface CodeStore {
  /**
   * The identity of the work tree as it is on disk, committed or not, without what git ignores and what aexp itself
   * writes. Neither the user's index nor any file of the work tree is touched; only objects are added to git.
   * Nothing keeps those from git's own clean-up yet: {@link keepTree} does.
   *
   * @returns a reason when there is no git, or git fails, or something cannot be captured faithfully; it never throws
   */
  captureCode(options?: CaptureOptions): Promise<CodeIdentity | UnkeyedCode>;

  /** In which files two trees differ, by path; `undefined` when one of them is not kept any more. */
  changedFiles(from: TreeId, to: TreeId): Promise<readonly FileChange[] | undefined>;

  /** Keeps git from ever deleting a tree. @throws {AexpError} `code.unavailable`, `git.failed` */
  keepTree(tree: TreeId): Promise<void>;

  /** The trees that are kept, in ascending order. */
  keptTrees(): Promise<readonly TreeId[]>;

  /** Leaves all trees but these to git's own clean-up. @returns those that were kept until now */
  pruneTrees(keep: ReadonlySet<string>): Promise<readonly TreeId[]>;

  /**
   * A folder that holds the files of a tree, read-only, for every run of that tree; it is what the repository's root
   * was. Made at the first call, made again when something in it has changed. It is there whole or not at all, however
   * many processes ask at once and whenever one of them is killed.
   *
   * @returns its absolute path
   * @throws {AexpError} `code.unavailable`, `git.failed`, `environment.read_only`, `environment.disk_full`
   */
  openCheckout(tree: TreeId): Promise<string>;

  /** Whether a checkout still holds what was written: one look at each file, no content is read. */
  verifyCheckout(tree: TreeId): CheckoutState;

  /**
   * Deletes all checkouts but these, and what killed processes left. A program that still runs in one of them must be
   * among those kept.
   *
   * @returns the trees whose checkouts are gone
   */
  pruneCheckouts(keep: ReadonlySet<string>): Promise<readonly TreeId[]>;
}
