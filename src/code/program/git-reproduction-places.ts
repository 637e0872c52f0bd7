import { existsSync, mkdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { systemErrorCode } from "../../model/errors.ts";
import { GitRunner } from "../../git/program/run-git.ts";
import { explainWriteFailure } from "../../platform/atomic-write.ts";
import { isObjectId } from "../code-identity.ts";
import { isAbandonedTag, listNames, processTag } from "../fs/leftovers.ts";
import { removeTree } from "../fs/read-only-tree.ts";
import type { PlaceRequest, ReproductionPlace, ReproductionPlaces } from "../reproduction-place.ts";
import { addWorktree, applyPatch, removeWorktree } from "./detached-worktree.ts";
import { findWorkPlace } from "./work-place.ts";
import { notHere } from "./write-files.ts";

/** Says whose a place is, as long as it is in use. */
const OWNER = "owner";
const CODE = "code";
const WORKSPACE = "workspace";

/** Ends the program of an attempt, with its whole process group. */
type EndProgram = (workspace: string, attempt: number) => Promise<void>;

/** Places in `.aexp/reproductions/<job id>/<time>/`, the code in a worktree of git without a branch. */
export class GitReproductionPlaces implements ReproductionPlaces {
  readonly #git: GitRunner;
  readonly #folder: string;
  readonly #endProgram: EndProgram;

  /** @param endProgram ends what still runs with a workspace whose aexp was killed */
  constructor(root: string, endProgram: EndProgram) {
    this.#git = new GitRunner(root);
    this.#folder = join(root, ".aexp", "reproductions");
    this.#endProgram = endProgram;
  }

  async resolveCommit(text: string): Promise<string> {
    const question = ["rev-parse", "--verify", "--quiet", "--end-of-options", `${text}^{commit}`];
    const commit = await this.#git.maybe(question);
    if (commit === undefined) throw notHere(text, this.#git.root);
    return commit;
  }

  patchFile(workspace: string, attempt: number): string | undefined {
    const path = join(workspace, ".aexp", `attempt-${attempt}`, "code.patch");
    return existsSync(path) ? path : undefined;
  }

  async open({ jobId, startedAtMs, code, statePoint }: PlaceRequest): Promise<ReproductionPlace> {
    await this.#removeLeftovers();
    const object = code.kind === "commit" ? code.commit : code.tree;
    if (!isObjectId(object) || (await this.#git.maybe(["cat-file", "-e", `${object}^{tree}`])) === undefined)
      throw notHere(object, this.#git.root);
    const { prefix } = await findWorkPlace(this.#git);
    const folder = this.#makeFolder(join(this.#folder, jobId), startedAtMs);
    const [top, workspace] = [join(folder, CODE), join(folder, WORKSPACE)];
    const root = resolve(top, prefix);
    try {
      mkdirSync(workspace);
      writeFileSync(join(workspace, "signac_statepoint.json"), statePoint);
      const missingSubmodules = await addWorktree(this.#git, code, top);
      if (code.kind === "commit" && code.patchFile !== undefined) await applyPatch(top, prefix, code.patchFile);
      mkdirSync(root, { recursive: true }); // the root has no file in this code
      return {
        folder,
        top,
        root,
        workspace,
        missingSubmodules,
        has: (path) => existsSync(path),
        makeFolder: (path) => void mkdirSync(path, { recursive: true }),
        close: async (keep) => await this.#close(folder, keep),
      };
    } catch (error) {
      await this.#close(folder, "nothing");
      throw explainWriteFailure(error, folder);
    }
  }

  /** A new folder named by the time; two that begin in the same second get different names. */
  #makeFolder(parent: string, startedAtMs: number): string {
    const name = new Date(startedAtMs).toISOString().slice(0, 19).replaceAll(/[-:]/g, "");
    try {
      for (let number = 1; ; number += 1) {
        const folder = join(parent, number === 1 ? `${name}Z` : `${name}Z-${number}`);
        mkdirSync(parent, { recursive: true });
        if (!tryToMake(folder)) continue;
        writeFileSync(join(folder, OWNER), processTag());
        return folder;
      }
    } catch (error) {
      throw explainWriteFailure(error, parent);
    }
  }

  async #close(folder: string, keep: "everything" | "results" | "nothing"): Promise<void> {
    if (keep !== "everything") await removeWorktree(this.#git, join(folder, CODE));
    if (keep === "nothing") {
      removeTree(folder);
      removeIfEmpty(dirname(folder));
      removeIfEmpty(this.#folder);
    } else rmSync(join(folder, OWNER), { force: true });
  }

  async #removeLeftovers(): Promise<void> {
    for (const jobId of listNames(this.#folder)) {
      for (const name of listNames(join(this.#folder, jobId))) {
        const folder = join(this.#folder, jobId, name);
        const changedMs = statSync(folder, { throwIfNoEntry: false })?.mtimeMs;
        const owner = readOwner(folder);
        if (owner === undefined || changedMs === undefined || !isAbandonedTag(owner, changedMs)) continue;
        const workspace = join(folder, WORKSPACE);
        for (const file of listNames(join(workspace, ".aexp"))) {
          const attempt = Number(/^attempt-(\d+)$/.exec(file)?.[1]);
          if (attempt > 0) await this.#endProgram(workspace, attempt);
        }
        await this.#close(folder, "nothing");
      }
    }
  }
}

/** @returns false when it is there already, or another process has just removed the empty folder around it */
function tryToMake(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    const code = systemErrorCode(error);
    if (code === "EEXIST" || code === "ENOENT") return false;
    throw error;
  }
}

function removeIfEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "ENOTEMPTY" && code !== "EEXIST" && code !== "ENOENT") throw error;
  }
}

/** Whose a place is; `undefined` for one that was kept. */
function readOwner(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, OWNER), "utf8");
  } catch {
    return undefined; // not there, or nobody's to read
  }
}
