import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, inject, it, onTestFinished } from "vitest";

import { renderChecks } from "../../src/cli/render/checks.ts";
import { checkServer } from "../../src/doctor/postgres-checks.ts";
import { inspectServer } from "../../src/queue/postgres/inspect-server.ts";
import { MIGRATIONS } from "../../src/queue/postgres/migrations/migrations.ts";
import { runCli } from "../helpers/cli.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";
import { execute, newSchema, openStore } from "./fixture.ts";
import { Proxy } from "./proxy.ts";

const SCHEMA = /aexp_[0-9a-z_]+/g;

async function openProxy(): Promise<Proxy> {
  const proxy = await Proxy.open(inject("postgresUrl"));
  onTestFinished(() => proxy.close());
  return proxy;
}

/** What the doctor says of a server, with everything replaced that is of one server, or one moment, only. */
async function screen(url: string, schema: string): Promise<string> {
  const checks = checkServer({ ...(await inspectServer(url, { schema })), latencyMs: 0.4 });
  return renderChecks(checks, { color: false })
    .replaceAll(SCHEMA, "aexp_…")
    .replaceAll(/:\d+\//g, ":…/")
    .replace(/version \d+\.\d+/, "version …")
    .replace(/\d+ of \d+/, "… of …")
    .replaceAll(`version ${MIGRATIONS.length}`, "version N");
}

/** A new role, and the shared server's URL for it. */
async function makeRole(name: string): Promise<string> {
  await execute(`CREATE ROLE ${name} LOGIN PASSWORD 'choose-one'`);
  onTestFinished(async () => void (await execute(`DROP OWNED BY ${name}; DROP ROLE ${name}`)));
  const url = new URL(inject("postgresUrl"));
  url.username = name;
  url.password = "choose-one";
  return url.href;
}

describe("the doctor's look at a server", () => {
  it("finds one well before and after the first run is queued, and makes nothing", async () => {
    const schema = await newSchema();
    const url = inject("postgresUrl");

    expect(await screen(url, schema)).toMatchInlineSnapshot(`
      "✓ postgres              PostgreSQL at 127.0.0.1:…/postgres, version …, 0.4 ms away
      ✓ postgres TLS          none, and none is needed on the same machine
      ✓ postgres rights       aexp may make the schema aexp_…
      ✓ postgres schema       aexp_… has no tables yet; what queues the first run makes them
      ✓ postgres clock        agrees with ours
      ✓ postgres connections  … of …

      All is well."
    `);
    expect(await execute(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).toEqual([]);
    await openStore({ schema });
    expect(await screen(url, schema)).toMatchInlineSnapshot(`
      "✓ postgres              PostgreSQL at 127.0.0.1:…/postgres, version …, 0.4 ms away
      ✓ postgres TLS          none, and none is needed on the same machine
      ✓ postgres rights       aexp may do everything
      ✓ postgres schema       aexp_…, version N
      ✓ postgres clock        agrees with ours
      ✓ postgres connections  … of …

      All is well."
    `);
  });

  it("says which rights a role lacks", async () => {
    const schema = await newSchema();
    const url = await makeRole("guest");
    expect(await screen(url, schema)).toContain("✗ postgres rights       guest may not make the schema aexp_…");
    await openStore({ schema });
    expect(await screen(url, schema)).toContain("✗ postgres rights       guest may not use the schema aexp_…");
    await execute(`GRANT USAGE ON SCHEMA ${schema} TO guest; GRANT SELECT ON ALL TABLES IN SCHEMA ${schema} TO guest`);
    expect(await screen(url, schema)).toMatch(
      /✗ postgres rights {7}guest has not all rights: DELETE on aliases, INSERT on aliases, UPDATE on aliases and \d+ more/,
    );
    await execute(`GRANT INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA ${schema} TO guest;
      REVOKE INSERT, UPDATE, DELETE ON ${schema}.aexp_migrations, ${schema}.state_edges FROM guest`);
    expect(await screen(url, schema)).toContain("✗ postgres rights       guest has not all rights: USAGE on event_ids");
    await execute(`GRANT USAGE ON SEQUENCE ${schema}.event_ids TO guest`);
    expect(await screen(url, schema)).toContain(
      "✓ postgres rights       guest may work; the owner brings the schema up to date",
    );
  });

  it("says whose schema it is, and how old", async () => {
    const url = inject("postgresUrl");
    const foreign = await newSchema();
    await execute(`CREATE SCHEMA ${foreign}; CREATE TABLE ${foreign}.cookies (name text)`);
    expect(await screen(url, foreign)).toContain("✗ postgres schema       aexp_… holds tables of another program");
    const newer = await newSchema();
    const version = MIGRATIONS.length + 1;
    await openStore({ schema: newer, migrations: [...MIGRATIONS, { version, sql: "CREATE TABLE news (x text)" }] });
    expect(await screen(url, newer)).toContain(
      `✗ postgres schema       aexp_… has schema ${version}, written by a newer aexp; this one knows up to ${MIGRATIONS.length}`,
    );
    const other = await newSchema();
    const [first] = MIGRATIONS;
    await openStore({ schema: other, migrations: [{ version: 1, sql: `${first?.sql ?? ""}\n-- another` }] });
    expect(await screen(url, other)).toContain("another form of schema 1");
  });

  it("refuses a server that is too old, as every command does", async () => {
    const proxy = await openProxy();
    const [row] = await execute("SELECT current_setting('server_version_num') AS version");
    const version = JSON.stringify(row).replaceAll(/\D/g, "");
    proxy.lie(version, "130021");
    const schema = await newSchema();

    const looks = [
      async () => await inspectServer(proxy.url, { schema }),
      async () => await openStore({ schema }, proxy.url),
    ];
    for (const look of looks) {
      await expect(look()).rejects.toMatchObject({
        code: "queue.server_too_old",
        message: expect.stringMatching(
          /^PostgreSQL at 127\.0\.0\.1:\d+\/postgres has version 13; the queue needs 14 or newer$/,
        ),
      });
    }
    expect(await execute(`SELECT 1 FROM pg_namespace WHERE nspname = '${schema}'`)).toEqual([]);
  });
});

describe("aexp doctor", () => {
  it("has lines for the server, and exit code 1 when it does not answer", async () => {
    const project = await makeQueueProject();
    await project.add("--sp", "n=1", "--command", "true");

    const well = await runCli(project.root, ["doctor"]);
    expect(well.stdout).toContain("✓ postgres connections");
    expect(well.stdout).toContain("✓ queue                 1 run is waiting");

    const url = "postgres://aexp:hunter2-secret@127.0.0.1:1/lab";
    for (const argv of [["doctor"], ["doctor", "--json"]]) {
      const { stdout, stderr, exitCode } = await runCli(project.root, argv, { env: { AEXP_DATABASE_URL: url } });
      expect(exitCode).toBe(1);
      expect(stdout).toContain("PostgreSQL at 127.0.0.1:1/lab cannot be reached");
      expect(stdout.match(/cannot be reached/g)).toHaveLength(1);
      expect(stdout + stderr).not.toContain("hunter2-secret");
    }
  });

  it("says that the variable of the project is not set", async () => {
    const project = await makeQueueProject();
    writeFileSync(join(project.root, "aexp.yaml"), "store:\n  database_url_env: LAB_DATABASE_URL\n");

    const { stdout, exitCode } = await runCli(project.root, ["doctor"], { env: { AEXP_DATABASE_URL: undefined } });

    expect(exitCode).toBe(1);
    expect(stdout).toContain("LAB_DATABASE_URL");
  });
});
