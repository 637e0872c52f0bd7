import { GitRunner } from "../../git/program/run-git.ts";
import type { CodeIdentity, TreeId, UnkeyedCode } from "../code-identity.ts";
import type { CaptureOptions, CheckoutState, CodeStore, FileChange } from "../code-store.ts";
import { findChangedFiles } from "./changed-files.ts";
import { Checkouts } from "./checkouts.ts";
import { KeptTrees } from "./kept-trees.ts";
import { captureWorkTree } from "./work-tree-capture.ts";

/** Asks the git program. */
export class GitCodeStore implements CodeStore {
  readonly #root: string;
  readonly #ownFolders: readonly string[];
  readonly #git: GitRunner;
  readonly #kept: KeptTrees;
  readonly #checkouts: Checkouts;

  /** @param ownFolders folders below the root whose files are no code, because aexp writes them */
  constructor(root: string, ownFolders: readonly string[]) {
    this.#root = root;
    this.#ownFolders = ownFolders;
    this.#git = new GitRunner(root);
    this.#kept = new KeptTrees(this.#git);
    this.#checkouts = new Checkouts(this.#git);
  }

  async captureCode(options: CaptureOptions = {}): Promise<CodeIdentity | UnkeyedCode> {
    const ownFolders = [...this.#ownFolders, ...(options.except ?? [])];
    return await captureWorkTree(this.#root, { ...options, ownFolders });
  }

  async changedFiles(from: TreeId, to: TreeId): Promise<readonly FileChange[] | undefined> {
    return await findChangedFiles(this.#git, from, to);
  }

  async keepTree(tree: TreeId): Promise<void> {
    await this.#kept.keep(tree);
  }

  async keptTrees(): Promise<readonly TreeId[]> {
    return await this.#kept.list();
  }

  async pruneTrees(keep: ReadonlySet<string>): Promise<readonly TreeId[]> {
    return await this.#kept.prune(keep);
  }

  async openCheckout(tree: TreeId): Promise<string> {
    return await this.#checkouts.open(tree);
  }

  verifyCheckout(tree: TreeId): CheckoutState {
    return this.#checkouts.verify(tree);
  }

  async pruneCheckouts(keep: ReadonlySet<string>): Promise<readonly TreeId[]> {
    return await this.#checkouts.prune(keep);
  }
}
