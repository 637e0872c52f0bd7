import { mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { AexpError, messageOf } from "../../model/errors.ts";
import { withLockFile } from "../../platform/lock-file.ts";
import type { WorkTrees } from "../work-trees.ts";
import { GitRunner } from "./run-git.ts";
import { findWorktreeRecord } from "./worktree-record.ts";

/** Commits come from a database; nothing else may look like an option or a path. */
const COMMIT = /^[0-9a-f]{40}(?:[0-9a-f]{24})?$/;
const FOLDER = /^commit-([0-9a-f]+)$/;
/** A large work tree takes a while to write, and another process may be at it. */
const LOCK_WAIT_MS = 600_000;

/**
 * Work trees of git in a folder of their own. A file beside each says that it is complete, and by its time when it was
 * opened last.
 */
export class GitWorkTrees implements WorkTrees {
  readonly #git: GitRunner;
  readonly #folder: string;

  /** @param folder - absolute path of the folder that holds them */
  constructor(root: string, folder: string) {
    this.#git = new GitRunner(root);
    this.#folder = folder;
  }

  async obtain(commit: string): Promise<void> {
    if (!COMMIT.test(commit)) throw missing(commit, "that is no id of a commit");
    if (await this.#has(commit)) return;
    const remote = await this.#remote();
    if (remote === undefined) throw missing(commit, "there is no remote to fetch it from");
    let problem = "it is on none of the remote's branches";
    // Not every server gives single commits; with the branches most of them come, too.
    for (const what of [[commit], []]) {
      try {
        await this.#git.run([...QUIETLY, "fetch", "--quiet", "--no-tags", "--no-write-fetch-head", remote, ...what]);
      } catch (error) {
        problem = messageOf(error);
      }
      if (await this.#has(commit)) return;
    }
    throw missing(commit, problem);
  }

  async open(commit: string): Promise<string> {
    await this.obtain(commit);
    const place = join(this.#folder, `commit-${commit}`);
    mkdirSync(this.#folder, { recursive: true });
    const opened = await withLockFile(`${place}.lock`, LOCK_WAIT_MS, async () => {
      if (isThere(place) && isThere(ready(place))) touch(ready(place));
      else await this.#make(place, commit);
    });
    if (opened === undefined) {
      throw new AexpError(`another process has worked at ${JSON.stringify(place)} for ten minutes`, {
        code: "git.failed",
        hint: "See what it does; the run is tried again when it is queued again.",
      });
    }
    return join(place, await this.#git.text(["rev-parse", "--show-prefix"]));
  }

  async prune({
    keep,
    beforeMs,
    dryRun,
  }: {
    readonly keep: ReadonlySet<string>;
    readonly beforeMs: number;
    readonly dryRun: boolean;
  }): Promise<readonly string[]> {
    const old = this.#list().filter((commit) => !keep.has(commit) && this.#openedMs(commit) < beforeMs);
    if (dryRun) return old;
    const gone: string[] = [];
    for (const commit of old) {
      const place = join(this.#folder, `commit-${commit}`);
      await withLockFile(`${place}.lock`, 0, async () => {
        // Another process may have opened it since.
        if (this.#openedMs(commit) >= beforeMs) return;
        await this.#remove(place);
        gone.push(commit);
      });
    }
    return gone;
  }

  async #has(commit: string): Promise<boolean> {
    return (await this.#git.run(["cat-file", "-e", `${commit}^{commit}`], { answers: [0, 1, 128] })).exitCode === 0;
  }

  /** That of the present branch, or `origin`, or the only one. */
  async #remote(): Promise<string | undefined> {
    const branch = await this.#git.maybe(["symbolic-ref", "--quiet", "--short", "HEAD"]);
    const remotes = (await this.#git.text(["remote"])).split("\n").filter((name) => name !== "");
    const named =
      branch === undefined ? undefined : await this.#git.maybe(["config", "--get", `branch.${branch}.remote`]);
    return remotes.find((name) => name === named) ?? remotes.find((name) => name === "origin") ?? remotes[0];
  }

  async #make(place: string, commit: string): Promise<void> {
    // What a killed process has left is no work tree yet.
    await this.#remove(place);
    // Nothing in here is the user's to commit.
    writeFileSync(join(this.#folder, ".gitignore"), "*\n");
    await this.#git.run([...QUIETLY, "worktree", "add", "--quiet", "--detach", "--force", place, commit]);
    writeFileSync(ready(place), "");
  }

  async #remove(place: string): Promise<void> {
    rmSync(ready(place), { force: true });
    const record = await findWorktreeRecord(this.#git, place);
    for (const folder of record === undefined ? [place] : [place, record]) {
      rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
    }
  }

  #list(): readonly string[] {
    try {
      return readdirSync(this.#folder).flatMap((name) => FOLDER.exec(name)?.[1] ?? []);
    } catch {
      return []; // none was made yet
    }
  }

  #openedMs(commit: string): number {
    const file = ready(join(this.#folder, `commit-${commit}`));
    return statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? -Infinity;
  }
}

/** Hooks of the project are for what its users do. */
const QUIETLY = ["-c", "core.hooksPath=/dev/null"] as const;

function ready(place: string): string {
  return `${place}.ready`;
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function touch(path: string): void {
  const now = new Date();
  utimesSync(path, now, now);
}

function missing(commit: string, why: string): AexpError {
  return new AexpError(`commit ${JSON.stringify(commit.slice(0, 40))} is not here and cannot be fetched: ${why}`, {
    code: "git.commit_missing",
    hint: "Push the commit from where the run was queued.",
  });
}
