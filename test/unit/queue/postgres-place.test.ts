import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { toPositional } from "../../../src/queue/postgres/named-values.ts";
import { findPassword } from "../../../src/queue/postgres/password-file.ts";
import { describePlace, toDriverUrl } from "../../../src/queue/postgres/place.ts";
import { tempDir } from "../../helpers/temp-dir.ts";

describe("what messages call a database", () => {
  it.each([
    ["postgres://ana:geheim@db.lab:5433/lab?sslmode=require", "PostgreSQL at db.lab:5433/lab"],
    ["postgresql://ana@db.lab/lab", "PostgreSQL at db.lab/lab"],
    ["postgres://ana:geheim@/lab?host=/var/run/postgresql", "PostgreSQL at /var/run/postgresql/lab"],
    ["postgres:///lab", "PostgreSQL at the usual place/lab"],
    ["postgres://ana:a%2Fb%40c@[::1]/lab%20two", "PostgreSQL at [::1]/lab two"],
  ])("for %s is %s", (url, place) => {
    expect(describePlace(url)).toBe(place);
  });

  it.each([
    "",
    "lab",
    "mysql://ana:geheim@db/lab",
    "http://db",
    "postgres//ana:geheim@db",
    "postgres://ana:geheim@db:x/lab",
  ])("is not made of %j, which is not repeated", (url) => {
    expect(() => describePlace(url)).toThrow(
      expect.objectContaining({ code: "queue.database_url_invalid", message: expect.not.stringContaining("geheim") }),
    );
  });
});

describe("the driver's URL", () => {
  it.each([
    ["postgres://db/lab", "postgres://db/lab"],
    ["postgres://db/lab?sslmode=disable", "postgres://db/lab?sslmode=disable"],
    ["postgres://db/lab?sslmode=verify-full", "postgres://db/lab?sslmode=verify-full"],
    ["postgres://db/lab?sslmode=require", "postgres://db/lab?sslmode=require&uselibpqcompat=true"],
    ["postgres://db/lab?sslmode=require&uselibpqcompat=true", "postgres://db/lab?sslmode=require&uselibpqcompat=true"],
  ])("for %s is %s", (url, expected) => {
    expect(toDriverUrl(url, {})).toBe(expected);
  });
});

const OWNER = { host: "db.lab", port: "5432", database: "lab", user: "ana" };

describe("a password file", () => {
  it.each([
    ["db.lab:5432:lab:ana:geheim", "geheim"],
    ["# db.lab:5432:lab:ana:no\n*:*:*:ben:no\n*:*:*:ana:geheim\n*:*:*:*:late", "geheim"],
    ["*:*:lab:*:a\\:b\\\\c\r\n", "a:b\\c"],
    ["db.lab:5432:lab:ana:", ""],
    ["db.lab:5432:lab:ana", undefined],
    ["db.lab:5433:lab:ana:other", undefined],
    ["", undefined],
  ])("of %j gives %j", (text, password) => {
    expect(findPassword(text, OWNER)).toBe(password);
  });

  it("is asked when nothing else has a password, and counts when it is nobody else's", () => {
    const path = join(tempDir(), "passwords");
    writeFileSync(path, "db.lab:5432:lab:ana:p@ss\\:/?%#\n", { mode: 0o600 });
    const passwordOf = (url: string, env: Readonly<Record<string, string>> = {}) =>
      decodeURIComponent(new URL(toDriverUrl(url, { PGPASSFILE: path, ...env })).password);

    expect(passwordOf("postgres://ana@db.lab/lab")).toBe("p@ss:/?%#");
    expect(passwordOf("postgres://db.lab/lab", { PGUSER: "ana" })).toBe("p@ss:/?%#");
    expect(passwordOf("postgres://ana:own@db.lab/lab")).toBe("own");
    expect(passwordOf("postgres://ana@db.lab/lab", { PGPASSWORD: "x" })).toBe("");
    expect(passwordOf("postgres://ana@db.lab/other")).toBe("");
    chmodSync(path, 0o644);
    expect(passwordOf("postgres://ana@db.lab/lab")).toBe("");
    rmSync(path);
    expect(passwordOf("postgres://ana@db.lab/lab")).toBe("");
  });
});

describe("named parameters", () => {
  it("get one number each, and types stay", () => {
    const { text, order } = toPositional("SELECT :id::text, 'a:b', t.x::bigint FROM t WHERE id = :id AND y < :limit");

    expect(text).toBe("SELECT $1::text, 'a:b', t.x::bigint FROM t WHERE id = $1 AND y < $2");
    expect(order).toEqual(["id", "limit"]);
  });
});
