import { setTimeout as sleep } from "node:timers/promises";

import { integer } from "../rows.ts";
import type { Database } from "./database.ts";

/** One look costs microseconds. */
const LOOK_EVERY_MS = 20;

/** Lets sleepers wait for what other processes commit. */
export class ChangeWatch {
  readonly #db: Database;
  #seen: number | undefined;

  constructor(db: Database) {
    this.#db = db;
  }

  /** See `QueueStore.waitForChange`. */
  async wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.#version() === this.#seen) {
      const left = deadline - performance.now();
      if (left <= 0 || signal?.aborted === true) return;
      await sleep(Math.min(LOOK_EVERY_MS, left), undefined, { ...(signal && { signal }) }).catch(() => {});
    }
    this.#seen = this.#version();
  }

  /** Changes with every commit of another connection. */
  #version(): number {
    return integer(this.#db.get("PRAGMA data_version") ?? {}, "data_version");
  }
}
