import { realpathSync } from "node:fs";
import { availableParallelism } from "node:os";

import { AexpError, messageOf } from "../../model/errors.ts";
import { type BytePath, fromBytes, fromText, joinBytes, quotePath } from "../../model/byte-path.ts";
import type { Digest } from "../digest.ts";
import { checkLink } from "./check-link.ts";
import { type HashContext, hashBatches } from "./hash-batches.ts";
import type { FileOutcome } from "./hash-file.ts";
import { HashPool } from "./hash-pool.ts";
import { changedWhileHashing, isGone, TreeChangedError, unreadable } from "./tree-failure.ts";
import { specialFile, summariseStats, TreeSummary } from "./tree-summary.ts";
import { TurnTaking } from "./turn-taking.ts";

/** How a file or folder is hashed. */
export interface HashOptions {
  /** `stat` looks at sizes and times only, and its digest holds for this place on this machine. */
  readonly hash?: "content" | "stat";
  /** Told after each part of a quarter of a mebibyte, or less often when threads do the work. */
  readonly onProgress?: (progress: HashProgress) => void;
  readonly signal?: AbortSignal | undefined;
}

/** How much was read so far; what has to be read again counts again. */
export interface HashProgress {
  readonly bytes: number;
  /** Files that are done. */
  readonly files: number;
}

/** What identifies a file or a folder. */
export interface TreeIdentity {
  readonly digest: Digest;
  /** Sizes of all files, added up. */
  readonly bytes: number;
  /** Regular files: links and folders do not count. */
  readonly files: number;
  /** Of paths, sizes and times, wherever the tree is: while it is the same, so is the digest. */
  readonly stats: Digest;
}

const MAX_THREADS = 8;
const TRIES = 2;

/** Hashes trees, with threads that are started when there is enough to do and kept for the next tree. */
export class TreeHasher implements AsyncDisposable {
  readonly #threads: number;
  #pool: Promise<HashPool> | undefined;

  /** @param threads the largest number of threads; with 0 this thread does it all, and lets others have their turn */
  constructor(threads: number = Math.min(MAX_THREADS, availableParallelism())) {
    this.#threads = threads;
  }

  /**
   * The identity of a file or folder, as it was at one instant: a change during the work is noticed, and all is read
   * again, once. A path that is a link is followed; links in the folder are not.
   *
   * @throws {AexpError} `output.not_found`, `output.unreadable`, `output.special_file`, `output.link_outside`,
   * `output.changed_while_hashing`
   * @throws the reason of the signal
   */
  async hash(path: string, options: HashOptions = {}): Promise<TreeIdentity> {
    options.signal?.throwIfAborted();
    const root = resolveRoot(path);
    for (let tries = 1; ; tries++) {
      try {
        return await this.#hashOnce(root, options);
      } catch (error) {
        if (!(error instanceof TreeChangedError)) throw error;
        if (tries === TRIES) throw changedWhileHashing(root);
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#pool)?.[Symbol.asyncDispose]();
  }

  async #hashOnce(root: BytePath, options: HashOptions): Promise<TreeIdentity> {
    const turn = new TurnTaking(options.signal);
    if (options.hash === "stat")
      return await summariseStats(root, turn, (path, target) => checkLink(root, path, target));
    const content = await this.#readAll(root, turn, options);
    const { stats } = await summariseStats(root, turn);
    // A file may have changed while the others were read.
    if (stats !== content.stats) throw new TreeChangedError("the tree is not what it was");
    return content;
  }

  async #readAll(root: BytePath, turn: TurnTaking, { signal, onProgress }: HashOptions): Promise<TreeIdentity> {
    const summary = new TreeSummary();
    let bytes = 0;
    const onRead = (count: number): void => onProgress?.({ bytes: (bytes += count), files: summary.files });
    const context = { turn, onRead, signal, openPool: this.#openPool() };
    for await (const { entries, outcomes } of hashBatches(root, context)) {
      const hashed = outcomes.values();
      for (const entry of entries) {
        if (entry.type === "special") throw specialFile(root, entry);
        if (entry.type === "link") checkLink(root, entry.path, entry.target);
        if (entry.type === "file") addOutcome(summary, root, entry.path, hashed.next().value);
        else summary.addOther(entry);
      }
    }
    return { ...summary.finish(), bytes: summary.bytes, files: summary.files };
  }

  #openPool(): HashContext["openPool"] {
    return this.#threads === 0 ? undefined : () => (this.#pool ??= HashPool.open(this.#threads));
  }
}

/** The identity of one file or folder, see {@link TreeHasher.hash}. */
export async function hashTree(path: string, options: HashOptions = {}): Promise<TreeIdentity> {
  await using hasher = new TreeHasher();
  return await hasher.hash(path, options);
}

function addOutcome(summary: TreeSummary, root: BytePath, path: BytePath, outcome: FileOutcome | undefined): void {
  if (outcome === undefined) throw new Error(`no outcome for ${quotePath(path)}`);
  const place = joinBytes(root, path);
  switch (outcome.kind) {
    case "hashed":
      summary.addFile({ path, ...outcome }, outcome.sha256);
      return;
    case "gone":
      throw new TreeChangedError(`${quotePath(place)} is gone`);
    case "unstable":
      throw changedWhileHashing(place);
    case "unreadable":
      throw unreadable(place, outcome.problem);
  }
}

function resolveRoot(path: string): BytePath {
  try {
    return fromBytes(realpathSync.native(path, { encoding: "buffer" }));
  } catch (error) {
    if (!isGone(error)) throw unreadable(fromText(path), messageOf(error), error);
    throw new AexpError(`There is no ${JSON.stringify(path)}`, { code: "output.not_found", cause: error });
  }
}
