import { randomBytes } from "node:crypto";
import { Client } from "pg";
import { inject, onTestFinished } from "vitest";

import type { OpenDatabaseOptions } from "../../src/queue/postgres/open-database.ts";
import { openPostgresQueueStore } from "../../src/queue/postgres/postgres-queue-store.ts";
import type { QueueStore } from "../../src/queue/queue-store.ts";
import type { QueueFixture } from "../contract/queue-kit.ts";

/** A schema that goes when the test ends. */
export async function newSchema(url = inject("postgresUrl")): Promise<string> {
  const schema = `aexp_test_${randomBytes(6).toString("hex")}`;
  onTestFinished(async () => void (await execute(`DROP SCHEMA IF EXISTS ${schema} CASCADE`, url)));
  return schema;
}

/** Executes statements on a connection of its own. */
export async function execute(sql: string, url = inject("postgresUrl")): Promise<readonly unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

/** Opens a store that is closed when the test ends. */
export async function openStore(options: OpenDatabaseOptions, url = inject("postgresUrl")): Promise<QueueStore> {
  const store = await openPostgresQueueStore(url, options);
  onTestFinished(async () => await store[Symbol.asyncDispose]());
  return store;
}

/** What the tests of every store need. */
export async function openFixture(): Promise<QueueFixture> {
  const schema = await newSchema();
  let now = 1_800_000_000_000;
  const open = async () => await openStore({ schema, clock: () => `${now}::bigint` });
  return {
    store: await open(),
    another: open,
    advance: (ms) => void (now += ms),
    execute: async (sql) => void (await execute(`SET search_path = ${schema}; ${sql}`)),
  };
}
