import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  compareCodePoints,
  type Exact,
  ExactNumber,
  isSameExact,
  pythonFloatText,
  toExact,
  toPlain,
  toPrintable,
  toPythonJson,
  toSortedPrettyJson,
} from "../../../src/model/exact-json.ts";
import { parseExactJson, parseExactObject } from "../../../src/model/exact-json-reader.ts";

const exactNumber = fc.oneof(
  fc.bigInt().map((value) => ExactNumber.int(String(value))),
  fc.double().map((value) => ExactNumber.float(value)),
);
const text = fc.string({ unit: "binary" });
const exact = fc.letrec<{ value: Exact }>((tie) => ({
  value: fc.oneof(
    { depthSize: "small" },
    fc.constant(null),
    fc.boolean(),
    text,
    exactNumber,
    fc.array(tie("value"), { maxLength: 4 }),
    fc.array(fc.tuple(text, tie("value")), { maxLength: 4 }).map((entries) => new Map(entries)),
  ),
})).value;

const byCodePoint = (a: string, b: string): number => {
  const [left, right] = [Array.from(a), Array.from(b)].map((points) =>
    points.map((point) => point.codePointAt(0) ?? 0),
  );
  for (const [index, point] of (left ?? []).entries()) {
    const other = right?.[index];
    if (other === undefined) return 1;
    if (point !== other) return point - other;
  }
  return (left?.length ?? 0) - (right?.length ?? 0);
};

describe("exact JSON", () => {
  it("reads back what it prints, key order included", () => {
    fc.assert(
      fc.property(exact, (value) => {
        expect(toPythonJson(parseExactJson(toPythonJson(value)))).toBe(toPythonJson(value));
      }),
    );
  });

  it("reads back what it prints for people, up to key order", () => {
    const finite = exact.filter((value) => !/NaN|Infinity/.test(toPythonJson(value)));
    fc.assert(
      fc.property(finite, (value) => {
        expect(isSameExact(parseExactJson(toSortedPrettyJson(value)), value)).toBe(true);
      }),
    );
  });

  it("prints pure ASCII", () => {
    fc.assert(
      fc.property(exact, (value) => {
        expect(toPythonJson(value)).toMatch(/^[\x20-\x7e]*$/);
      }),
    );
  });

  it("orders keys as Python does, by code point", () => {
    const awkward = fc.string({
      unit: fc.constantFrom("a", "\ud800", "\udbff", "\udc00", "\udfff", "\ue000", "\uffff"),
    });
    for (const keys of [text, awkward]) {
      fc.assert(
        fc.property(keys, keys, (a, b) => Math.sign(compareCodePoints(a, b)) === Math.sign(byCodePoint(a, b))),
        { numRuns: 2000 },
      );
    }
    expect(["😀", "\uffff", "a"].toSorted(compareCodePoints)).toEqual(["a", "\uffff", "😀"]);
  });

  it.each([
    [0, "0.0"],
    [-0, "-0.0"],
    [1, "1.0"],
    [100, "100.0"],
    [0.1, "0.1"],
    [1e-4, "0.0001"],
    [1e-5, "1e-05"],
    [1.5e-5, "1.5e-05"],
    [2.5e-6, "2.5e-06"],
    [1e-7, "1e-07"],
    [2.5e-9, "2.5e-09"],
    [1e-10, "1e-10"],
    [1e-100, "1e-100"],
    [5e-324, "5e-324"],
    [1e15, "1000000000000000.0"],
    [2 ** 53, "9007199254740992.0"],
    [1e16, "1e+16"],
    [123456789012345680, "1.2345678901234568e+17"],
    [1e21, "1e+21"],
    [1e22, "1e+22"],
    [1.5e300, "1.5e+300"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "Infinity"],
    [Number.NEGATIVE_INFINITY, "-Infinity"],
  ])("prints the float %d as Python's %s", (value, expected) => {
    expect(pythonFloatText(value)).toBe(expected);
  });

  it("prints floats that read back as the same number", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), (value) => {
        expect(Number(pythonFloatText(value))).toBe(value);
      }),
    );
  });

  it.each([
    ['{"a": 1, "b": 2, "a": 3}', '{"a": 3, "b": 2}'],
    ['{"b": 1, "10": 2}', '{"b": 1, "10": 2}'],
    ['{"__proto__": {"x": 1}}', '{"__proto__": {"x": 1}}'],
    [" [1E5, 1e400, -0, -0.0, 1e-400] ", "[100000.0, Infinity, 0, -0.0, 0.0]"],
    ['"\\u00E9\\/\u007f"', '"\\u00e9/\\u007f"'],
    ["12345678901234567890", "12345678901234567890"],
    ["[NaN, -Infinity]", "[NaN, -Infinity]"],
  ])("reads %s as Python does", (source, printed) => {
    expect(toPythonJson(parseExactJson(source))).toBe(printed);
  });

  it.each([
    "",
    "-NaN",
    "nan",
    "+1",
    "01",
    ".5",
    "1.",
    "[1,]",
    "{'a': 1}",
    '{"a" 1}',
    '{"a": 1',
    "[1 2]",
    '"\n"',
    '"\\x"',
    '"open',
    "1 2",
    "\ufeff{}",
    "tru",
  ])("refuses %j", (source) => {
    expect(() => parseExactJson(source)).toThrow(expect.objectContaining({ code: "file.not_json" }));
  });

  it("refuses numbers and nesting that Python cannot read", () => {
    expect(toPythonJson(parseExactJson(`-${"9".repeat(4300)}`))).toHaveLength(4301);
    for (const source of ["9".repeat(4301), "[".repeat(10_000)]) {
      expect(() => parseExactJson(source)).toThrow(expect.objectContaining({ code: "file.not_json" }));
    }
  });

  it("names line and column", () => {
    expect(() => parseExactJson('{\n  "a": ?\n}')).toThrow("not JSON: expected a value at line 2, column 8");
    expect(() => parseExactObject("[]")).toThrow("the JSON text holds an array; expected an object");
  });

  it("turns into plain values and back, and prints the numbers' own text", () => {
    const value = parseExactObject('{"a": 1.0, "b": [12345678901234567890, NaN], "__proto__": null}');

    expect(JSON.stringify(toPrintable(value))).toBe('{"a":1.0,"b":[12345678901234567890,null],"__proto__":null}');
    expect(Object.keys(Object(toPlain(value)))).toEqual(["a", "b", "__proto__"]);
    expect(toPythonJson(toExact({ int: 3, float: 0.5, zero: -0, big: 2 ** 60, none: null, list: [true] }))).toBe(
      '{"int": 3, "float": 0.5, "zero": -0.0, "big": 1.152921504606847e+18, "none": null, "list": [true]}',
    );
  });
});
