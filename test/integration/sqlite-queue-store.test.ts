import { readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";

import type { QueueStore } from "../../src/queue/queue-store.ts";
import { MIGRATIONS } from "../../src/queue/sqlite/migrations/migrations.ts";
import { mountTypeOf, networkFileSystemOf } from "../../src/queue/sqlite/network-file-system.ts";
import type { OpenDatabaseOptions } from "../../src/queue/sqlite/open-database.ts";
import { openSqliteQueueStore } from "../../src/queue/sqlite/sqlite-queue-store.ts";
import { openQueue, openQueueIfPresent } from "../../src/wiring/open-queue.ts";
import { idOf, newTask, type QueueFixture, QueueKit } from "../contract/queue-kit.ts";
import { describeQueueStore } from "../contract/queue-store.ts";
import { makeProject } from "../helpers/project.ts";
import { tempDir } from "../helpers/temp-dir.ts";

async function openFixture(): Promise<QueueFixture> {
  const path = databasePath();
  let now = 1_800_000_000_000;
  const open = async () => await openStore(path, { nowMs: () => now });
  const store = await open();
  const raw = new DatabaseSync(path);
  onTestFinished(() => raw.close());
  return { store, another: open, advance: (ms) => void (now += ms), execute: async (sql) => raw.exec(sql) };
}

function databasePath(): string {
  return join(tempDir(), "state", "aexp.db");
}

/** Opens a store that is closed when the test ends. */
async function openStore(path: string, options: OpenDatabaseOptions = {}): Promise<QueueStore> {
  const store = await openSqliteQueueStore(path, options);
  onTestFinished(async () => await store[Symbol.asyncDispose]());
  return store;
}

/** A database that was not made by this program. */
function foreignDatabase(...statements: readonly string[]): string {
  const path = join(tempDir(), "aexp.db");
  const db = new DatabaseSync(path);
  for (const statement of statements) db.exec(statement);
  db.close();
  return path;
}

async function makeDatabase(): Promise<string> {
  const path = databasePath();
  const store = await openSqliteQueueStore(path);
  await store.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [newTask("a")]);
  await store[Symbol.asyncDispose]();
  return path;
}

describeQueueStore("SQLite", openFixture);

it("gives the place that an end makes free to the claim that is asked for with it", async () => {
  const kit = new QueueKit(await openFixture());
  await kit.store.setLane("default", { maxRunning: 1 });
  await kit.submit({ a: {}, b: {} });
  const first = await kit.claim();

  const [end, second] = await Promise.all([kit.succeed(first), kit.claim()]);

  expect([end, second.task.spec.name]).toEqual(["complete", "b"]);
});

describe("opening the database", () => {
  it("makes it for its owner only, and finds everything again", async () => {
    const path = await makeDatabase();

    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(dirname(path)).mode & 0o777).toBe(0o700);
    expect(await (await openStore(path)).task(idOf("a"))).toMatchObject({ state: "queued" });
  });

  it("survives a process that closed nothing", async () => {
    const path = databasePath();
    const abandoned = await openStore(path);
    await abandoned.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [newTask("a")]);

    expect(await (await openStore(path)).tasks({})).toHaveLength(1);
  });

  it("may happen in many at once, on nothing", async () => {
    const path = databasePath();

    const stores = await Promise.all(Array.from({ length: 5 }, async () => await openStore(path)));

    for (const store of stores) expect((await store.lanes()).map((lane) => lane.name)).toEqual(["default"]);
  });

  it.each([
    { what: "another program's id", statements: ["PRAGMA application_id = 42"] },
    { what: "tables and no id", statements: ["CREATE TABLE cookies (name TEXT)"] },
  ])("refuses a database with $what, and leaves it as it is", async ({ statements }) => {
    const path = foreignDatabase(...statements);
    const before = readFileSync(path);

    await expect(openSqliteQueueStore(path)).rejects.toMatchObject({ code: "queue.database_foreign" });

    expect(readFileSync(path).equals(before)).toBe(true);
  });

  it("refuses a schema that is newer than the program, and leaves it as it is", async () => {
    const path = await makeDatabase();
    const newer = [...MIGRATIONS, { version: MIGRATIONS.length + 1, sql: "CREATE TABLE news (x TEXT) STRICT" }];
    await (await openSqliteQueueStore(path, { migrations: newer }))[Symbol.asyncDispose]();
    const before = readFileSync(path);

    await expect(openSqliteQueueStore(path)).rejects.toMatchObject({
      code: "queue.schema_newer",
      message: expect.stringContaining(`schema ${newer.length}`),
    });

    expect(readFileSync(path).equals(before)).toBe(true);
    expect(await (await openStore(path, { migrations: newer })).task(idOf("a"))).toMatchObject({ state: "queued" });
  });

  it("applies a step whole or not at all", async () => {
    const path = await makeDatabase();
    const broken = [...MIGRATIONS, { version: MIGRATIONS.length + 1, sql: "CREATE TABLE news (x TEXT); NONSENSE" }];

    await expect(openSqliteQueueStore(path, { migrations: broken })).rejects.toThrow("NONSENSE");

    expect(await (await openStore(path)).task(idOf("a"))).toMatchObject({ state: "queued" });
  });

  it("refuses a schema whose released step was edited", async () => {
    const path = await makeDatabase();
    const edited = MIGRATIONS.map((step) => ({ ...step, sql: `${step.sql} ` }));

    await expect(openSqliteQueueStore(path, { migrations: edited })).rejects.toMatchObject({
      code: "queue.database_damaged",
    });
  });

  it("refuses what is no database, and one with a hole in it", async () => {
    const text = join(tempDir(), "aexp.db");
    writeFileSync(text, "notes about cookies\n".repeat(100));
    await expect(openSqliteQueueStore(text)).rejects.toMatchObject({ code: "queue.database_damaged" });

    const path = await makeDatabase();
    const bytes = readFileSync(path);
    bytes.fill(0x5a, 8192, bytes.length);
    writeFileSync(path, bytes);
    await expect(openSqliteQueueStore(path)).rejects.toMatchObject({ code: "queue.database_damaged" });
  });

  it("refuses a network file system and names PostgreSQL, before anything is made", async () => {
    const path = databasePath();

    await expect(openSqliteQueueStore(path, { networkFileSystemOf: () => "NFS" })).rejects.toMatchObject({
      code: "queue.network_file_system",
      message: expect.stringContaining("NFS"),
      hint: expect.stringContaining("PostgreSQL"),
    });
    expect(statSync(path, { throwIfNoEntry: false })).toBeUndefined();
  });

  it("takes the disk that this test runs on for a local one", () => {
    expect(networkFileSystemOf(tempDir())).toBeUndefined();
  });

  it("finds the type of the mount that holds a folder", () => {
    const mounts = [
      "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
      "40 22 0:35 / /home/ana/far\\040away rw,nosuid - fuse.sshfs ana@cluster: rw,user_id=1000",
      "41 22 0:36 / /home/ana rw - btrfs /dev/sdb rw",
    ].join("\n");

    expect(mountTypeOf(mounts, "/home/ana/far away/repo")).toBe("fuse.sshfs");
    expect(mountTypeOf(mounts, "/home/ana/far")).toBe("btrfs");
    expect(mountTypeOf(mounts, "/home/anabel")).toBe("ext4");
  });

  it.each(["3.51.2", "3.50.9", "2.99.99", ""])("refuses SQLite %s", async (sqliteVersion) => {
    await expect(openSqliteQueueStore(databasePath(), { sqliteVersion })).rejects.toMatchObject({
      code: "queue.sqlite_too_old",
    });
  });

  it.each(["3.51.3", "3.52.0", "4.0.0"])("accepts SQLite %s", async (sqliteVersion) => {
    expect(await (await openStore(databasePath(), { sqliteVersion })).tasks({})).toEqual([]);
  });

  it("is at a place of its own in a repository, and only made for those who queue", async () => {
    const { root, repo } = await makeProject();
    expect(await openQueueIfPresent(repo)).toBeUndefined();

    await (await openQueue(repo))[Symbol.asyncDispose]();

    expect(statSync(join(root, ".aexp", "state", "aexp.db")).isFile()).toBe(true);
    await using found = await openQueueIfPresent(repo);
    expect(await found?.tasks({})).toEqual([]);
  });
});

describe("a writer", () => {
  it("undoes everything when one of its statements fails", async () => {
    const path = databasePath();
    const store = await openStore(path);
    const spec = { ...newTask("b").spec, kind: "*" };

    await expect(
      store.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [newTask("a"), { ...newTask("b"), spec }]),
    ).rejects.toThrow("CHECK");

    expect(await store.tasks({})).toEqual([]);
    expect(await store.group("grp")).toBeUndefined();
    expect(await store.events(0, 10)).toEqual([]);
  });

  it("says where a damaged row is", async () => {
    const path = await makeDatabase();
    const store = await openStore(path);
    const raw = new DatabaseSync(path);
    raw.exec(`UPDATE tasks SET spec = '{"command": 5}'`);
    raw.close();

    await expect(store.task(idOf("a"))).rejects.toMatchObject({
      code: "queue.spec_invalid",
      message: expect.stringContaining(idOf("a")),
    });
  });
});
