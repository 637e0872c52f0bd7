import type { Database } from "./database.ts";

/** Lets sleepers wait for what the server tells of changes. */
export class ChangeWatch {
  readonly #db: Database;
  #seen = 0;
  #isAsking = false;

  constructor(db: Database) {
    this.#db = db;
  }

  /** See `QueueStore.waitForChange`. */
  async wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    const { connection } = this.#db;
    if (!connection.isListening) this.#ask();
    if (connection.changes === this.#seen && signal?.aborted !== true) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const forget = connection.onChange(resolve);
      const timer = setTimeout(resolve, timeoutMs);
      const abort = () => resolve();
      signal?.addEventListener("abort", abort, { once: true });
      await promise;
      signal?.removeEventListener("abort", abort);
      clearTimeout(timer);
      forget();
    }
    this.#seen = connection.changes;
  }

  /** Without an answer the sleeper only sleeps until its time is over, and the next one asks again. */
  #ask(): void {
    if (this.#isAsking) return;
    this.#isAsking = true;
    const stop = () => {
      this.#isAsking = false;
    };
    void this.#db.listen().then(stop, stop);
  }
}
