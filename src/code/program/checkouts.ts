import { existsSync, mkdirSync, renameSync } from "node:fs";
import { join, resolve } from "node:path";

import type { GitRunner } from "../../git/program/run-git.ts";
import { systemErrorCode } from "../../model/errors.ts";
import { isJsonObject } from "../../model/json.ts";
import { explainWriteFailure, writeFileAtomically } from "../../platform/atomic-write.ts";
import { withLockFile } from "../../platform/lock-file.ts";
import { readTextFile } from "../../platform/read-file.ts";
import { isTreeId, type TreeId } from "../code-identity.ts";
import type { CheckoutState } from "../code-store.ts";
import { listNames, removeLeftovers, temporaryName } from "../fs/leftovers.ts";
import { fingerprintTree, makeReadOnly, removeTree } from "../fs/read-only-tree.ts";
import { findWorkPlace } from "./work-place.ts";
import { writeFilesOf } from "./write-files.ts";

/** Folders that are being filled. */
const MAKING = "making-";
/** Checkouts that were changed, and in which programs may still run. */
const REPLACED = "replaced-";
/** After so long a second maker begins; only the rename decides whose checkout stays. */
const LOCK_WAIT_MS = 60_000;
const MAX_RECORD_BYTES = 4096;

/** The checkouts of a repository, in `.aexp/checkouts/<tree>/`; see `CodeStore.openCheckout`. */
export class Checkouts {
  readonly #git: GitRunner;
  readonly #folder: string;
  #prefix: Promise<string> | undefined;

  constructor(git: GitRunner) {
    this.#git = git;
    this.#folder = join(git.root, ".aexp", "checkouts");
  }

  async open(tree: TreeId): Promise<string> {
    if (this.verify(tree) !== "sound") await this.#replace(tree);
    this.#prefix ??= findWorkPlace(this.#git).then(({ prefix }) => prefix);
    return resolve(this.#pathOf(tree), await this.#prefix);
  }

  /** Compares what was recorded when the checkout was made with what is there. */
  verify(tree: TreeId): CheckoutState {
    const path = this.#pathOf(tree);
    try {
      return this.#recorded(tree) === fingerprintTree(path) ? "sound" : "changed";
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") throw error;
      return existsSync(path) ? "changed" : "absent";
    }
  }

  async prune(keep: ReadonlySet<string>): Promise<readonly TreeId[]> {
    removeLeftovers(this.#folder, MAKING);
    const gone: TreeId[] = [];
    for (const name of listNames(this.#folder)) {
      const path = join(this.#folder, name);
      if (name.startsWith(REPLACED)) removeTree(path);
      if (!isTreeId(name) || keep.has(name)) continue;
      // Renamed first, so that nobody opens half a checkout.
      const dying = join(this.#folder, temporaryName(MAKING));
      renameSync(path, dying);
      removeTree(this.#recordOf(name));
      removeTree(dying);
      gone.push(name);
    }
    return gone;
  }

  async #replace(tree: TreeId): Promise<void> {
    try {
      mkdirSync(this.#folder, { recursive: true });
      const lock = `${this.#pathOf(tree)}.lock`;
      const made = await withLockFile(lock, LOCK_WAIT_MS, () => this.#make(tree));
      if (made === undefined) await this.#make(tree);
    } catch (error) {
      throw explainWriteFailure(error, this.#folder);
    }
  }

  async #make(tree: TreeId): Promise<void> {
    const state = this.verify(tree); // somebody else may have made it meanwhile
    if (state === "sound") return;
    removeLeftovers(this.#folder, MAKING);
    const folder = join(this.#folder, temporaryName(MAKING));
    mkdirSync(folder);
    try {
      await writeFilesOf(this.#git, { object: tree, folder });
      const { prefix } = await findWorkPlace(this.#git);
      mkdirSync(join(folder, prefix), { recursive: true }); // the root has no file in this tree
      makeReadOnly(folder);
      const fingerprint = fingerprintTree(folder);
      if (state === "changed") renameSync(this.#pathOf(tree), join(this.#folder, temporaryName(REPLACED)));
      if (await this.#publish(folder, tree)) {
        await writeFileAtomically(this.#recordOf(tree), `${JSON.stringify({ fingerprint }, null, 2)}\n`);
      }
    } finally {
      removeTree(folder);
    }
  }

  /** @returns false when another maker was faster */
  async #publish(folder: string, tree: TreeId): Promise<boolean> {
    try {
      renameSync(folder, this.#pathOf(tree));
      return true;
    } catch (error) {
      const code = systemErrorCode(error);
      if (code === "ENOTEMPTY" || code === "EEXIST") return false;
      throw error;
    }
  }

  #recorded(tree: TreeId): string | undefined {
    try {
      const value: unknown = JSON.parse(readTextFile(this.#recordOf(tree), MAX_RECORD_BYTES));
      return isJsonObject(value) && typeof value["fingerprint"] === "string" ? value["fingerprint"] : undefined;
    } catch {
      return undefined; // its maker was killed before it wrote the record: then the checkout is made again
    }
  }

  #pathOf(tree: TreeId): string {
    return join(this.#folder, tree);
  }

  #recordOf(tree: TreeId): string {
    return join(this.#folder, `${tree}.json`);
  }
}
