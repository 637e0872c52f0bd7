import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { toSanitizer } from "../../../src/export/sanitize.ts";
import { type Exact, toPythonJson } from "../../../src/model/exact-json.ts";
import { parseExactObject } from "../../../src/model/exact-json-reader.ts";

const PLACES = { root: "/home/ana/lab/exp", runStore: "/home/ana/lab/exp/.runs", home: "/home/ana" };

describe("toSanitizer", () => {
  it.each([
    ["/home/ana/lab/exp", "<repository>"],
    ["/home/ana/lab/exp/data/x.csv", "<repository>/data/x.csv"],
    ["/home/ana/lab/exp/.runs/workspace", "<run store>/workspace"],
    ["no file /home/ana/.cache/x, sorry", "no file <home>/.cache/x, sorry"],
    ["--out=/home/ana/a:/home/ana/b", "--out=<home>/a:<home>/b"],
    ["file:///home/ana/x", "<home>/x"],
    ["//home/ana/x", "<home>/x"],
    ["/home/anabel/x", "/home/anabel/x"],
    ["/home/ana.bak", "/home/ana.bak"],
    ["/srv/home/ana/x", "/srv/home/ana/x"],
    ["data/home/ana", "data/home/ana"],
    ["In /home/ana.", "In <home>."],
    ["authorization: bearer abc", "(withheld)"],
    ["file://file:/home/ana/lab/exp@", "(withheld)"],
  ])("makes %j %j", (before, after) => {
    expect(toSanitizer(PLACES).text(before)).toBe(after);
  });

  it("goes through keys and values at any depth, and leaves the rest as it is", () => {
    const clean = toSanitizer(PLACES, [/^zebra$/]);
    const value = parseExactObject(
      '{"lr": 1.0, "api_key": "x", "a": {"/home/ana/k": ["/home/ana", 1e-05, "zebra"]}, "secret": 7}',
    );

    expect(toPythonJson(clean.object(value))).toBe(
      '{"lr": 1.0, "api_key": "(withheld)", "a": {"<home>/k": ["<home>", 1e-05, "(withheld)"]}, "secret": 7}',
    );
    expect(clean.changes).toBe(4);
  });

  it("returns what is clean as the same object, and counts nothing", () => {
    const clean = toSanitizer(PLACES);
    const value = parseExactObject('{"lr": 1.0, "data": {"path": "/data/x"}}');

    expect(clean.object(value)).toBe(value);
    expect(clean.changes).toBe(0);
  });

  it("lets no text through in which a local folder begins a word, whatever stands around it", () => {
    const clean = toSanitizer(PLACES);
    const texts = fc.array(fc.oneof(fc.constantFrom(...Object.values(PLACES), "/", " ", "=", "file://"), fc.string()));
    fc.assert(
      fc.property(texts, (parts) => {
        const after = clean.text(parts.join(""));

        expect(after).not.toMatch(/(?:^|[\s=])(?:file:\/\/)?\/home\/ana(?:\/|$)/);
        expect(clean.text(after)).toBe(after);
      }),
    );
  });

  it("takes a home folder of one letter or none for what it is", () => {
    const value: Exact = "/x/y";

    expect(toSanitizer({ ...PLACES, home: "" }).value(value)).toBe("/x/y");
    expect(toSanitizer({ ...PLACES, home: "/" }).value(value)).toBe("/x/y");
  });
});
