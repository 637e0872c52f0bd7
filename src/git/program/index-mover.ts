import {
  copyFileSync,
  existsSync,
  linkSync,
  lstatSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

import { AexpError, systemErrorCode } from "../../model/errors.ts";
import { isJsonObject } from "../../model/json.ts";
import { flushFolder, writeFileAtomically } from "../../platform/atomic-write.ts";
import { emptyTree, type GitRunner, splitItems } from "./run-git.ts";

/** How long a git command of the user's that holds the index is waited for. */
const INDEX_WAIT_MS = 10_000;

/** A move that has begun: enough for the next call to finish it. */
interface Journal {
  readonly from: string;
  readonly to: string;
}

/** The content of our lock on the index, by which it is told from a lock of git's. */
const LOCK_TEXT = "aexp sync\n";

/**
 * Moves HEAD, index and files from one commit to another and keeps whatever the user has changed or staged elsewhere.
 *
 * Git's own two-way merge does the work, on a copy of the index while we hold git's lock on the real one. A journal
 * says what has begun: when the process is killed in the middle, files that have already arrived are recognised by
 * their content, and the same move is made again.
 */
export class IndexMover {
  readonly #git: GitRunner;

  constructor(git: GitRunner) {
    this.#git = git;
  }

  /** @throws {AexpError} `sync.conflict` when changes of the user's are in the way; then nothing has moved */
  async move(from: string | undefined, to: string): Promise<void> {
    const journal: Journal = { from: from ?? (await emptyTree(this.#git)), to };
    const path = await this.#gitPath("aexp-sync.json");
    await writeFileAtomically(path, `${JSON.stringify(journal, null, 2)}\n`);
    try {
      await this.#withIndex(async (env) => {
        await this.#adopt(journal.from, to, env, []);
        await this.#twoWayMerge(journal.from, to, env);
        return async () => {
          const old = from ?? "0".repeat(to.length);
          const note = ["-m", "aexp sync: integrate the upstream branch"];
          await this.#git.run(["-c", "core.fsync=reference", "update-ref", ...note, "HEAD", to, old]);
        };
      });
    } catch (error) {
      // Nothing has moved. After any other failure the next call makes the same move again.
      if (error instanceof AexpError && error.code === "sync.conflict") rmSync(path, { force: true });
      throw error;
    }
    rmSync(path, { force: true });
    await flushFolder(resolve(path, ".."));
  }

  /** Finishes a move that was killed. */
  async finishInterrupted(): Promise<void> {
    await this.#removeOwnLock();
    const path = await this.#gitPath("aexp-sync.json");
    if (!existsSync(path)) return;
    const journal = parseJournal(readFileSync(path, "utf8"));
    if (journal !== undefined) {
      const head = await this.#git.maybe(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
      const isUnborn = head === undefined && journal.from === (await emptyTree(this.#git));
      if (head === journal.from || isUnborn) return await this.move(head, journal.to);
    }
    rmSync(path, { force: true });
  }

  /** Makes the index agree with HEAD for the files below `paths` whose content on disk is that of HEAD. */
  async settle(paths: readonly string[]): Promise<void> {
    const specs = paths.map((path) => `:(literal)${path}`);
    const list = ["diff-index", "--cached", "--name-only", "-z", "HEAD", "--", ...specs];
    if ((await this.#git.maybe(["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])) === undefined) return;
    if ((await this.#git.items(list)).length === 0) return;
    await this.#withIndex(async (env) => {
      const staged = await this.#git.text(["write-tree"], { env });
      await this.#adopt(staged, "HEAD", env, specs);
      await this.#refresh(env);
      return async () => undefined;
    });
  }

  /**
   * Runs `change` on a copy of the index, then `publish`, then puts the copy in place of the index. Other git
   * commands wait or refuse meanwhile, as they do for git's own.
   */
  async #withIndex(change: (env: Readonly<Record<string, string>>) => Promise<() => Promise<void>>): Promise<void> {
    const index = await this.#gitPath("index");
    const lock = `${index}.lock`;
    const copy = `${index}.aexp`;
    await takeLock(lock);
    try {
      for (const file of [copy, `${copy}.lock`]) rmSync(file, { force: true });
      if (existsSync(index)) copyFileSync(index, copy);
      const publish = await change({ GIT_INDEX_FILE: copy });
      if (existsSync(copy)) renameSync(copy, index);
      await publish();
    } finally {
      rmSync(copy, { force: true });
      rmSync(lock, { force: true });
    }
  }

  async #twoWayMerge(from: string, to: string, env: Readonly<Record<string, string>>): Promise<void> {
    await this.#refresh(env);
    const { exitCode } = await this.#git.run(["read-tree", "-m", "-u", from, to], { env, answers: [0, 1, 128] });
    if (exitCode === 0) return;
    const files = await this.#filesInTheWay(from, to, env);
    throw new AexpError(
      `your uncommitted changes are in the way of what came: ${files.join(", ") || "unknown files"}`,
      {
        code: "sync.conflict",
        hint: "Commit or stash these files, then run `aexp sync` again. Your own commit is kept.",
      },
    );
  }

  /** Files that came and that the user has changed, staged or created, too. */
  async #filesInTheWay(from: string, to: string, env: Readonly<Record<string, string>>): Promise<readonly string[]> {
    const came = await this.#git.items(["diff-tree", "-r", "--name-only", "--no-renames", "-z", from, to]);
    const changed = new Set(await this.#git.items(["diff-index", "--name-only", "-z", from], { env }));
    const tracked = new Set(await this.#git.items(["ls-files", "--full-name", "-z", ":(top)"], { env }));
    const top = await this.#top();
    return came.filter((path) => changed.has(path) || (!tracked.has(path) && existsSync(resolve(top, path))));
  }

  /**
   * Takes files over whose content on disk is already that of `to`, provided that the index still has them as `from`
   * does: a killed move has brought them, or a run here wrote the same entry that came.
   */
  async #adopt(
    from: string,
    to: string,
    env: Readonly<Record<string, string>>,
    specs: readonly string[],
  ): Promise<void> {
    const diff = ["diff-tree", "-r", "--no-renames", "-z", from, to, ...(specs.length > 0 ? ["--", ...specs] : [])];
    const changes = parseRawDiff((await this.#git.run(diff)).stdout);
    const top = await this.#top();
    const staged = new Map(
      (await this.#git.items(["ls-files", "--stage", "--full-name", "-z", ":(top)"], { env })).map(parseStaged),
    );
    const untouched = changes.filter(({ path, oldBlob }) =>
      NO_BLOB.test(oldBlob) ? !staged.has(path) : staged.get(path) === oldBlob,
    );
    const gone = untouched.filter(({ blob, path }) => NO_BLOB.test(blob) && !isThere(resolve(top, path)));
    const present = untouched.filter(({ mode, path }) => mode.startsWith("100") && isPlainFile(resolve(top, path)));
    const blobs = await this.#hashFiles(
      top,
      present.map(({ path }) => path),
    );
    const same = present.filter(({ blob }, index) => blobs[index] === blob);
    const input = [
      ...gone.map(({ blob, path }) => `0 ${blob}\t${path}\0`),
      ...same.map(({ mode, blob, path }) => `${mode} ${blob}\t${path}\0`),
    ].join("");
    if (input !== "") await this.#git.run(["update-index", "-z", "--index-info"], { env, input });
  }

  /** The blobs that files would be stored as. */
  async #hashFiles(top: string, paths: readonly string[]): Promise<readonly string[]> {
    const quotable = paths.every((path) => !path.includes("\n"));
    if (paths.length === 0) return [];
    if (quotable) {
      const input = paths.map((path) => `${path}\n`).join("");
      return (await this.#git.text(["-C", top, "hash-object", "--stdin-paths"], { input })).split("\n");
    }
    const blobs: string[] = [];
    for (const path of paths) blobs.push(await this.#git.text(["-C", top, "hash-object", "--", path]));
    return blobs;
  }

  async #refresh(env: Readonly<Record<string, string>>): Promise<void> {
    await this.#git.run(["update-index", "-q", "--refresh"], { env, answers: [0, 1] });
  }

  /** Only one sync works in a clone, so a lock of ours that is there now belongs to a killed one. */
  async #removeOwnLock(): Promise<void> {
    const lock = `${await this.#gitPath("index")}.lock`;
    if (existsSync(lock) && readFileSync(lock, "utf8") === LOCK_TEXT) rmSync(lock);
  }

  async #top(): Promise<string> {
    return await this.#git.text(["rev-parse", "--show-toplevel"]);
  }

  async #gitPath(name: string): Promise<string> {
    return resolve(this.#git.root, await this.#git.text(["rev-parse", "--git-path", name]));
  }
}

/** How git writes "there is no such file" in a diff. */
const NO_BLOB = /^0+$/;

async function takeLock(lock: string): Promise<void> {
  const deadline = performance.now() + INDEX_WAIT_MS;
  // Linked into place, so that the lock never exists without the text that tells whose it is.
  const source = `${lock}.aexp`;
  writeFileSync(source, LOCK_TEXT);
  for (;;) {
    try {
      linkSync(source, lock);
      rmSync(source, { force: true });
      return;
    } catch (error) {
      if (systemErrorCode(error) !== "EEXIST") throw error;
    }
    if (performance.now() > deadline) {
      throw new AexpError(`another git command holds the index of this clone: ${JSON.stringify(lock)} exists`, {
        code: "sync.busy",
        hint: "Wait for it to end and run `aexp sync` again. If no git command is running, delete that file.",
      });
    }
    await sleep(50);
  }
}

function parseJournal(text: string): Journal | undefined {
  const value: unknown = JSON.parse(text);
  if (!isJsonObject(value)) return undefined;
  const { from, to } = value;
  return typeof from === "string" && typeof to === "string" ? { from, to } : undefined;
}

interface RawChange {
  readonly mode: string;
  readonly oldBlob: string;
  readonly blob: string;
  readonly path: string;
}

function parseRawDiff(stdout: Uint8Array): readonly RawChange[] {
  const items = splitItems(stdout);
  return items.flatMap((path, index) => {
    if (index % 2 === 0) return [];
    const [, mode = "", oldBlob = "", blob = ""] = (items[index - 1] ?? "").split(" ");
    return [{ mode, oldBlob, blob, path }];
  });
}

function parseStaged(item: string): readonly [string, string] {
  const [, blob = "", path = ""] = /^\d+ ([0-9a-f]+) \d\t(.*)$/s.exec(item) ?? [];
  return [path, blob];
}

function isThere(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isPlainFile(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isFile() === true;
}
