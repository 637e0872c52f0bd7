import { hash, randomUUID } from "node:crypto";

import type { NewEvent, NewItem } from "../outgoing.ts";
import { integer, type Row } from "../rows.ts";
import type { Connection, Result } from "./connection.ts";
import { ConnectionLost, explainServerFailure } from "./failures.ts";
import { toJson, type Values } from "./named-values.ts";

/** What can be asked of the database. */
export interface Queries {
  get(sql: string, values?: Values): Promise<Row | undefined>;
  all(sql: string, values?: Values): Promise<readonly Row[]>;
}

/** What can be done in a transaction. */
export interface Statements extends Queries {
  /** @returns how many rows were changed */
  run(sql: string, values?: Values): Promise<number>;
  /** As `run`, for what nobody waits for: if it fails, the transaction fails when it is committed. */
  send(sql: string, values?: Values): void;
  /** Several statements without values. */
  exec(sql: string): Promise<void>;
}

/** One consistent state of the database, and the time at which it was looked at. */
export interface ReadTransaction {
  readonly db: Queries;
  readonly now: number;
}

/** A transaction that excludes every other writer. Its time is one for all that it writes. */
export interface WriteTransaction extends ReadTransaction {
  readonly db: Statements;
  /** What its first statement gave. */
  readonly first: readonly Row[];
  /** What is told when the transaction is committed, in order. */
  readonly outgoing: (NewEvent | NewItem)[];
  /** Tells sleeping workers that something may have become possible. */
  wake(): void;
}

/** A statement that is sent together with the beginning of its transaction. */
export interface Opening {
  readonly sql: string;
  readonly values: Values;
}

/** How a transaction is written. */
export interface WriteOptions {
  readonly opening?: Opening;
  /**
   * Does not wait for the server's disk: a server that crashes may forget it, and everything works out all the same.
   */
  readonly mayBeForgotten?: boolean;
  /** It must not be done twice, although it tells nobody anything. */
  readonly isOnce?: boolean;
}

/** The time of the transaction, for statements that are sent before it is known here. */
export const NOW = "current_setting('aexp.now')::bigint";

/** The end of something that lasts so long from now on; times are whole milliseconds. */
export function endOf(tx: ReadTransaction, durationMs: number): number {
  return Math.ceil(tx.now + durationMs);
}

/** What a transaction came to whose commit was sent and not answered. */
interface InDoubt<T> {
  readonly serial: number;
  readonly result: T;
}

/** A connection that is lost again and again under one transaction is not tried for ever. */
const MAX_LOSSES = 4;
/** The server's own clock. That of this machine may be another one on every machine. */
const SERVER_CLOCK = "floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint";

/**
 * Waits until everything that was committed so far is on the server's disk, unless it is: nothing is answered before.
 * It is a transaction of its own behind the one that took the lock, so that many wait for one flush together. As the log
 * is written in order, what others built on an unflushed commit is never there without it after a crash.
 */
const FLUSH = `SELECT pg_logical_emit_message(true, 'aexp', '')
  WHERE pg_current_wal_insert_lsn() > pg_current_wal_flush_lsn()`;

/** The transactions of one process, one after the other on one connection. */
export class Database implements Queries {
  readonly connection: Connection;
  readonly #schema: string;
  readonly #clock: () => string;
  readonly #lockKey: string;
  /** Names this process to later connections of its own. */
  readonly #writer = randomUUID();
  #serial = 0;
  #turn: Promise<unknown> = Promise.resolve();

  /** @param clock - an SQL expression; tests replace it */
  constructor(connection: Connection, schema: string, clock: () => string = () => SERVER_CLOCK) {
    this.connection = connection;
    this.#schema = schema;
    this.#clock = clock;
    this.#lockKey = toLockKey(schema);
  }

  async now(): Promise<number> {
    return await this.#inTurn(async () => {
      const { rows } = await this.connection.exec(`SELECT ${this.#clock()} AS now`);
      return integer(rows[0] ?? {}, "now");
    });
  }

  async get(sql: string, values?: Values): Promise<Row | undefined> {
    return (await this.all(sql, values))[0];
  }

  async all(sql: string, values?: Values): Promise<readonly Row[]> {
    return await this.#inTurn(async () => (await this.connection.query(sql, values)).rows);
  }

  /** Asks to be told of changes, which `connection` then counts. */
  async listen(): Promise<void> {
    await this.#inTurn(async () => await this.connection.listen());
  }

  /** Executes one statement that changes nothing, as a transaction of its own: one message and one answer. */
  async readAtOnce({ sql, values }: Opening): Promise<readonly Row[]> {
    return await this.#inTurn(async () => {
      const { connection } = this;
      const [, { rows }] = await Promise.all([
        connection.exec(`BEGIN READ ONLY; ${this.#setTime()}`),
        connection.query(sql, values),
        connection.exec("COMMIT"),
      ]);
      return rows;
    });
  }

  /**
   * Executes one statement as a transaction that excludes every other writer: one message and one answer, so that the
   * others wait for the server alone. When the connection is lost, it is executed once more; it has to see by itself
   * whether it was executed before.
   *
   * @throws {AexpError} `queue.busy`, `queue.unreachable`
   */
  async writeAtOnce({ sql, values }: Opening): Promise<readonly Row[]> {
    return await this.#inTurn(async () => {
      const { connection } = this;
      const [, { rows }] = await Promise.all([
        connection.exec(this.#beginning()),
        connection.query(sql, values),
        connection.exec("COMMIT"),
        connection.exec(FLUSH),
      ]);
      return rows;
    });
  }

  /** Runs `work` on one consistent state of the database, without keeping any writer waiting. */
  async read<T>(work: (tx: ReadTransaction) => Promise<T>): Promise<T> {
    return await this.#inTurn(async () => {
      const { connection } = this;
      const time = await connection.exec(`BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY; ${this.#setTime()}`);
      const result = await work({ db: statementsOf(connection, []), now: toTime(time) });
      await connection.exec("COMMIT");
      return result;
    });
  }

  /**
   * Runs `work` in one transaction that excludes every other writer, and commits it; when it throws, nothing was
   * changed. When the connection is lost, `work` is run once more, unless the commit had arrived before.
   *
   * @throws {AexpError} `queue.busy`, `queue.unreachable`
   */
  async write<T>(work: (tx: WriteTransaction) => Promise<T>, options: WriteOptions = {}): Promise<T> {
    let inDoubt: InDoubt<T> | undefined;
    return await this.#inTurn(async () => {
      if (inDoubt !== undefined && (await this.#wasCommitted(inDoubt.serial))) return inDoubt.result;
      const { now, first } = await this.#begin(options.opening);
      const outgoing: (NewEvent | NewItem)[] = [];
      let wakes = false;
      const wake = () => void (wakes = true);
      const sent: Promise<unknown>[] = [];
      const result = await work({ db: statementsOf(this.connection, sent), now, first, outgoing, wake });
      const serial = (this.#serial += 1);
      // What tells nobody anything may as well be done twice.
      const parts = options.isOnce === true && outgoing.length === 0 ? [[]] : [...chunksOf(outgoing)];
      if (parts.length > 0) inDoubt = { serial, result };
      const isWaking = wakes || outgoing.some(wakesSleepers);
      await this.#commit(now, parts, serial, { sent, isWaking, isFlushed: options.mayBeForgotten !== true });
      return result;
    });
  }

  async close(): Promise<void> {
    await this.#turn.catch(() => {}); // whoever asked for it was told
    await this.connection.close();
  }

  async #begin(opening: Opening | undefined): Promise<{ readonly now: number; readonly first: readonly Row[] }> {
    const { connection } = this;
    const [time, first] = await Promise.all([
      connection.exec(this.#beginning()),
      opening && connection.query(opening.sql, opening.values),
    ]);
    return { now: toTime(time), first: first?.rows ?? [] };
  }

  /**
   * The lock first of all: each later statement sees what the one before us has committed. The commit itself does not
   * wait for the disk, which would keep the next writer waiting as well; see {@link FLUSH}.
   */
  #beginning(): string {
    return `BEGIN ISOLATION LEVEL READ COMMITTED; SELECT pg_advisory_xact_lock(${this.#lockKey});
      SET LOCAL synchronous_commit = off; ${this.#setTime()}`;
  }

  async #commit(
    now: number,
    outgoing: readonly (readonly (NewEvent | NewItem)[])[],
    serial: number,
    {
      sent,
      isWaking,
      isFlushed,
    }: { readonly sent: readonly Promise<unknown>[] } & Readonly<Record<"isWaking" | "isFlushed", boolean>>,
  ): Promise<void> {
    const { connection } = this;
    const steps: Promise<unknown>[] = [];
    for (const part of outgoing) {
      const items = toJson(part.map((item, n) => ({ n, ...toOutgoingRow(item) })));
      steps.push(connection.query(TELL, { items, now, writer: this.#writer, serial }));
    }
    // After a failure of a step the server takes this for a rollback.
    steps.push(connection.exec(isWaking ? `NOTIFY ${this.#schema}; COMMIT` : "COMMIT"));
    if (isFlushed) steps.push(connection.exec(FLUSH));
    await Promise.all([...sent, ...steps]);
  }

  /** Asks under the lock, so that a session which nobody listens to any more has come to its end before. */
  async #wasCommitted(serial: number): Promise<boolean> {
    await this.#begin(undefined);
    const { rows } = await this.connection.query("SELECT serial FROM writers WHERE id = :writer", {
      writer: this.#writer,
    });
    await this.connection.exec("ROLLBACK");
    return rows[0] !== undefined && integer(rows[0], "serial") >= serial;
  }

  /** Waits until everything before is done, so that no statement gets into another one's transaction. */
  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turn.then(
      () => this.#insist(work),
      () => this.#insist(work),
    );
    this.#turn = turn;
    return await turn;
  }

  async #insist<T>(work: () => Promise<T>): Promise<T> {
    const { connection } = this;
    for (let losses = 0; ; losses += 1) {
      await connection.ready();
      try {
        return await work();
      } catch (error) {
        if (!(error instanceof ConnectionLost)) {
          // Outside of a transaction it does nothing. If it fails, the connection is lost, and the transaction with it.
          await connection.exec("ROLLBACK").catch(() => {});
          throw explainServerFailure(error, connection.place);
        }
        if (losses >= MAX_LOSSES) throw explainServerFailure(error.cause, connection.place);
      }
    }
  }

  #setTime(): string {
    return `SELECT set_config('aexp.now', (${this.#clock()})::text, true)::bigint AS now`;
  }
}

function toTime({ rows }: Result): number {
  return integer(rows[0] ?? {}, "now");
}

/** So many rows go into one statement, none of which may then take long. */
const CHUNK = 2000;

/** The list in parts of at most {@link CHUNK}. */
export function* chunksOf<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += CHUNK) yield items.slice(start, start + CHUNK);
}

/** @param sent - gets the answers that nobody waits for yet */
function statementsOf(connection: Connection, sent: Promise<unknown>[]): Statements {
  return {
    send: (sql, values) => {
      const answer = connection.query(sql, values);
      // It is looked at when the transaction is committed, and by then it may have failed long ago.
      answer.catch(() => {});
      sent.push(answer);
    },
    get: async (sql, values) => (await connection.query(sql, values)).rows[0],
    all: async (sql, values) => (await connection.query(sql, values)).rows,
    run: async (sql, values) => (await connection.query(sql, values)).changes,
    exec: async (sql) => void (await connection.exec(sql)),
  };
}

/** The number of the lock that all writers of a schema take. */
function toLockKey(schema: string): string {
  const bits = BigInt(`0x${hash("sha256", `aexp ${schema}`, "hex").slice(0, 16)}`);
  return BigInt.asIntN(64, bits).toString();
}

/** After these something may be claimed, or has to be stopped. */
const WAKING: readonly NewEvent["kind"][] = [
  "run.queued",
  "run.released",
  "run.retrying",
  "run.ended",
  "stop.requested",
  "lane.changed",
  "lock.broken",
];

function wakesSleepers(item: NewEvent | NewItem): boolean {
  return "kind" in item && WAKING.includes(item.kind);
}

function toOutgoingRow(item: NewEvent | NewItem): Readonly<Record<string, unknown>> {
  if ("topic" in item) return { ...item };
  const { kind, runId, groupId, data = {}, dedupe } = item;
  return { topic: "event", subject: runId ?? groupId ?? kind, dedupe, kind, run_id: runId, group_id: groupId, data };
}

/**
 * Writes down what happened, and puts it with all other side effects into the outbox. That this process did so tells it
 * after a loss of its connection whether the transaction was committed.
 */
const TELL = `
  WITH item AS MATERIALIZED (
    SELECT i.*, CASE topic WHEN 'event' THEN nextval('event_ids') END AS event_id
    FROM (
      SELECT * FROM json_to_recordset(:items::json) AS r (
        n integer, topic text, subject text, machine text, dedupe text, kind text, run_id text, group_id text, data json)
      ORDER BY n) i),
  told AS (
    INSERT INTO events (id, at, kind, run_id, group_id, data)
    SELECT event_id, :now, kind, run_id, group_id, data FROM item WHERE topic = 'event'),
  written AS (
    INSERT INTO writers (id, serial, at) VALUES (:writer, :serial, :now)
    ON CONFLICT (id) DO UPDATE SET serial = excluded.serial, at = excluded.at)
  INSERT INTO outbox (topic, subject, machine, dedupe, data, at)
  SELECT topic, subject, machine, coalesce(dedupe, 'event:' || event_id),
    CASE topic WHEN 'mark' THEN data ELSE json_build_object('id', event_id, 'at', :now::bigint, 'kind', kind,
      'runId', run_id, 'groupId', group_id, 'data', data) END,
    :now
  FROM item ORDER BY n
  ON CONFLICT (dedupe) DO NOTHING`;
