import type { Worker } from "node:worker_threads";

import { systemErrorCode } from "../../model/errors.ts";
import type { BytePath } from "../../model/byte-path.ts";
import type { FileOutcome } from "./hash-file.ts";
import type { HashOrder, HashReport } from "./serve-hashing.ts";

/** Orders that a thread has at once: the next one waits there while it works, or it would idle between two. */
const ORDERS_PER_THREAD = 2;
/** Failures of a machine that has no room for one more thread. */
const NO_THREAD = new Set(["ERR_WORKER_INIT_FAILED", "ERR_WORKER_OUT_OF_MEMORY"]);
/** An idle thread is ended after this: a worker lives for days, and each keeps some 10 MiB. */
const IDLE_MS = 1000;
const MIB_PER_THREAD = { maxOldGenerationSizeMb: 64, maxYoungGenerationSizeMb: 3 };

interface Job {
  readonly order: HashOrder;
  readonly onRead: (bytes: number) => void;
  readonly done: PromiseWithResolvers<readonly FileOutcome[]>;
}

/** Threads that hash files, started when there is work for them and ended together. */
export class HashPool implements AsyncDisposable {
  readonly #start: () => Worker;
  readonly #size: number;
  readonly #threads = new Map<Worker, Map<number, Job>>();
  readonly #waiting: Job[] = [];
  #lastId = 0;
  #idle: NodeJS.Timeout | undefined;

  /** @param size the largest number of threads */
  constructor(start: () => Worker, size: number) {
    this.#start = start;
    this.#size = size;
  }

  /** @param size the largest number of threads */
  static async open(size: number): Promise<HashPool> {
    const { Worker: Thread } = await import("node:worker_threads");
    return new HashPool(
      () => new Thread(threadFile(), { execArgv: [], argv: [], env: {}, resourceLimits: MIB_PER_THREAD }),
      size,
    );
  }

  /**
   * Hashes some files, one outcome for each.
   *
   * @param onRead told how many bytes were read since the last time
   * @throws {NoThreadError} when this machine has no room for a thread
   */
  hash(root: BytePath, paths: readonly BytePath[], onRead: (bytes: number) => void): Promise<readonly FileOutcome[]> {
    const job = {
      order: { id: (this.#lastId += 1), root, paths },
      onRead,
      done: Promise.withResolvers<readonly FileOutcome[]>(),
    };
    this.#waiting.push(job);
    clearTimeout(this.#idle);
    this.#giveOut();
    return job.done.promise;
  }

  /** Ends all threads; what they have not done is never done. */
  async [Symbol.asyncDispose](): Promise<void> {
    clearTimeout(this.#idle);
    const threads = [...this.#threads.keys()];
    // At once: what comes while they end is for others.
    this.#threads.clear();
    await Promise.all(threads.map(async (thread) => await thread.terminate()));
  }

  #giveOut(): void {
    for (let thread = this.#choose(); thread !== undefined; thread = this.#choose()) {
      const job = this.#waiting.shift();
      if (job === undefined) return;
      this.#threads.get(thread)?.set(job.order.id, job);
      thread.ref();
      thread.postMessage(job.order, []);
    }
    if (this.#threads.size === 0) this.#reject(new NoThreadError("no thread could be started"), new Map());
  }

  /** The thread with the least to do, or a new one; `undefined` when all have enough. */
  #choose(): Worker | undefined {
    if (this.#waiting.length === 0) return undefined;
    let chosen: Worker | undefined;
    let fewest = ORDERS_PER_THREAD;
    for (const [thread, jobs] of this.#threads) {
      if (jobs.size >= fewest) continue;
      chosen = thread;
      fewest = jobs.size;
    }
    return fewest > 0 && this.#threads.size < this.#size ? (this.#add() ?? chosen) : chosen;
  }

  /** @returns `undefined` when there is no room for another thread */
  #add(): Worker | undefined {
    let thread: Worker;
    try {
      thread = this.#start();
    } catch (error) {
      if (!isNoRoom(error)) throw error;
      return undefined;
    }
    const jobs = new Map<number, Job>();
    this.#threads.set(thread, jobs);
    thread.on("message", (report: HashReport) => {
      const job = jobs.get(report.id);
      if (report.kind === "read") {
        job?.onRead(report.bytes);
        return;
      }
      jobs.delete(report.id);
      job?.done.resolve(report.outcomes);
      this.#giveOut();
      if (jobs.size === 0) this.#rest(thread);
    });
    thread.on("error", (error) => {
      this.#threads.delete(thread);
      this.#reject(isNoRoom(error) ? new NoThreadError(error.message) : error, jobs);
    });
    return thread;
  }

  /** A thread without work keeps no process from its end. */
  #rest(thread: Worker): void {
    thread.unref();
    if ([...this.#threads.values()].some((jobs) => jobs.size > 0)) return;
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => void this[Symbol.asyncDispose](), IDLE_MS).unref();
  }

  #reject(error: unknown, jobs: ReadonlyMap<number, Job>): void {
    for (const job of [...jobs.values(), ...this.#waiting.splice(0)]) job.done.reject(error);
  }
}

function isNoRoom(error: unknown): boolean {
  return NO_THREAD.has(systemErrorCode(error) ?? "");
}

/** This machine has no room for a thread: the work is to be done without. */
export class NoThreadError extends Error {
  override readonly name = "NoThreadError";
}

/** The sources are executed as they are. The bundle may have put this module into any file below `dist`. */
function threadFile(): URL {
  const here = import.meta.url;
  if (here.endsWith(".ts")) return new URL("../../hash-thread.ts", here);
  return new URL(here.replace(/^(.*\/dist\/).*$/, "$1hash-thread.js"));
}
