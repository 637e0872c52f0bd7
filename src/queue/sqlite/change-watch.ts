import { type FSWatcher, watch } from "node:fs";
import { dirname } from "node:path";

import { integer } from "../rows.ts";
import type { Database } from "./database.ts";

/** One look costs microseconds. */
const LOOK_EVERY_MS = 20;
/** A commit shows a moment after the last write to its file: as long as the disk takes to flush it. */
const SETTLES_MS = 1000;
/** Where the system tells nothing of files, this many looks cost a thousandth of a processor. */
const BLIND_LOOK_EVERY_MS = 50;

/** Lets sleepers wait for what other processes commit. */
export class ChangeWatch {
  readonly #db: Database;
  #seen: number | undefined;
  #watcher: FSWatcher | undefined;
  /** Nothing tells of writes to the files, so they are looked at again and again. */
  #isBlind = false;
  #writtenMs = -Infinity;
  #wake: () => void = () => undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** See `QueueStore.waitForChange`. */
  async wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    this.#begin();
    const deadline = performance.now() + timeoutMs;
    while (this.#version() === this.#seen) {
      const left = deadline - performance.now();
      if (left <= 0 || signal?.aborted === true) return false;
      await this.#pause(Math.min(this.#lookAgainMs(), left), signal);
    }
    this.#seen = this.#version();
    return true;
  }

  close(): void {
    this.#watcher?.close();
  }

  #begin(): void {
    if (this.#watcher !== undefined || this.#isBlind) return;
    try {
      this.#watcher = watch(dirname(this.#db.path), { persistent: false }, () => {
        this.#writtenMs = performance.now();
        this.#wake();
      });
      this.#watcher.on("error", () => this.#goBlind());
    } catch {
      // The system allows no more watches, or knows none for this file system.
      this.#goBlind();
    }
  }

  #goBlind(): void {
    this.#isBlind = true;
    this.#watcher?.close();
  }

  #lookAgainMs(): number {
    if (this.#isBlind) return BLIND_LOOK_EVERY_MS;
    return performance.now() - this.#writtenMs < SETTLES_MS ? LOOK_EVERY_MS : Infinity;
  }

  /** Until the time is over, the signal is given, or a file was written. */
  async #pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const timer = setTimeout(resolve, ms);
    const abort = () => resolve();
    signal?.addEventListener("abort", abort, { once: true });
    await promise;
    signal?.removeEventListener("abort", abort);
    clearTimeout(timer);
  }

  /** Changes with every commit of another connection. */
  #version(): number {
    return integer(this.#db.get("PRAGMA data_version") ?? {}, "data_version");
  }
}
