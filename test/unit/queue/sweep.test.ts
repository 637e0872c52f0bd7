import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type ExactObject, toPythonJson } from "../../../src/model/exact-json.ts";
import { countPoints, parseSweep, sweepPoints } from "../../../src/queue/sweep.ts";
import { parseAssignments } from "../../../src/run/state-point-syntax.ts";

describe("parseSweep", () => {
  it("makes every combination, the last key fastest", () => {
    expect(points("batch=16|32,seed=0..2")).toEqual([
      '{"batch": 16, "seed": 0}',
      '{"batch": 16, "seed": 1}',
      '{"batch": 16, "seed": 2}',
      '{"batch": 32, "seed": 0}',
      '{"batch": 32, "seed": 1}',
      '{"batch": 32, "seed": 2}',
    ]);
  });

  it("takes several texts as one", () => {
    expect(points("a=1|2", "b=3")).toEqual(points("a=1|2,b=3"));
  });

  it.each([
    { text: "a=-2..2", values: ["-2", "-1", "0", "1", "2"] },
    { text: "a=0..10..4", values: ["0", "4", "8"] },
    { text: "a=5..5", values: ["5"] },
    { text: "a=0..1|7", values: ["0", "1", "7"] },
    { text: "a=9007199254740993..9007199254740994", values: ["9007199254740993", "9007199254740994"] },
    { text: 'a=1|1.0|"1"', values: ["1", "1.0", '"1"'] },
    { text: "a=true|null|1e-3|x", values: ["true", "null", "0.001", '"x"'] },
    { text: `a="x|y"|'p,q'|z`, values: ['"x|y"', '"p,q"', '"z"'] },
    { text: 'a="0..4"|../data|""', values: ['"0..4"', '"../data"', '""'] },
    { text: " a = 1 | 2 ", values: ["1", "2"] },
  ])("reads $text", ({ text, values }) => {
    expect(parseSweep([text])[0]?.values.map((value) => toPythonJson(value))).toEqual(values);
  });

  it.each([
    { texts: ["a=1|2,a=3"], says: '"a" is swept twice' },
    { texts: ["a=1", "a=2"], says: '"a" is swept twice' },
    { texts: ["a="], says: 'a value of "a" is empty' },
    { texts: ["a=1||2"], says: 'a value of "a" is empty' },
    { texts: ["a=5..1"], says: "the range a=5..1 ends before it begins" },
    { texts: ["a=1..5..0"], says: "the step of a=1..5..0 is not positive" },
    { texts: ["a=0.1..0.5"], says: "a=0.1..0.5 is not a range of integers" },
    { texts: ["a=1...5"], says: "a=1...5 is not a range of integers" },
    { texts: ["a=1|2|1"], says: 'the value 1 of "a" comes twice' },
    { texts: ["a"], says: '"a" in the sweep "a" names no key' },
    { texts: ["=1"], says: "names no key" },
    { texts: ["a=0..1000000"], says: "has 1000001 values" },
    { texts: ["a=0..999,b=0..999"], says: "a (1000 values) × b (1000 values) makes 1000000 runs" },
    { texts: ["a=[1]|2"], says: "is no scalar" },
  ])("refuses $texts", ({ texts, says }) => {
    expect(() => parseSweep(texts)).toThrow(says);
  });

  it("types each value as --sp does", () => {
    const key = fc.constantFrom("a", "b", "c");
    const plain = fc.oneof(
      fc.integer().map(String),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(String),
      fc.constantFrom("true", "null", "~", "x y", "0x1f", "1_0", '"q,|"', "'it''s'", "a=b", "--", "é"),
    );
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(key, fc.uniqueArray(plain, { minLength: 1, maxLength: 4 })), {
          selector: ([name]) => name,
          minLength: 1,
        }),
        (axes) => {
          const text = axes.map(([name, values]) => `${name}=${values.join("|")}`).join(",");
          const single = axes.map(([name, values]) => values.map((value) => parseAssignments([`${name}=${value}`])));
          fc.pre(single.every((values) => new Set(values.map(write)).size === values.length));

          const found = [...sweepPoints(parseSweep([text]))].map(write);

          expect(found).toEqual(product(single).map(write));
          expect(countPoints(parseSweep([text]))).toBe(found.length);
        },
      ),
    );
  });
});

function points(...texts: string[]): string[] {
  return [...sweepPoints(parseSweep(texts))].map(write);
}

function write(point: ExactObject): string {
  return toPythonJson(point);
}

function product(axes: readonly (readonly ExactObject[])[]): ExactObject[] {
  return axes.reduce<ExactObject[]>(
    (all, values) => all.flatMap((point) => values.map((value) => new Map([...point, ...value]))),
    [new Map()],
  );
}
