import { AexpError } from "../../model/errors.ts";
import type { Database, WriteTransaction } from "./database.ts";

/** Of stages that were cached, a transaction of more would keep a claim waiting for longer than it may. */
const MOST = 16;

/** One that waits for the transaction. */
interface Write {
  readonly work: (tx: WriteTransaction) => () => void;
  readonly onFailure: (error: unknown) => void;
}

/**
 * Writes that are asked for in the same turn of the event loop share one transaction, in the order in which they came. To
 * begin and commit costs as much as a small write, and each page that they all change is written once.
 */
export class SharedTransaction {
  readonly #db: Database;
  readonly #waiting: Write[] = [];

  constructor(db: Database) {
    this.#db = db;
  }

  /** Settles once the work is committed, or has thrown and left nothing. */
  write<T>(work: (tx: WriteTransaction) => T): Promise<T> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length === 0) setImmediate(() => this.#commit());
      const keep = (tx: WriteTransaction): (() => void) => {
        const result = work(tx);
        return () => resolve(result);
      };
      this.#waiting.push({ work: keep, onFailure: reject });
    });
  }

  #commit(): void {
    const writes = this.#waiting.splice(0, MOST);
    if (this.#waiting.length > 0) setImmediate(() => this.#commit());
    this.#commitAll(writes);
  }

  /** One that throws must not take others with it: then each is committed by itself, unless nobody can write now. */
  #commitAll(writes: readonly Write[]): void {
    let tell: readonly (() => void)[];
    try {
      tell = this.#db.write((tx) => writes.map(({ work }) => work(tx)));
    } catch (error) {
      const isForAll = writes.length === 1 || (error instanceof AexpError && error.code === "queue.busy");
      for (const write of writes) {
        if (isForAll) write.onFailure(error);
        else this.#commitAll([write]);
      }
      return;
    }
    for (const told of tell) told();
  }
}
