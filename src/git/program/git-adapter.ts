import { relative, resolve, sep } from "node:path";

import { AexpError } from "../../model/errors.ts";
import type { Git } from "../git.ts";
import { GitRunner, splitItems } from "./run-git.ts";

/** Asks the git program, one process for each question. */
export class GitProgram implements Git {
  readonly #git: GitRunner;
  /** A folder that once lay in a work tree is not asked about again. */
  #isInside = false;

  constructor(root: string) {
    this.#git = new GitRunner(root);
  }

  async version(): Promise<string | undefined> {
    try {
      const { stdout } = await this.#git.run(["version"]);
      return /\d+(?:\.\d+)+/.exec(stdout.toString("utf8"))?.[0];
    } catch (error) {
      if (error instanceof AexpError && error.code === "environment.git_missing") return undefined;
      throw error;
    }
  }

  async isRepository(): Promise<boolean> {
    if (this.#isInside) return true;
    try {
      this.#isInside = (await this.#git.text(["rev-parse", "--is-inside-work-tree"])) === "true";
      return this.#isInside;
    } catch (error) {
      if (error instanceof AexpError && error.code === "git.failed") return false;
      throw error;
    }
  }

  async headCommit(): Promise<string | undefined> {
    if (!(await this.isRepository())) return undefined;
    return await this.#git.maybe(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
  }

  async origin(): Promise<{ readonly firstCommit: string; readonly prefix: string } | undefined> {
    if ((await this.headCommit()) === undefined) return undefined;
    const [isShallow, prefix = ""] = (
      await this.#git.text(["rev-parse", "--is-shallow-repository", "--show-prefix"])
    ).split("\n");
    if (isShallow !== "false") return undefined;
    const firstCommit = await this.#git.text(["rev-list", "--first-parent", "--max-parents=0", "HEAD"]);
    return { firstCommit, prefix };
  }

  async changedTrackedFiles(excluding: readonly string[]): Promise<readonly string[]> {
    if ((await this.headCommit()) === undefined) return [];
    return await this.#git.items([...DIFF, "--name-only", "-z", "HEAD", "--", ...withoutFolders(excluding)]);
  }

  async patchOfChanges(excluding: readonly string[]): Promise<Uint8Array> {
    if ((await this.headCommit()) === undefined) return new Uint8Array();
    const options = ["--binary", "--full-index", "--no-color", "--src-prefix=a/", "--dst-prefix=b/"];
    const { stdout } = await this.#git.run([...DIFF, ...options, "HEAD", "--", ...withoutFolders(excluding)]);
    return stdout;
  }

  async uncommittedFiles(folders: readonly string[]): Promise<readonly string[]> {
    const status = [
      "status",
      "--porcelain=v1",
      "-z",
      "--no-renames",
      "--untracked-files=all",
      "--ignore-submodules=all",
    ];
    const { stdout } = await this.#git.run([...status, "--", ...folders.map(literal)]);
    const prefix = await this.#git.text(["rev-parse", "--show-prefix"]);
    return stdout
      .toString("utf8")
      .split("\0")
      .filter((record) => record !== "")
      .map((record) => record.slice(3 + prefix.length));
  }

  async unpushedCommitCount(folders: readonly string[]): Promise<number | undefined> {
    const upstream = await this.#git.maybe(["rev-parse", "--verify", "--quiet", "@{upstream}^{commit}"]);
    if (upstream === undefined) return undefined;
    const count = await this.#git.text(["rev-list", "--count", `${upstream}..HEAD`, "--", ...folders.map(literal)]);
    return Number(count);
  }

  async filesEverIn(folder: string): Promise<readonly string[]> {
    const log = ["log", "--all", "--format=", "--name-only", "--diff-filter=A", "--no-renames", "--relative", "-z"];
    const { exitCode, stdout } = await this.#git.run([...log, "--", literal(folder)], { answers: [0, 128] });
    return exitCode === 0 ? [...new Set(splitItems(stdout))] : [];
  }

  async isIgnored(path: string): Promise<boolean> {
    const { exitCode } = await this.#git.run(["check-ignore", "--quiet", "--no-index", "--", path], {
      answers: [0, 1],
    });
    return exitCode === 0;
  }

  async configValue(key: string): Promise<string | undefined> {
    const { exitCode, stdout } = await this.#git.run(["config", "--null", "--get", key], { answers: [0, 1] });
    return exitCode === 0 ? stdout.toString("utf8").replace(/\0$/, "") : undefined;
  }

  async setConfigValue(key: string, value: string): Promise<void> {
    await this.#git.run(["config", "--local", "--replace-all", key, value]);
  }

  async hooksFolder(): Promise<{ readonly path: string; readonly isOwn: boolean }> {
    const { root } = this.#git;
    const path = resolve(root, await this.#git.text(["rev-parse", "--git-path", "hooks"]));
    const common = resolve(root, await this.#git.text(["rev-parse", "--git-common-dir"]));
    const top = await this.#git.text(["rev-parse", "--show-toplevel"]);
    return { path, isOwn: isInside(path, common) || isInside(path, top) };
  }
}

/** Settings of the user that change what a diff prints are left out of it. */
const DIFF = ["diff", "--no-ext-diff", "--no-textconv", "--no-renames", "--ignore-submodules=none", "--relative"];

function withoutFolders(folders: readonly string[]): readonly string[] {
  return [".", ...folders.map((folder) => `:(exclude,literal)${folder}`)];
}

/** A pathspec that means exactly this path, whatever characters it has. */
function literal(path: string): string {
  return `:(literal)${path}`;
}

function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === "" || (way !== ".." && !way.startsWith(`..${sep}`));
}
