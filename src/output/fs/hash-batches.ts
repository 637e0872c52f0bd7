import { type BytePath, joinBytes } from "../../model/byte-path.ts";
import { type FileOutcome, hashFile } from "./hash-file.ts";
import { type HashPool, NoThreadError } from "./hash-pool.ts";
import type { TurnTaking } from "./turn-taking.ts";
import { type TreeEntry, walkTree } from "./walk-tree.ts";

/** A part of a tree that is hashed in one go. */
export interface HashedBatch {
  readonly entries: readonly TreeEntry[];
  /** One for each file among the entries, in the same order. */
  readonly outcomes: readonly FileOutcome[];
}

/** Who hashes a tree, and who is told. */
export interface HashContext {
  readonly turn: TurnTaking;
  readonly signal: AbortSignal | undefined;
  /** Told how many bytes were read since the last time. */
  readonly onRead: (bytes: number) => void;
  /** `undefined` when threads are not wanted. */
  readonly openPool: (() => Promise<HashPool>) | undefined;
}

interface Batch {
  readonly entries: readonly TreeEntry[];
  readonly paths: readonly BytePath[];
  readonly cost: number;
}

const MAX_ENTRIES = 128;
const MAX_BYTES = 8 * 1024 * 1024;
/** To open, look at and close a file takes as long as hashing so many bytes, about 15 µs. */
const BYTES_PER_FILE = 24 * 1024;
/** What is done before threads are started: each takes 30 ms to start, and hashing so much takes nearly as long. */
const ALONE_BYTES = 32 * 1024 * 1024;
/** How many entries may be known beyond the first one that is not hashed: it bounds what is kept of results. */
const MAX_AHEAD = 2048;

/** Hashes all files of a tree. The batches come in the order of the tree, whoever finished first. */
export async function* hashBatches(root: BytePath, context: HashContext): AsyncGenerator<HashedBatch> {
  const { turn, openPool } = context;
  const ahead = new BatchesAhead(context.signal);
  let cost = 0;
  for (const batch of toBatches(walkTree(root))) {
    if (turn.isOver()) await turn.yield();
    cost += batch.cost;
    if (openPool === undefined || cost <= ALONE_BYTES) {
      yield { entries: batch.entries, outcomes: await hashHere(root, batch.paths, context) };
      continue;
    }
    ahead.push(batch.entries, hashElsewhere(root, batch.paths, context, await openPool()));
    while (ahead.count() > MAX_AHEAD) yield await ahead.takeFirst();
  }
  while (ahead.count() > 0) yield await ahead.takeFirst();
}

/** Batches that others are at work on, in the order of the tree. */
class BatchesAhead {
  readonly #batches: { readonly entries: Batch["entries"]; readonly outcomes: Promise<HashedBatch["outcomes"]> }[] = [];
  readonly #signal: AbortSignal | undefined;
  #entries = 0;

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** How many entries they have. */
  count(): number {
    return this.#entries;
  }

  push(entries: Batch["entries"], outcomes: Promise<HashedBatch["outcomes"]>): void {
    // Awaited in its turn; that it fails before is no surprise.
    outcomes.catch(() => undefined);
    this.#batches.push({ entries, outcomes });
    this.#entries += entries.length;
  }

  async takeFirst(): Promise<HashedBatch> {
    const first = this.#batches.shift();
    if (first === undefined) throw new Error("there is no batch");
    this.#entries -= first.entries.length;
    return { entries: first.entries, outcomes: await unlessAborted(first.outcomes, this.#signal) };
  }
}

/** Like `Promise.race`, which would keep every result in memory for as long as the signal lives. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work;
  signal.throwIfAborted();
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  work.then(resolve, reject);
  try {
    return await promise;
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function* toBatches(tree: Iterable<TreeEntry>): Generator<Batch> {
  let entries: TreeEntry[] = [];
  let paths: BytePath[] = [];
  let cost = 0;
  for (const entry of tree) {
    entries.push(entry);
    if (entry.type === "file") {
      paths.push(entry.path);
      cost += entry.size + BYTES_PER_FILE;
    }
    if (entries.length < MAX_ENTRIES && cost < MAX_BYTES) continue;
    yield { entries, paths, cost };
    entries = [];
    paths = [];
    cost = 0;
  }
  if (entries.length > 0) yield { entries, paths, cost };
}

async function hashElsewhere(
  root: BytePath,
  paths: readonly BytePath[],
  context: HashContext,
  pool: HashPool,
): Promise<readonly FileOutcome[]> {
  if (paths.length === 0) return [];
  try {
    return await pool.hash(root, paths, context.onRead);
  } catch (error) {
    if (!(error instanceof NoThreadError)) throw error;
    return await hashHere(root, paths, context);
  }
}

async function hashHere(
  root: BytePath,
  paths: readonly BytePath[],
  { turn, onRead }: HashContext,
): Promise<readonly FileOutcome[]> {
  const outcomes: FileOutcome[] = [];
  for (const path of paths) {
    const steps = hashFile(joinBytes(root, path));
    for (;;) {
      const step = steps.next();
      if (step.done === true) {
        outcomes.push(step.value);
        break;
      }
      onRead(step.value);
      if (turn.isOver()) await turn.yield();
    }
  }
  return outcomes;
}
