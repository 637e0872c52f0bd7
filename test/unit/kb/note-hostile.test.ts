import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type NoteRead, parseNote } from "../../../src/kb/note.ts";
import { isExactObject, toPythonJson } from "../../../src/model/exact-json.ts";

/** Longer than any of these takes, and short enough that nobody would call it a hang. */
/** On any machine, however busy; what grows too fast takes minutes. */
const LIMIT_MS = 20_000;

const note = (frontmatter: string): string => `---\n${frontmatter}\n---\n# H001\n`;

const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join("\n");

/** Reads a note and fails when that takes long. */
async function read(text: string): Promise<NoteRead> {
  const start = performance.now();
  const result = await parseNote(text);
  expect(performance.now() - start).toBeLessThan(LIMIT_MS);
  return result;
}

async function fieldsOf(text: string): Promise<string> {
  const result = await read(text);
  return result.kind === "note" ? toPythonJson(result.note.fields) : result.problem.message;
}

describe("frontmatter that is read", () => {
  it.each([
    ["nothing", "", "{}"],
    ["a comment", "# nothing", "{}"],
    ["the word null", "~", "{}"],
    ["dates", "a: 2026-01-02\nb: 2026-01-02T03:04:05Z", '{"a": "2026-01-02", "b": "2026-01-02T03:04:05Z"}'],
    ["words of YAML 1.1", "a: [yes, no, on, off, y]", '{"a": ["yes", "no", "on", "off", "y"]}'],
    ["numbers of YAML 1.1", "a: [0777, 1_000, 12:30:00]", '{"a": [777, "1_000", "12:30:00"]}'],
    ["floats without a value", "a: [1e400, -.inf, .nan]", '{"a": [Infinity, -Infinity, NaN]}'],
    ["a huge integer", `a: ${"9".repeat(400)}`, `{"a": ${"9".repeat(400)}}`],
    ["keys that are no texts", "1: a\ntrue: b\n~: c", '{"1": "a", "true": "b", "~": "c"}'],
    ["a key with a question mark", "? a\n: b", '{"a": "b"}'],
    ["keys of JavaScript", "__proto__: {x: 1}\nconstructor: 2", '{"__proto__": {"x": 1}, "constructor": 2}'],
    ["tags of the core schema", "a: !!str 1\nb: !!int 2\nc: !!seq []", '{"a": "1", "b": 2, "c": []}'],
    ["separators of Unicode", "a: x\u2028---\nb: \u0085y", '{"a": "x\\u2028---", "b": "\\u0085y"}'],
    ["a long line", `a: ${"x".repeat(900_000)}`, `{"a": "${"x".repeat(900_000)}"}`],
    ["an end of the document", "a: 1\n...", '{"a": 1}'],
  ])("%s", async (_, frontmatter, json) => {
    expect(await fieldsOf(note(frontmatter))).toBe(json);
  });

  it("an alias means what the anchor named at that place", async () => {
    expect(await fieldsOf(note("a: &x 1\nb: &y [*x]\nc: &x 2\nd: *y\ne: *x"))).toBe(
      '{"a": 1, "b": [1], "c": 2, "d": [1], "e": 2}',
    );
  });

  it("a merge key brings in what is not there, from the first mapping that has it", async () => {
    const text = "a: &a {x: 1, y: 1}\nb: &b {y: 2, z: 2}\nc:\n  z: 3\n  <<: [*a, *b]\nd: {'<<': 1}\ne: {<<: {}}";
    expect(await fieldsOf(note(text))).toBe(
      '{"a": {"x": 1, "y": 1}, "b": {"y": 2, "z": 2}, "c": {"x": 1, "y": 1, "z": 3}, "d": {"<<": 1}, "e": {}}',
    );
  });

  it("a fence is a line of its own, whatever stands around it", async () => {
    for (const text of ["---\na: 1\n---", "---  \na: 1\n--- \t\n", "\ufeff---\r\na: 1\r\n---\r\nbody\r\n"]) {
      expect(await fieldsOf(text)).toBe('{"a": 1}');
    }
    for (const text of [
      "----\na: 1\n----\n",
      "--- x\n---\n",
      " ---\na: 1\n---\n",
      "\u2028---\na: 1\n---\n",
      "\n---\n",
    ]) {
      expect(await fieldsOf(text)).toBe("{}");
    }
    expect(await read("---\na: 1\n----\n--- b\n ---\n---\nbody")).toMatchObject({ kind: "unreadable" });
  });

  it("many values, in plain form", async () => {
    const result = await read(note(`runs:\n${"  - {type: job, id: abc}\n".repeat(20_000)}`));
    const runs = result.kind === "note" ? result.note.fields.get("runs") : undefined;
    expect(runs).toHaveLength(20_000);
  });
});

describe("frontmatter that is refused, at the place where it goes wrong", () => {
  it.each([
    ["- a", 2, 1, "the frontmatter is a list; expected keys and values"],
    ["a", 2, 1, "the frontmatter is a single value; expected keys and values"],
    ["a: 1\nb: 2\na: 3", 4, 1, 'the key "a" is there twice'],
    ["1: a\n'1': b", 3, 1, 'the key "1" is there twice'],
    ["a:\n\tb: 1", 3, 1, "a tab in the indentation; use spaces"],
    ['a: 1\nb: "x\nc: 2', 3, 4, 'the text that begins here has no closing "'],
    ["b: [1, [2, 3]\nc: 2", 2, 4, "the list that begins here has no closing ], or its next line is not indented"],
    ["a: x: y", 2, 4, "a second key on the line; put a value with a colon in quotes"],
    ["a: *x", 2, 4, "no anchor has the name of *x; put a value that begins with * in quotes"],
    ["a: [*x, &x 1]", 2, 5, "no anchor has the name of *x; put a value that begins with * in quotes"],
    ["a: &x {b: *x}", 2, 11, "the alias *x stands in what it names"],
    ["a: &x k\n*x : v", 3, 1, "a key must be a text, not an alias; put it in quotes"],
    ["? {a: 1}\n: b", 2, 3, "a key must be a text, not a mapping; put it in quotes"],
    ["a: 1\n--- b", 3, 1, "a second document begins here; a frontmatter has one"],
    ["a: !!set {x}", 2, 4, "the tag !!set means nothing here; put the value in quotes if it begins with !"],
    ["a: !!int x", 2, 4, "the tag !!int means nothing here; put the value in quotes if it begins with !"],
    ["a: !!map [x]", 2, 4, "the tag !!map means nothing here; put the value in quotes if it begins with !"],
    ['a: "\\x\n1"', 2, 5, "\\x means nothing in double quotes; write \\\\ for a backslash, or use single quotes"],
    [`a: ${"9".repeat(5000)}`, 2, 4, "a number with too many digits; put it in quotes"],
    ["a: [1, , 2]", 2, 8, "nothing stands before the comma"],
    ["a: {b: 1 c: 2}", 2, 8, "a comma is missing before this, or a value with a colon is not in quotes"],
    ["a: 1\nb: x\0y", 3, 5, "the control character U+0000 is not allowed here; delete it"],
    ["a: x\ry", 2, 5, "a carriage return inside a line; save the file with the line endings LF or CRLF"],
  ])("%j", async (frontmatter, line, column, message) => {
    const expected = { kind: "unreadable", problem: { message, line, column } };

    expect(await read(note(frontmatter))).toEqual(expected);
    expect(await read(`\ufeff${note(frontmatter).replaceAll("\n", "\r\n")}`)).toEqual(expected);
  });

  it.each([
    ["---\na: 1\n", 'the frontmatter that begins here has no closing "---"'],
    ["---\ra: 1\r---\r", "the line ends in a carriage return alone; save the file with the line endings LF or CRLF"],
    ["---\r\r\na: 1\r\r\n", "the line ends in a carriage return alone; save the file with the line endings LF or CRLF"],
  ])("%j", async (text, message) => {
    expect(await read(text)).toEqual({ kind: "unreadable", problem: { message, line: 1, column: 1 } });
  });
});

describe("frontmatter that would take for ever", () => {
  it.each([
    ["billion laughs", lines(20, (i) => `a${i}: &a${i} [${i === 0 ? "x" : `*a${i - 1}, *a${i - 1}, *a${i - 1}`}]`)],
    ["lists in lists", `a: ${"[".repeat(10_000)}${"]".repeat(10_000)}`],
    ["mappings in mappings", `a: ${"{a: ".repeat(10_000)}`],
    ["dashes", `${"- ".repeat(10_000)}x`],
    ["question marks", `${"? ".repeat(10_000)}x`],
    ["deep blocks", lines(600, (i) => `${" ".repeat(i)}a:`)],
    ["quotes", `a: ${"'".repeat(100_001)}`],
    ["faults", "a: [}\n".repeat(10_000)],
    ["commas", `a: [${",".repeat(20_000)}]`],
    ["repeated keys", "a: b\n".repeat(20_000)],
    ["a key without an end", "k".repeat(200_000)],
    ["more than the full parser should see", `a: 1 # x\n${"b".repeat(300_000)}: 1`],
  ])("%s", async (_, frontmatter) => {
    const result = await read(note(frontmatter));

    expect(result.kind).toBe("unreadable");
    expect(result.kind === "unreadable" && result.problem.message).toMatch(/^[^\n]{10,130}$/);
  });

  it("aliases, each of which is looked for only once", async () => {
    const result = await read(note(`a: &x 1\n${lines(10_000, (i) => `b${i}: *x`)}`));

    expect(result.kind === "note" && isExactObject(result.note.fields) && result.note.fields.size).toBe(10_001);
  });
});

describe("any text at all", () => {
  it("is read or refused, soon, in one line, at a place of the file", async () => {
    await fc.assert(
      fc.asyncProperty(anyNote(), async (text) => {
        const result = await read(text);
        if (result.kind === "note") return;
        const { message, line, column } = result.problem;
        const all = text.split(/\r\n|\n/);
        expect(message).toMatch(/^[^\r\n]+$/);
        expect(line).toBeGreaterThanOrEqual(1);
        expect(line).toBeLessThanOrEqual(all.length);
        expect(column).toBeGreaterThanOrEqual(1);
        expect(column).toBeLessThanOrEqual((all[line - 1]?.length ?? 0) + 1);
      }),
      { numRuns: 3000 },
    );
  });
});

const VALID = `---
id: "H001"
aliases: ["H001", 'one']
status: TESTING # why
thread: [[T001]]
created: 2026-01-01
conditions: &all
  high: {lr: 0.1, tags: [a, b]}
  low: &low
    <<: {steps: 3}
    lr: 1e-3
other: *low
notes: |
  text
   more
? key
: "a \\u00e9 b"
---
# H001
`;

/** Arbitrary texts, and a valid note with pieces cut out, doubled, or replaced by what YAML cares about. */
function anyNote(): fc.Arbitrary<string> {
  const odd = fc.constantFrom(
    ..."[]{}\"'&*!|>%@`#:-?,.\\\t\n\r\0\u0007\u0085\u2028\ufeff".split(""),
    ": ",
    " #",
    "---\n",
    "...\n",
    "\r\n",
    "<<: ",
    "!!set ",
    "%YAML 1.1\n",
    "- ",
    "? ",
    "&a ",
    "*a ",
  );
  const position = fc.nat(VALID.length);
  const mutation = fc.tuple(
    position,
    fc.nat(12),
    fc.oneof(odd, fc.constant(""), fc.string({ unit: "binary", maxLength: 4 })),
  );
  const mutated = fc
    .array(mutation, { minLength: 1, maxLength: 4 })
    .map((changes) =>
      changes.reduce((text, [at, length, piece]) => text.slice(0, at) + piece + text.slice(at + length), VALID),
    );
  const wild = fc.array(fc.oneof(odd, fc.constantFrom("a", "b c", "  ", "1")), { maxLength: 40 });
  return fc.oneof(
    mutated,
    wild.map((pieces) => note(pieces.join(""))),
    fc.string({ unit: "binary", maxLength: 200 }),
  );
}
