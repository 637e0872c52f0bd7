import type { Client, QueryResult } from "pg";
import { setTimeout as sleep } from "node:timers/promises";

import type { Row } from "../rows.ts";
import { ConnectionLost, explainServerFailure, isLost, isPassing } from "./failures.ts";
import { inOrder, toPositional, type Values } from "./named-values.ts";
import { toDriverUrl } from "./place.ts";
import { refuseSharedSession } from "./pooler.ts";

/** What a statement gave, and how many rows it changed. */
export interface Result {
  readonly rows: readonly Row[];
  readonly changes: number;
}

/** How the server is reached. */
export interface ConnectionOptions {
  readonly url: string;
  readonly schema: string;
  /** How messages call the database; without any secret. */
  readonly place: string;
  /** So long a connection is tried again before it is given up. */
  readonly patienceMs: number;
}

const CONNECT_MS = 5000;
/** Our transactions take milliseconds; what takes so long is stopped, cut off or overloaded. */
const STATEMENT_MS = 15_000;
const LOCK_MS = 10_000;
/** A process that was stopped in a transaction keeps everybody waiting; the server ends its session. */
const IDLE_IN_TRANSACTION_MS = 5000;
/** An answer that takes longer than the server allows itself was lost on the way. */
const ANSWER_MS = 20_000;
const GOODBYE_MS = 1000;
const LONGEST_PAUSE_MS = 1000;
const INT8 = 20;
const JSON_TYPE = 114;

/**
 * One connection to the server, made when it is needed and made again when it was lost. Statements are sent without
 * waiting for the answers to those before them.
 */
export class Connection {
  readonly place: string;
  readonly #options: ConnectionOptions;
  readonly #onOpen: (connection: Connection) => Promise<void>;
  #client: Client | undefined;
  #listens = false;
  #isClosed = false;
  /** Counts notifications, and losses of the connection that may have hidden some. */
  #changes = 0;
  readonly #waiting = new Set<() => void>();

  /** @param onOpen - looks at each new connection before it is used */
  constructor(options: ConnectionOptions, onOpen: (connection: Connection) => Promise<void>) {
    this.#options = options;
    this.#onOpen = onOpen;
    this.place = options.place;
  }

  /**
   * Connects, unless that is done. Tries again while the server may be coming up.
   *
   * @throws {AexpError} `queue.unreachable`, `queue.access_denied`, `queue.pooler_unsuitable`, and what `onOpen` throws
   */
  async ready(): Promise<void> {
    const deadline = performance.now() + this.#options.patienceMs;
    for (let failures = 1; this.#client === undefined; failures += 1) {
      try {
        await this.#open();
        return;
      } catch (error) {
        const cause = error instanceof ConnectionLost ? error.cause : error;
        if (!isPassing(cause) || performance.now() > deadline) throw explainServerFailure(cause, this.place);
      }
      await sleep(Math.min(LONGEST_PAUSE_MS, 25 * 2 ** failures) * (0.5 + Math.random() / 2));
    }
  }

  /** @throws {ConnectionLost} and whatever the server says to the statement */
  async query(sql: string, values: Values = {}): Promise<Result> {
    const { name, text, order } = toPositional(sql);
    return await this.#send((client) => client.query<Row>({ name, text, values: inOrder(order, values) }));
  }

  /** One statement without values, or several of them, none of which is prepared. @returns what the last one gave */
  async exec(sql: string): Promise<Result> {
    return await this.#send((client) => client.query<Row>(sql));
  }

  /** Asks to be told of changes; the connection must be ready and in no transaction. */
  async listen(): Promise<void> {
    if (this.#listens) return;
    await this.exec(`LISTEN ${this.#options.schema}`);
    this.#listens = true;
    this.#noteChange();
  }

  get isOpen(): boolean {
    return this.#client !== undefined;
  }

  get isListening(): boolean {
    return this.#listens;
  }

  /** How many changes there were so far. */
  get changes(): number {
    return this.#changes;
  }

  /** Calls back at the next change. @returns what takes that back */
  onChange(callback: () => void): () => void {
    this.#waiting.add(callback);
    return () => void this.#waiting.delete(callback);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const client = this.#client;
    this.#client = undefined;
    if (client === undefined) return;
    await Promise.race([client.end(), sleep(GOODBYE_MS, undefined, { ref: false })]);
    // A server that does not answer any more must not keep the process.
    client.connection.stream.destroy();
  }

  async #open(): Promise<void> {
    const client = await this.#connect();
    client.on("notification", () => this.#noteChange());
    this.#client = client;
    try {
      await refuseSharedSession(client, () => this.#connect(), this.place);
      await this.exec(sessionSettings(this.#options.schema));
      await this.#onOpen(this);
    } catch (error) {
      this.#drop(client);
      throw error;
    }
    if (this.#isClosed) this.#drop(client);
  }

  async #connect(): Promise<Client> {
    const { Client: PgClient } = await import("pg");
    const client = new PgClient({
      connectionString: toDriverUrl(this.#options.url, process.env),
      fallback_application_name: "aexp",
      connectionTimeoutMillis: CONNECT_MS,
      query_timeout: ANSWER_MS,
      keepAlive: true,
      pipeline: true,
    });
    client.setTypeParser(INT8, Number);
    client.setTypeParser(JSON_TYPE, String);
    client.on("error", () => this.#forget(client));
    client.on("end", () => this.#forget(client));
    await client.connect();
    return client;
  }

  async #send(statement: (client: Client) => Promise<QueryResult<Row>>): Promise<Result> {
    const client = this.#client;
    if (client === undefined) throw new ConnectionLost(new Error("the connection was closed"));
    // What is sent in one go arrives in one go, and the server need not wait for the rest of it.
    const { stream } = client.connection;
    stream.cork();
    process.nextTick(() => stream.uncork());
    try {
      const { rows, rowCount } = lastOf(await statement(client));
      return { rows, changes: rowCount ?? 0 };
    } catch (error) {
      if (!isLost(error)) throw error;
      this.#drop(client);
      throw new ConnectionLost(error);
    }
  }

  #drop(client: Client): void {
    this.#forget(client);
    // The server ends the transaction as soon as it sees this.
    client.connection.stream.destroy();
  }

  #forget(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#listens = false;
    this.#noteChange();
  }

  #noteChange(): void {
    this.#changes += 1;
    for (const callback of this.#waiting) callback();
  }
}

/** Several statements in one text give a list, whatever the driver's types say. */
function lastOf(result: QueryResult<Row>): QueryResult<Row> {
  return Array.isArray(result) ? result.at(-1) : result;
}

/**
 * Plans are made once and never by the size of the tables, which is not known to the server while a queue fills: every
 * statement has an index that serves it.
 */
function sessionSettings(schema: string): string {
  return `SET search_path = ${schema}, pg_temp;
    SET statement_timeout = ${STATEMENT_MS};
    SET lock_timeout = ${LOCK_MS};
    SET idle_in_transaction_session_timeout = ${IDLE_IN_TRANSACTION_MS};
    SET client_min_messages = warning;
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET jit = off`;
}
