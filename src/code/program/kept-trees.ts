import type { GitRunner } from "../../git/program/run-git.ts";
import { isTreeId, type TreeId } from "../code-identity.ts";
import { notHere } from "./write-files.ts";

/**
 * Refs that point at trees themselves. No branch, tag or log shows them, `git push` sends none of them unless it
 * mirrors, and git's clean-up spares what they hold.
 */
const NAMESPACE = "refs/aexp/trees/";

/** Processes that submit the same code at once write the same ref, and git's own patience ends after a tenth of a second. */
const PATIENT = ["-c", "core.filesRefLockTimeout=30000"] as const;

/** The trees that git must not delete. */
export class KeptTrees {
  readonly #git: GitRunner;

  constructor(git: GitRunner) {
    this.#git = git;
  }

  /** @throws {AexpError} `code.unavailable` */
  async keep(tree: TreeId): Promise<void> {
    const { exitCode } = await this.#git.run(["cat-file", "-e", `${tree}^{tree}`], { answers: [0, 1, 128] });
    if (exitCode !== 0) throw notHere(tree, this.#git.root);
    const { exitCode: isMissing } = await this.#git.run(["show-ref", "--verify", "--quiet", NAMESPACE + tree], {
      answers: [0, 1, 128],
    });
    if (isMissing === 0) return;
    await this.#git.run([...PATIENT, "-c", "core.fsync=reference", "update-ref", NAMESPACE + tree, tree]);
  }

  async list(): Promise<readonly TreeId[]> {
    const names = await this.#git.text(["for-each-ref", "--format=%(refname)", NAMESPACE]);
    return names
      .split("\n")
      .map((name) => name.slice(NAMESPACE.length))
      .filter(isTreeId);
  }

  async prune(keep: ReadonlySet<string>): Promise<readonly TreeId[]> {
    const gone = (await this.list()).filter((tree) => !keep.has(tree));
    const input = gone.map((tree) => `delete ${NAMESPACE}${tree}\n`).join("");
    if (gone.length > 0) await this.#git.run([...PATIENT, "update-ref", "--stdin"], { input });
    return gone;
  }
}
