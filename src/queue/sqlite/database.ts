import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";

import { AexpError, messageOf } from "../../model/errors.ts";
import type { Row } from "../rows.ts";

/** Values for the named parameters of a statement; `undefined` is stored as NULL. */
export type Values = Readonly<Record<string, SQLInputValue | undefined>>;

/** A statement whose values are bound by their places, which takes a quarter of the time that their names take. */
interface Prepared {
  readonly statement: StatementSync;
  /** The name of the value at each place. */
  readonly order: readonly string[];
}

/** A transaction that holds the write lock. Its time is one for all that it writes. */
export interface WriteTransaction {
  readonly db: Database;
  readonly now: number;
}

/** The end of something that lasts so long from now on; times are whole milliseconds. */
export function endOf(tx: WriteTransaction, durationMs: number): number {
  return Math.ceil(tx.now + durationMs);
}

const BUSY = 5;
const READ_ONLY = 8;
const IO_ERROR = 10;
const CORRUPT = 11;
const FULL = 13;
const NOT_A_DATABASE = 26;
/** Nothing of ours holds the write lock for so long; it is a stopped process or a foreign program. */
const BUSY_MS = 10_000;
/** SQLite's own waiting grows to 100 ms a step, which is fifty times as long as our transactions take. */
const BUSY_STEP_MS = 0.3;
/** Who had to wait lets others go first for a while, so that no process waits much longer than the rest. */
const POLITE_STEP_MS = 0.5;
const POLITE_MS = 50;

/** One connection, with its statements kept. Everything is synchronous; a transaction is never interleaved. */
export class Database {
  readonly path: string;
  readonly #connection: DatabaseSync;
  readonly #nowMs: () => number;
  readonly #statements = new Map<string, Prepared>();
  #politeUntil = 0;
  readonly #cell = new Int32Array(new SharedArrayBuffer(4));

  constructor(connection: DatabaseSync, path: string, nowMs: () => number) {
    this.#connection = connection;
    this.path = path;
    this.#nowMs = nowMs;
  }

  /** Milliseconds of the machine's clock, which is the clock of this store. */
  now(): number {
    return Math.floor(this.#nowMs());
  }

  get(sql: string, values: Values = {}): Row | undefined {
    return this.#execute(() => {
      const { statement, order } = this.#prepare(sql);
      return statement.get(...inOrder(order, values));
    });
  }

  all(sql: string, values: Values = {}): readonly Row[] {
    return this.#execute(() => {
      const { statement, order } = this.#prepare(sql);
      return statement.all(...inOrder(order, values));
    });
  }

  /** @returns how many rows were changed, and the row id of the last one inserted */
  run(sql: string, values: Values = {}): { readonly changes: number; readonly lastRowId: number } {
    return this.#execute(() => {
      const { statement, order } = this.#prepare(sql);
      const { changes, lastInsertRowid } = statement.run(...inOrder(order, values));
      return { changes: Number(changes), lastRowId: Number(lastInsertRowid) };
    });
  }

  /** Several statements without values. */
  exec(sql: string): void {
    this.#execute(() => this.#connection.exec(sql));
  }

  /**
   * Runs `work` in one transaction that excludes every other writer, and commits it; when it throws, nothing was
   * changed.
   *
   * @throws {AexpError} `queue.busy`
   */
  write<T>(work: (tx: WriteTransaction) => T): T {
    if (performance.now() < this.#politeUntil) this.#pause(POLITE_STEP_MS);
    const hasWaited = this.#whenFree("BEGIN IMMEDIATE");
    if (hasWaited) this.#politeUntil = performance.now() + POLITE_MS;
    try {
      const result = work({ db: this, now: this.now() });
      this.#whenFree("COMMIT");
      return result;
    } catch (error) {
      // After some failures, such as a full disk, SQLite has rolled back already.
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
      throw error;
    }
  }

  /** As {@link write}; and once it returns, not even a power cut undoes it. For what people ask for. */
  writeDurably<T>(work: (tx: WriteTransaction) => T): T {
    this.exec("PRAGMA synchronous = FULL");
    try {
      return this.write(work);
    } finally {
      this.exec("PRAGMA synchronous = NORMAL");
    }
  }

  /** Runs `work` on one consistent state of the database, without keeping any writer waiting. */
  read<T>(work: () => T): T {
    this.#whenFree("BEGIN");
    try {
      return work();
    } finally {
      if (this.#connection.isTransaction) this.#connection.exec("ROLLBACK");
    }
  }

  close(): void {
    this.#statements.clear();
    if (this.#connection.isOpen) this.#connection.close();
  }

  #prepare(sql: string): Prepared {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const order: string[] = [];
    const positional = sql.replaceAll(/(?<!\w):([a-z]\w*)/gi, (_, name: string) => {
      order.push(name);
      return "?";
    });
    const prepared = { statement: this.#connection.prepare(positional), order };
    this.#statements.set(sql, prepared);
    return prepared;
  }

  #execute<T>(work: () => T): T {
    const deadline = performance.now() + BUSY_MS;
    for (;;) {
      try {
        return work();
      } catch (error) {
        // Inside a transaction the locks are held already; outside, a reader may meet a recovery or a checkpoint.
        const mayRepeat = isBusy(error) && !this.#connection.isTransaction && performance.now() < deadline;
        if (!mayRepeat) throw explainDatabaseFailure(error, this.path);
      }
      this.#pause(BUSY_STEP_MS);
    }
  }

  /** @returns whether it had to wait */
  #whenFree(statement: "BEGIN" | "BEGIN IMMEDIATE" | "COMMIT"): boolean {
    const deadline = performance.now() + BUSY_MS;
    let hasWaited = false;
    for (;;) {
      try {
        this.#prepare(statement).statement.run();
        return hasWaited;
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) throw explainDatabaseFailure(error, this.path);
      }
      hasWaited = true;
      this.#pause(BUSY_STEP_MS);
    }
  }

  #pause(stepMs: number): void {
    Atomics.wait(this.#cell, 0, 0, stepMs * (0.5 + Math.random()));
  }
}

function inOrder(order: readonly string[], values: Values): readonly SQLInputValue[] {
  return order.map((name) => values[name] ?? null);
}

/** The primary result code of an error from SQLite; extended codes carry it in their lowest byte. */
function resultCodeOf(error: unknown): number | undefined {
  return error instanceof Error && "errcode" in error && typeof error.errcode === "number"
    ? error.errcode & 0xff
    : undefined;
}

function isBusy(error: unknown): boolean {
  return resultCodeOf(error) === BUSY;
}

/** Gives the failures of a database that a user can do something about a sentence of their own. */
export function explainDatabaseFailure(error: unknown, path: string): unknown {
  const name = JSON.stringify(path);
  switch (resultCodeOf(error)) {
    case BUSY:
      return new AexpError(`${name} was locked by another process for ${BUSY_MS / 1000} s. Nothing was changed`, {
        code: "queue.busy",
        hint: "Look for a stopped aexp process, then try again.",
        cause: error,
      });
    case READ_ONLY:
      return new AexpError(`${name} cannot be written: ${messageOf(error)}`, {
        code: "environment.read_only",
        hint: "Check the permissions of the file and of the folder around it.",
        cause: error,
      });
    case FULL:
      return new AexpError(`${name} cannot be written: no space left. Nothing was changed`, {
        code: "environment.disk_full",
        hint: "Free some space, or raise the quota, and run the command again.",
        cause: error,
      });
    case IO_ERROR:
    case CORRUPT:
    case NOT_A_DATABASE:
      return new AexpError(`${name} cannot be used as the queue's database: ${messageOf(error)}`, {
        code: "queue.database_damaged",
        hint: "Move it away and run `aexp queue recover --rebuild`, which restores the queue from the runs' documents.",
        cause: error,
      });
    case undefined:
    default:
      return error;
  }
}
