import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { expandPipeline } from "../../../src/pipeline/expand.ts";
import { readPipeline } from "../../../src/pipeline/read-pipeline.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** What means something in YAML. */
const PIECES = [
  "{",
  "}",
  "[",
  "]",
  ": ",
  ",",
  "- ",
  "&a ",
  "*a",
  "<<",
  "?",
  "|",
  ">",
  "'",
  '"',
  "\n",
  "  ",
  "\t",
  "#",
  "a",
  "1",
  "!",
  "@",
  "%",
  "\0",
  "é",
];

/** A file that uses everything. */
const WHOLE: Json = {
  version: 1,
  name: "p",
  pins: { base: "@b" },
  defaults: {
    experiment: "E001",
    sp: { depth: 3 },
    env: { A: "1" },
    retry: { attempts: 2, on: ["lost"] },
    timeout: "1h",
  },
  stages: {
    prepare: {
      command: ["x", "{outputs.o}"],
      inputs: { raw: { path: "d" } },
      outputs: { o: { path: "o", kind: "k" } },
    },
    train: {
      command: "x {inputs.i} {lr} {depth}",
      sweep: { lr: [0.1, 1], seed: "0..1" },
      inputs: { i: { stage: "prepare" }, b: { pin: "base", output: "m" } },
      outputs: { o: { path: "o", marker: "DONE", stream: true, hash: "stat" } },
      resources: { keys: ["gpu"], cpus: 2 },
      code: { paths: ["src"] },
    },
    report: {
      command: "x {inputs.i.list}",
      inputs: { i: { stage: "train", all: true } },
      needs: ["prepare?"],
      min_success: 1,
    },
  },
};

describe("any file", () => {
  it("is a pipeline that can be expanded, or has faults that stand in it", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(changes(), { minLength: 1, maxLength: 4 }), fc.boolean(), async (all, isPretty) => {
        const text = JSON.stringify(
          all.reduce<Json>((value, change) => change(value), WHOLE),
          undefined,
          isPretty ? 2 : 0,
        );
        const reading = await readPipeline(text, "p.yaml");
        const lines = text.split("\n");
        const faults = reading.kind === "faults" ? reading.faults : [];
        const expansion = reading.kind === "pipeline" ? expandPipeline(reading.pipeline) : undefined;

        expect(faults.length > 0 || (expansion?.elements.length ?? 0) > 0).toBe(true);
        for (const { line, column, message } of faults) {
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? -1) + 1);
          expect(message).not.toMatch(/undefined|\[object/);
        }
      }),
      { numRuns: 400 },
    );
  });

  it("of any text at all is read without an error", async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: fc.constantFrom(...PIECES) }), async (text) => {
        expect((await readPipeline(text, "p.yaml")).kind).toBe("faults");
      }),
      { numRuns: 300 },
    );
  });
});

/** A change of one place: another value, another key, or nothing there any more. */
function changes(): fc.Arbitrary<(value: Json) => Json> {
  const words = [
    "prepare",
    "train",
    "report",
    "o",
    "i",
    "base",
    "x {y}",
    "..",
    "/a",
    "0..3",
    "",
    "name",
    "__proto__",
    "1",
  ];
  const scalar = fc.oneof(fc.constantFrom<Json>(null, true, 0, -1, 1.5, ...words), fc.integer());
  const value = fc.oneof(
    { weight: 4, arbitrary: scalar },
    fc.array(scalar, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...words, "path", "stage", "all", "command"), scalar, { maxKeys: 3 }),
  );
  const place = fc.array(fc.nat({ max: 5 }), { minLength: 1, maxLength: 5 });
  return fc
    .record({
      place,
      value,
      key: fc.constantFrom(...words, "path", "stages"),
      how: fc.constantFrom("set", "cut", "name"),
    })
    .map((change) => (before: Json) => changeAt(before, change.place, change));
}

function changeAt(
  value: Json,
  [first = 0, ...rest]: readonly number[],
  change: { readonly value: Json; readonly key: string; readonly how: string },
): Json {
  if (typeof value !== "object" || value === null) return change.value;
  if (isList(value)) return value.map((item, index) => (index === first ? changeAt(item, rest, change) : item));
  const entries = Object.entries(value);
  const chosen = first % Math.max(1, entries.length);
  return Object.fromEntries(
    entries.flatMap(([key, item], index): [string, Json][] => {
      if (index !== chosen) return [[key, item]];
      if (rest.length > 0) return [[key, changeAt(item, rest, change)]];
      if (change.how === "cut") return [];
      return change.how === "set" ? [[key, change.value]] : [[change.key, item]];
    }),
  );
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
