import { randomUUID } from "node:crypto";
import { existsSync, readdirSync } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { resolve } from "node:path";

import { AexpError } from "../../model/errors.ts";
import { withLockFile } from "../../platform/lock-file.ts";
import type { Branch, BranchState, MergeEntry, Replay, SharedChange, UnmergedFile, Upstream } from "../branch.ts";
import { isEntryPath, isSharedFile, SHARED_PATHS } from "../shared-paths.ts";
import { IndexMover } from "./index-mover.ts";
import { Replayer } from "./replayer.ts";
import { DURABLE, emptyTree, type GitOutput, GitRunner, type RunOptions, splitItems } from "./run-git.ts";

/** Files in git's own folder that say what it is in the middle of. */
const OPERATIONS = {
  "rebase-merge": "a rebase",
  "rebase-apply": "a rebase",
  MERGE_HEAD: "a merge",
  CHERRY_PICK_HEAD: "a cherry-pick",
  REVERT_HEAD: "a revert",
} as const;

/** How long another sync of this clone is waited for. */
const LOCK_WAIT_MS = 120_000;

/** The branch of the clone at `root`. */
export class GitBranch implements Branch {
  readonly #git: GitRunner;
  readonly #mover: IndexMover;

  constructor(root: string) {
    this.#git = new GitRunner(root);
    this.#mover = new IndexMover(this.#git);
  }

  async exclusively<T>(task: () => Promise<T>): Promise<T> {
    const lock = await this.#gitPath("aexp-sync.lock");
    const done = await withLockFile(lock, LOCK_WAIT_MS, async () => {
      await this.#mover.finishInterrupted();
      await this.#removeOldIndexes();
      return await task();
    });
    if (done !== undefined) return done.result;
    throw new AexpError("another `aexp sync` works in this clone", {
      code: "sync.busy",
      hint: "Wait for it to end, then run `aexp sync` again.",
    });
  }

  async state(): Promise<BranchState> {
    const [name, operation, unmerged, remotes] = await Promise.all([
      this.#git.maybe(["symbolic-ref", "--quiet", "--short", "HEAD"]),
      this.#operation(),
      this.#git.items(["diff", "--name-only", "--diff-filter=U", "--relative", "-z"]),
      this.#git.text(["remote"]),
    ]);
    const upstream = name === undefined ? undefined : await this.#upstreamOf(name);
    return { name, operation, unmerged, upstream, remotes: remotes.split("\n").filter((remote) => remote !== "") };
  }

  async resolve(revision: "HEAD" | "@{upstream}"): Promise<string | undefined> {
    return await this.#git.maybe(["rev-parse", "--verify", "--quiet", `${revision}^{commit}`]);
  }

  async sharedChanges(): Promise<readonly SharedChange[]> {
    return await this.#withSharedIndex(async (_, changes) => changes);
  }

  async commitShared(
    describe: (changes: readonly SharedChange[]) => string,
  ): Promise<{ readonly commit: string; readonly changes: readonly SharedChange[] } | undefined> {
    const made = await this.#withSharedIndex(async (env, changes) => {
      if (changes.length === 0) return undefined;
      const options = ["--quiet", "--cleanup=verbatim", "--file=-"];
      await this.#git.run([...DURABLE, "commit", ...options], { env, input: describe(changes) });
      return { commit: await this.#git.text(["rev-parse", "HEAD"]), changes };
    });
    // Also without a commit: a sync that was killed right after its commit has left the index behind.
    await this.#mover.settle(SHARED_PATHS);
    return made;
  }

  async fetch(remote: string): Promise<void> {
    await this.#git.run(["fetch", "--quiet", "--no-auto-maintenance", remote]);
  }

  async countCommits(from: string | undefined, to: string): Promise<number> {
    return Number(await this.#git.text(["rev-list", "--count", to, ...(from === undefined ? [] : ["--not", from])]));
  }

  async changesBetween(from: string | undefined, to: string): Promise<readonly SharedChange[]> {
    const base = from ?? (await emptyTree(this.#git));
    return parseChanges(await this.#git.run([...DIFF_TREES, base, to, "--", ...sharedSpecs()]));
  }

  async replay(head: string, onto: string, mergeEntry: MergeEntry): Promise<Replay> {
    const prefix = await this.#git.text(["rev-parse", "--show-prefix"]);
    const top = await this.#git.text(["rev-parse", "--show-toplevel"]);
    return await new Replayer(this.#git, { prefix, top }, mergeEntry).replay(head, onto);
  }

  async moveTo(from: string | undefined, to: string): Promise<void> {
    await this.#mover.move(from, to);
  }

  async push(upstream: Upstream, commit: string): Promise<"pushed" | "rejected"> {
    const command = ["push", "--porcelain", upstream.remote, `${commit}:${upstream.ref}`];
    const output = await this.#git.run(command, { answers: [0, 1, 128] });
    if (output.exitCode === 0) return "pushed";
    // A line that begins with "!" is git's machine-readable word for a ref that the remote did not take.
    if (/^!\t/m.test(output.stdout.toString("utf8"))) return "rejected";
    throw pushFailed(upstream, output);
  }

  async unmergedEntries(): Promise<readonly UnmergedFile[]> {
    const items = await this.#git.items(["ls-files", "--unmerged", "-z", "--", ":(literal).aexp/ledger"]);
    const files = new Map<string, { ours?: string; theirs?: string }>();
    for (const item of items) {
      const [, blob = "", stage, path = ""] = /^\d+ ([0-9a-f]+) (\d)\t(.*)$/s.exec(item) ?? [];
      if (!isEntryPath(path)) continue;
      const file = files.get(path) ?? {};
      if (stage === "2") file.ours = await this.#blob(blob);
      if (stage === "3") file.theirs = await this.#blob(blob);
      files.set(path, file);
    }
    return [...files].map(([path, { ours, theirs }]) => ({ path, ours, theirs }));
  }

  async markMerged(path: string): Promise<void> {
    await this.#git.run(["add", "--", `:(literal)${path}`]);
  }

  /** Runs `task` with an index of its own that holds HEAD and, on top, the shared files as they are on disk. */
  async #withSharedIndex<T>(
    task: (env: Readonly<Record<string, string>>, changes: readonly SharedChange[]) => Promise<T>,
  ): Promise<T> {
    // A name of its own: a commit whose caller was killed may still be at work with another.
    const index = await this.#gitPath(`aexp-index-${randomUUID()}`);
    const env = { GIT_INDEX_FILE: index };
    try {
      const head = await this.resolve("HEAD");
      await this.#git.run(["read-tree", head ?? "--empty"], { env });
      await this.#addShared({ env });
      const base = head ?? (await emptyTree(this.#git));
      const diff = ["diff-index", "--cached", "--name-status", "--no-renames", "-z", "--relative", base];
      return await task(env, parseChanges(await this.#git.run([...diff, "--", ...sharedSpecs()], { env })));
    } finally {
      await Promise.all([index, `${index}.lock`].map((file) => rm(file, { force: true })));
    }
  }

  /** Entries that are gone from disk stay in git: whoever wants to remove one can do so with `git rm`. */
  async #addShared(options: RunOptions): Promise<void> {
    const list = ["ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z", "--"];
    const { stdout } = await this.#git.run([...list, ...sharedSpecs()], options);
    const paths = splitItems(stdout).filter(
      (path) => isSharedFile(path) && (!path.startsWith(".aexp/") || existsSync(resolve(this.#git.root, path))),
    );
    if (paths.length === 0) return;
    const input = paths.map((path) => `${path}\0`).join("");
    await this.#git.run([...DURABLE, "update-index", "--add", "--remove", "-z", "--stdin"], { ...options, input });
  }

  /** A commit whose caller was killed may use its index for a while yet; after a day it does not. */
  async #removeOldIndexes(): Promise<void> {
    const folder = await this.#gitPath(".");
    for (const name of readdirSync(folder)) {
      if (!name.startsWith("aexp-index-")) continue;
      const path = resolve(folder, name);
      const { mtimeMs } = await stat(path);
      if (mtimeMs < Date.now() - 24 * 3600 * 1000) await rm(path, { force: true });
    }
  }

  async #operation(): Promise<string | undefined> {
    for (const [file, operation] of Object.entries(OPERATIONS)) {
      if (existsSync(await this.#gitPath(file))) return operation;
    }
    return undefined;
  }

  async #upstreamOf(branch: string): Promise<Upstream | undefined> {
    const [remote, ref] = await Promise.all(
      ["remote", "merge"].map((key) => this.#git.maybe(["config", "--get", `branch.${branch}.${key}`])),
    );
    return remote === undefined || ref === undefined ? undefined : { remote, ref };
  }

  async #blob(id: string): Promise<string> {
    return (await this.#git.run(["cat-file", "blob", id])).stdout.toString("utf8");
  }

  async #gitPath(name: string): Promise<string> {
    return resolve(this.#git.root, await this.#git.text(["rev-parse", "--git-path", name]));
  }
}

const DIFF_TREES = ["diff-tree", "-r", "--name-status", "--no-renames", "-z", "--relative"];

function sharedSpecs(): readonly string[] {
  return SHARED_PATHS.map((path) => `:(literal)${path}`);
}

function parseChanges({ stdout }: GitOutput): readonly SharedChange[] {
  const items = splitItems(stdout);
  return items.flatMap((path, index) => {
    if (index % 2 === 0) return [];
    const letter = items[index - 1];
    return [{ kind: letter === "A" ? "added" : letter === "D" ? "removed" : "changed", path } as const];
  });
}

function pushFailed({ remote, ref }: Upstream, { stderr }: GitOutput): AexpError {
  const words =
    stderr
      .trim()
      .split("\n")
      .filter((line) => line !== "")
      .at(-1) ?? "git said nothing";
  return new AexpError(`nothing was pushed to ${ref} of ${JSON.stringify(remote)}: ${words}`, {
    code: "git.failed",
    hint: "Everything is committed here. Look at the connection and at your pre-push hook, then run `aexp sync` again.",
  });
}
