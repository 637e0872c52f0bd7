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
  async wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<boolean> {
    const { connection } = this.#db;
    // Without a connection nothing is asked: the sleeper's next statement has not to wait for another attempt.
    if (connection.isOpen && !connection.isListening) this.#ask();
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
    const isChanged = connection.changes !== this.#seen;
    this.#seen = connection.changes;
    return isChanged;
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
