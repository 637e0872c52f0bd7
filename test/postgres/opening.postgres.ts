import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";

import { inspectServer } from "../../src/queue/postgres/inspect-server.ts";
import { MIGRATIONS } from "../../src/queue/postgres/migrations/migrations.ts";
import {
  openPostgresQueueStore,
  openPostgresQueueStoreIfPresent,
} from "../../src/queue/postgres/postgres-queue-store.ts";
import { idOf, newTask, QueueKit } from "../contract/queue-kit.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { execute, newSchema, openStore } from "./fixture.ts";
import { Proxy } from "./proxy.ts";
import { TestServer } from "./test-server.ts";

function withUser(user: string, password: string): string {
  const url = new URL(inject("postgresUrl"));
  url.username = user;
  url.password = password;
  return url.href;
}

/** Everything that an error says, to anybody. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return [error.message, error.stack, JSON.stringify(error), wordsOf(error.cause ?? "")].join("\n");
}

async function failureOf(promise: Promise<unknown>): Promise<unknown> {
  return await promise.then(
    () => {
      throw new Error("nothing failed");
    },
    (error: unknown) => error,
  );
}

describe("opening a queue on a server", () => {
  it("makes its schema, and finds everything again", async () => {
    const schema = await newSchema();
    const store = await openStore({ schema });
    await store.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [newTask("a")]);

    expect(await (await openStore({ schema })).task(idOf("a"))).toMatchObject({ state: "queued" });
  });

  it("may happen in many at once, on nothing", async () => {
    const schema = await newSchema();

    const stores = await Promise.all(Array.from({ length: 5 }, async () => await openStore({ schema })));

    for (const store of stores) expect((await store.lanes()).map((lane) => lane.name)).toEqual(["default"]);
  });

  it("makes nothing for those who only look", async () => {
    const schema = await newSchema();
    const url = inject("postgresUrl");
    expect(await openPostgresQueueStoreIfPresent(url, { schema })).toBeUndefined();
    expect(await execute(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).toEqual([]);

    await openStore({ schema });

    await using found = await openPostgresQueueStoreIfPresent(url, { schema });
    expect(await found?.tasks({})).toEqual([]);
  });

  it("keeps the queues of two repositories apart", async () => {
    const one = await openStore({ schema: await newSchema() });
    const other = await openStore({ schema: await newSchema() });
    await one.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [newTask("a")]);

    expect(await other.tasks({})).toEqual([]);
  });

  it("refuses a schema with tables of another program, and leaves it as it is", async () => {
    const schema = await newSchema();
    await execute(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.cookies (name text)`);

    await expect(openStore({ schema })).rejects.toMatchObject({ code: "queue.database_foreign" });

    expect(await execute(`SELECT tablename FROM pg_tables WHERE schemaname = '${schema}'`)).toEqual([
      { tablename: "cookies" },
    ]);
  });

  it("refuses a schema that is newer than the program, also when it became so meanwhile", async () => {
    const schema = await newSchema();
    const store = await openStore({ schema });
    const newer = [
      ...MIGRATIONS,
      { version: MIGRATIONS.length + 1, sql: "ALTER TABLE lanes ADD COLUMN news text; CREATE TABLE news (x text)" },
    ];
    expect(await store.lanes()).toHaveLength(1);
    await openStore({ schema, migrations: newer });

    await expect(openStore({ schema })).rejects.toMatchObject({
      code: "queue.schema_newer",
      message: expect.stringContaining(`schema ${newer.length}`),
    });
    await expect(store.lanes()).rejects.toMatchObject({ code: "queue.schema_newer" });
    expect(await (await openStore({ schema, migrations: newer })).lanes()).toHaveLength(1);
  });

  it("applies a step whole or not at all, and refuses one that was edited", async () => {
    const schema = await newSchema();
    const broken = [...MIGRATIONS, { version: MIGRATIONS.length + 1, sql: "CREATE TABLE news (x text); NONSENSE" }];
    await expect(openStore({ schema, migrations: broken })).rejects.toThrow("NONSENSE");
    expect(await execute(`SELECT version FROM ${schema}.aexp_migrations ORDER BY version`)).toEqual(
      MIGRATIONS.map(({ version }) => ({ version })),
    );
    expect(await execute(`SELECT 1 FROM pg_tables WHERE schemaname = '${schema}' AND tablename = 'news'`)).toEqual([]);

    const edited = MIGRATIONS.map((step) => ({ ...step, sql: `${step.sql} ` }));
    await expect(openStore({ schema, migrations: edited })).rejects.toMatchObject({ code: "queue.database_damaged" });
  });

  it("says that what is left of a schema is no queue", async () => {
    const schema = await newSchema();
    const store = await openStore({ schema });
    await execute(`DROP TABLE ${schema}.outbox`);

    await expect(store.outboxCounts()).rejects.toMatchObject({ code: "queue.database_damaged" });
  });

  it.each(["Aexp", "1st", "pg_mine", "a-b", "", "x; DROP TABLE lanes"])("refuses the schema %j", async (schema) => {
    await expect(openPostgresQueueStore(inject("postgresUrl"), { schema })).rejects.toMatchObject({
      code: "config.invalid",
    });
  });

  it("cleans a text that the server cannot hold", async () => {
    const store = await openStore({ schema: await newSchema() });
    const command = "echo \u0000 \uD800 ✓";
    await store.submit({ id: "grp", kind: "batch", name: "a\u0000b", caller: "ana" }, [newTask("a", { command })]);

    expect(await store.task(idOf("a"))).toMatchObject({ spec: { command: "echo \uFFFD \uFFFD ✓" } });
    expect(await store.group("grp")).toMatchObject({ name: "a\uFFFDb" });
  });

  it("tells sleepers of what others change, and of nothing else", async () => {
    const schema = await newSchema();
    const [sleeper, other] = [await openStore({ schema }), await openStore({ schema })];
    // The first calls ask to be told, and hear that something may have happened before.
    await sleeper.waitForChange(5000);
    await sleeper.waitForChange(20);
    let isAwake = false;
    const slept = sleeper.waitForChange(60_000).then(() => (isAwake = true));
    await other.reportWorker({
      id: "w",
      machine: "m",
      pid: 1,
      startFingerprint: undefined,
      bootId: undefined,
      pools: "*=1",
      state: "up",
      startedAt: 1,
    });
    await other.lanes();
    expect(isAwake).toBe(false);

    await other.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [newTask("a")]);

    expect(await slept).toBe(true);
    const given = new AbortController();
    const interrupted = sleeper.waitForChange(60_000, given.signal);
    given.abort();
    await interrupted;
  });

  it("gives marks to the machine that has the run's folder, and events to any", async () => {
    const store = await openStore({ schema: await newSchema() });
    const kit = new QueueKit({ store, another: async () => store, advance: () => {}, execute: async () => {} });
    await kit.submit({ a: {} });

    expect(await store.takeOutbox(10, 1000, "mark", "cluster")).toEqual([]);
    expect(await store.takeOutbox(10, 1000, "mark", "laptop")).toHaveLength(1);
    expect(await store.takeOutbox(10, 1000, "event", "cluster")).toHaveLength(1);

    await kit.submit({ b: { commit: "1234" } });
    await kit.succeed(await kit.claim({ ids: [idOf("b")], machine: "cluster", commits: ["1234"] }));
    expect(await store.takeOutbox(10, 1000, "mark", "cluster")).toHaveLength(1);
    expect(await store.takeOutbox(10, 1000, "mark", "laptop")).toHaveLength(2);
  });
});

describe("a server that does not let us in", () => {
  it.each([
    { what: "a wrong password", url: () => withUser("aexp", "hunter2-secret"), code: "queue.access_denied" },
    { what: "an unknown user", url: () => withUser("nobody", "hunter2-secret"), code: "queue.access_denied" },
    {
      what: "an unknown database",
      url: () => inject("postgresUrl").replace(/\/postgres$/, "/cookies"),
      code: "queue.unreachable",
    },
    {
      what: "no server",
      url: () => "postgres://aexp:hunter2-secret@127.0.0.1:1/postgres",
      code: "queue.unreachable",
    },
    {
      what: "no such host",
      url: () => "postgres://aexp:hunter2-secret@db.invalid/postgres",
      code: "queue.unreachable",
    },
    {
      what: "TLS that the server does not have",
      url: () => `${inject("postgresUrl")}?sslmode=require`,
      code: "queue.unreachable",
    },
    {
      what: "another kind of URL",
      url: () => "mysql://aexp:hunter2-secret@localhost/lab",
      code: "queue.database_url_invalid",
    },
    { what: "no URL", url: () => "hunter2-secret host", code: "queue.database_url_invalid" },
  ])("is told of without a secret: $what", async ({ url, code }) => {
    const failure = await failureOf(openPostgresQueueStore(url(), { schema: "aexp_test_none", patienceMs: 100 }));

    expect(failure).toMatchObject({ code });
    expect(wordsOf(failure)).not.toContain("hunter2-secret");
    expect(wordsOf(failure)).not.toContain(new URL(inject("postgresUrl")).password);
  });

  it("says that a standby cannot be written", async () => {
    const schema = await newSchema();
    await openStore({ schema });
    const url = `${inject("postgresUrl")}?options=-c%20default_transaction_read_only%3Don`;
    const store = await openStore({ schema }, url);

    await expect(store.setLane("gpu", {})).rejects.toMatchObject({ code: "environment.read_only" });
  });
});

/** The message by which a server tells a client its process and a key; a pooler makes up both. */
const PROCESS_KEY = /(K\0\0\0\x0c)[^]{8}/g;
/** An answer of one number of up to seven digits: the number of a process. */
const PROCESS = /D\0\0\0[^]\0\x01\0\0\0[\x01-\x07]\d+/g;

describe("a pooler", () => {
  it("is as good as the server, when each client has a session of its own", async () => {
    const proxy = await Proxy.open(inject("postgresUrl"));
    onTestFinished(() => proxy.close());
    proxy.lie(PROCESS_KEY, "$1madeup!!");

    const store = await openStore({ schema: await newSchema() }, proxy.url);

    expect(await store.lanes()).toHaveLength(1);
    expect(proxy.lies).toBeGreaterThan(0);
  });

  it("is refused, when it shares sessions, before anything of them was changed", async () => {
    const proxy = await Proxy.open(inject("postgresUrl"));
    onTestFinished(() => proxy.close());
    const schema = await newSchema();
    proxy.lie(PROCESS, "D\0\0\0\x0f\0\x01\0\0\0\x0512345");

    await expect(openStore({ schema }, proxy.url)).rejects.toMatchObject({ code: "queue.pooler_unsuitable" });

    expect(proxy.lies).toBeGreaterThan(0);
    expect(await execute(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).toEqual([]);
  });
});

/** The statements of the documentation below a heading, with its names replaced. */
function documentedSql(heading: string, schema: string): string {
  const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "postgres.md"), "utf8");
  const sql = new RegExp(`${heading}[^]*?\`\`\`sql\n([^]*?)\`\`\``).exec(page)?.[1];
  if (sql === undefined) throw new Error(`docs/postgres.md has no statements below ${heading}`);
  return sql.replaceAll("aexp_protein", schema).replaceAll("DATABASE lab", "DATABASE postgres");
}

describe("rights on the server", () => {
  it("need be no more than those of a group that owns the schema", async () => {
    const schema = await newSchema();
    onTestFinished(async () => {
      await execute(`DROP SCHEMA IF EXISTS ${schema} CASCADE; DROP ROLE ana; DROP ROLE ben; DROP ROLE lab`);
    });
    await execute(documentedSql("A group of people", schema));
    const ana = await openStore({ schema }, withUser("ana", "choose-one"));
    const ben = await openStore({ schema }, withUser("ben", "choose-another"));

    await ana.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [newTask("a")]);
    await ben.setLane("gpu", { maxRunning: 1 });

    expect(await ben.task(idOf("a"))).toMatchObject({ state: "queued" });
    await expect(
      openPostgresQueueStore(withUser("ben", "choose-another"), { schema: "aexp_other" }),
    ).rejects.toMatchObject({ code: "queue.access_denied" });
  });

  it("need be no more than those of a worker that cannot change the schema", async () => {
    const schema = await newSchema();
    onTestFinished(async () => {
      await execute(`DROP SCHEMA IF EXISTS ${schema} CASCADE; DROP ROLE worker`);
    });
    const owner = await openStore({ schema });
    await owner.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [
      newTask("a", { resources: ["k"] }),
      newTask("b", { needs: ["a"] }),
    ]);
    await execute(documentedSql("A worker with fewer rights", schema));
    const url = withUser("worker", "choose-one");
    const store = await openStore({ schema }, url);
    const kit = new QueueKit({ store, another: async () => store, advance: () => {}, execute: async () => {} });

    const claim = await kit.claim();
    expect((await store.renew("worker-1", [claim.lease.token], 1000)).lost).toEqual([]);
    expect(await kit.succeed(claim)).toBe("complete");
    expect(await kit.states()).toEqual({ a: "complete", b: "queued" });
    await store.outboxDone((await store.takeOutbox(10, 1000)).map((item) => item.id));
    await store.purge({ dryRun: false, before: 0 });
    await store.waitForChange(10);

    await expect(execute(`ALTER TABLE ${schema}.tasks ADD COLUMN x text`, url)).rejects.toThrow("must be owner");
    await expect(execute(`INSERT INTO ${schema}.state_edges VALUES ('complete', 'queued')`, url)).rejects.toThrow(
      "denied",
    );
  });
});

describe("TLS", () => {
  it("is what the URL says, as the programs of PostgreSQL read it", { timeout: 300_000 }, async () => {
    const folder = tempDir();
    const [key, certificate] = [join(folder, "key.pem"), join(folder, "certificate.pem")];
    const names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"];
    const argv = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-keyout", key, "-out", certificate];
    execFileSync("openssl", [...argv, ...names], { stdio: "pipe" });
    const server = await TestServer.make();
    onTestFinished(async () => await server.remove());
    const files = [
      `ssl_key_file=${server.addFile("key.pem", readFileSync(key, "utf8"))}`,
      `ssl_cert_file=${server.addFile("certificate.pem", readFileSync(certificate, "utf8"))}`,
    ];
    await server.start(["ssl=on", ...files]);
    const schema = "aexp_tls";
    const open = async (query: string) =>
      await openPostgresQueueStore(`${server.url}?${query}`, { schema, patienceMs: 0 });

    for (const query of [
      "sslmode=disable",
      "sslmode=prefer",
      "sslmode=require",
      `sslmode=verify-ca&sslrootcert=${certificate}`,
      `sslmode=verify-full&sslrootcert=${certificate}`,
    ]) {
      await using store = await open(query);
      expect(await store.lanes()).toHaveLength(1);
      const used = await execute(
        "SELECT ssl FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = 'aexp'",
        server.url,
      );
      expect(used).toEqual([{ ssl: query !== "sslmode=disable" }]);
    }
    const inspect = async (query: string) => (await inspectServer(`${server.url}?${query}`, { schema })).tls;
    expect(await inspect("sslmode=disable")).toBeUndefined();
    expect(await inspect("sslmode=require")).toMatchObject({ protocol: "TLSv1.3", checks: "nothing" });
    expect(await inspect(`sslmode=verify-full&sslrootcert=${certificate}`)).toMatchObject({ checks: "name" });
    const failure = await failureOf(open("sslmode=verify-full"));
    expect(failure).toMatchObject({ code: "queue.unreachable", message: expect.stringContaining("certificate") });
    const other = join(folder, "other.pem");
    writeFileSync(other, readFileSync(certificate));
    execFileSync("openssl", [...argv.slice(0, -1), other, "-subj", "/CN=elsewhere"], { stdio: "pipe" });
    await expect(open(`sslmode=verify-ca&sslrootcert=${other}`)).rejects.toMatchObject({ code: "queue.unreachable" });
  });
});
