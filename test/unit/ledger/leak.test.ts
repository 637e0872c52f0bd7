import { describe, expect, it } from "vitest";

import { findLeaks, type Leak } from "../../../src/ledger/leak.ts";
import { toExact } from "../../../src/model/exact-json.ts";
import type { JsonValue } from "../../../src/model/json.ts";

const PLACES = { root: "/home/ada/my proj", runStore: "/home/ada/my proj/.runs", home: "/home/ada" };
const find = (value: JsonValue, patterns: readonly RegExp[] = []): readonly Leak[] =>
  findLeaks(toExact(value), PLACES, patterns);

describe("what may not be committed", () => {
  it.each([
    "/home/ada",
    "/home/ada/",
    "/home/ada/data",
    "//home//ada/./data",
    "/home/ada/my proj/.runs/workspace",
    "  /home/ada/x",
    "file:///home/ada/x",
    "FILE://localhost/home/ada/x",
    "file:/home/ada/x",
    "file:///home/ada/my%20proj/x",
  ])("finds the local path %j", (text) => {
    expect(find({ data: { path: text } })).toMatchObject([{ path: "data.path", kind: "local_path" }]);
  });

  it.each(["/home/adam", "/data/shared", "home/ada", "data/home/ada", "", "s3://bucket/home/ada", "~/x", "file://%"])(
    "lets %j pass",
    (text) => {
      expect(find({ data: text })).toEqual([]);
    },
  );

  it("looks into keys, lists and nested objects, and never repeats a key that leaks", () => {
    const leaks = find({ list: [{ "/home/ada/secret": 1 }, "/home/ada"], "/home/ada/x": "/home/ada/y" });

    expect(leaks.map(({ path }) => path)).toEqual(["a key of list[0]", "list[1]", "a key", ""]);
  });

  it("names the closest folder", () => {
    expect(find(["/home/ada/my proj/.runs/x"])[0]?.problem).toBe("begins with the run store");
    expect(find(["/home/ada/my proj/x"])[0]?.problem).toBe("begins with the repository root");
    expect(find(["/home/ada/x"])[0]?.problem).toBe("begins with the home folder");
    expect(findLeaks(toExact(["/etc"]), { root: "/r", runStore: "/r/.runs", home: "/" })).toEqual([]);
  });

  // Put together here, so that no scanner takes this file for a leak.
  it.each([
    ["ghp", "_", "a1B2".repeat(9)],
    ["github_pat", "_", "a1B2".repeat(9)],
    ["glpat", "-", "a1B2c3".repeat(4)],
    ["AKIA", "", "ABCD1234".repeat(2)],
    ["AIza", "", "a1B2c3D".repeat(5)],
    ["xoxb", "-", "1234567890-abc"],
    ["hf", "_", "aBcDeF".repeat(6)],
    ["npm", "_", "a1B2".repeat(9)],
    ["pypi", "-", "AgEIcHlw".repeat(8)],
    ["sk", "-", "a1B2".repeat(10)],
    ["sk", "-ant-", "api03-a1B2c3-d4E5f6-g7H8"],
    ["eyJhbGciOiJIUzI1NiJ9", ".", "eyJzdWIiOiIxMjM0NTY3ODkwIn0.abc"],
    ["-----BEGIN RSA ", "PRIVATE ", "KEY-----\nMIIE"],
    ["postgres://ada:", "hunter2", "@db/x"],
    ["--pass", "word=", "hunter2"],
    ["API_", "KEY: ", "xyz"],
    ["Authorization: ", "Bearer ", "abc"],
  ])("finds the credential %s%s…", (...parts) => {
    expect(find({ note: `see ${parts.join("")}` })).toMatchObject([{ path: "note", kind: "credential" }]);
  });

  it.each([
    "sk-learn-random-forest-with-a-long-name",
    "tokenizer=bpe",
    "https://example.org/run/1",
    "0123456789abcdef0123456789abcdef01234567",
    "password",
    "half_precision",
    "task-skylark",
  ])("lets %j pass", (text) => {
    expect(find({ note: text })).toEqual([]);
  });

  it("finds secrets by their key, and what the project redacts", () => {
    expect(find({ auth: { password: "x" }, api_key: "", secret: 1 })).toMatchObject([
      { path: "auth.password", problem: "is named like a secret" },
    ]);
    expect(find({ a: "patient-123", b: "x", c: 123 }, [/^patient-/u, /^123$/u]).map(({ path }) => path)).toEqual([
      "a",
      "c",
    ]);
  });

  it("stays quick on long texts", () => {
    const start = performance.now();
    find({ a: "password ".repeat(50_000), b: "a:".repeat(200_000), c: `x://${"a".repeat(500_000)}` });
    expect(performance.now() - start).toBeLessThan(2000);
  });
});
