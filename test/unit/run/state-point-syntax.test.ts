import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";

import { toPlain, toPythonJson } from "../../../src/model/exact-json.ts";
import { parseAssignments, parseStatePointJson } from "../../../src/run/state-point-syntax.ts";

/** What a text means, in Python's spelling, where kinds of numbers show. */
function read(...texts: string[]): string {
  return toPythonJson(parseAssignments(texts));
}

describe("parseAssignments", () => {
  it.each([
    { text: "seed=3", means: '{"seed": 3}' },
    { text: "lr=0.1", means: '{"lr": 0.1}' },
    { text: "lr=1.0", means: '{"lr": 1.0}' },
    { text: "lr=1e-5", means: '{"lr": 1e-05}' },
    { text: "n=12345678901234567890", means: '{"n": 12345678901234567890}' },
    { text: "flag=true", means: '{"flag": true}' },
    { text: "x=null", means: '{"x": null}' },
    { text: "x=", means: '{"x": null}' },
    { text: 'x="3"', means: '{"x": "3"}' },
    { text: "x='it''s'", means: '{"x": "it\'s"}' },
    { text: "model=gpt-nano", means: '{"model": "gpt-nano"}' },
    { text: "expr=a=b", means: '{"expr": "a=b"}' },
    { text: "lr=0.1,seed=2", means: '{"lr": 0.1, "seed": 2}' },
    { text: 'name="a,b=c", seed=2', means: '{"name": "a,b=c", "seed": 2}' },
    { text: "name=don't,seed=2", means: '{"name": "don\'t", "seed": 2}' },
    { text: "__proto__=1", means: '{"__proto__": 1}' },
  ])("reads $text", ({ text, means }) => {
    expect(read(text)).toBe(means);
  });

  it("lets a later value win and keeps the first place", () => {
    expect(read("a=1,b=2", "a=3")).toBe('{"a": 3, "b": 2}');
  });

  it.each(["seed", "=3", "layers=1,2", "x=[1]", "x={a: 1}", 'x="open', "x='open", 'x="\\q"'])(
    "refuses %s, quoting it",
    (text) => {
      expect(() => parseAssignments([text])).toThrow(expect.objectContaining({ code: "state_point.invalid" }));
    },
  );

  it("types plain values as YAML does", () => {
    const plain = fc.string({
      unit: fc.constantFrom(...Array.from("0123456789+-.eExobInfNaNtrue~ul_")),
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      // A lone dash begins a list.
      fc.property(
        plain.filter((text) => text !== "-"),
        (text) => {
          const parsed: unknown = parse(`x: ${text}`, { intAsBigInt: false })?.x;
          // JavaScript has a negative zero; the integers of YAML and Python have none.
          const expected = /^-0+$/.test(text) ? 0 : parsed;

          expect(toPlain(parseAssignments([`x=${text}`]))).toEqual({ x: expected });
        },
      ),
      { examples: [["-0"], ["-0.0"], ["-00"]] },
    );
  });
});

describe("parseStatePointJson", () => {
  it("keeps the kinds of numbers", () => {
    expect(toPythonJson(parseStatePointJson('{"lr": 1.0, "layers": [64, 6.4e1]}', "x"))).toBe(
      '{"lr": 1.0, "layers": [64, 64.0]}',
    );
  });

  it.each(["[1]", "{", "", "lr=1"])("refuses %j", (text) => {
    expect(() => parseStatePointJson(text, "the value of --sp-json")).toThrow(
      /^the value of --sp-json is not a JSON object/,
    );
  });
});
