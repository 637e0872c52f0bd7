import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { addLinks, setMarkedBlock, setSection } from "../../../src/kb/body-edit.ts";
import { appendToList, setField } from "../../../src/kb/frontmatter-edit.ts";
import { findSections, findWikilinks, maskInert, sectionTitled } from "../../../src/kb/markdown.ts";
import { isUnset, type Note, parseNote } from "../../../src/kb/note.ts";
import { AexpError } from "../../../src/model/errors.ts";
import { type Exact, toPythonJson } from "../../../src/model/exact-json.ts";

/** Ways to write the field `k`, some of them odd. */
// prettier-ignore
const FIELDS = [
  "k: a # c", "k: 'a'", 'k: "a" # c', "k:", "k:  # c", "k: ~", "k: null", "k: &x", "k: &x a", "k: |\n  t\n  u\n", "k: |+ # c\n  t\n\n",
  "k: >-\n  t\n# end", "k: >2\n    t", "k: |", "k:\n  on next # c", "k: several\n  lines # c", 'k: "several\n  lines" # c',
  "k:\n  # c\n  v", "k:\n  # c", "? k\n: v", '"k" : v', "'k': v", "k: []", "k: {}", "k: a, b", "k: N/A # none", 'k: "" # c',
  "k: 5", "k: true # t", "k: [a, b]", "k: [a, b,]", "k: [ a, b ] # c", "k: [a, # one\n  b # two\n  ]", "k: [\n  a, # one\n  b, # two\n]",
  "k: [\n  a,\n  b # two\n]", "k: [\n  # none\n]", "k: [\n]", "k: [a:, b]", "k: [a: b]", "k: [[a], [b]]",
  "k: [\n  {type: job, id: x},\n  {type: job,\n   id: y}\n]", "k:\n  - a\n  - b # c\n  # d\n", "k:\n- a\n- b", "k:\n  - a\n  -",
  "k:\n  - a\n  - |\n    t\n\n", "k:\n  - a\n  - |+\n    t\n\n", "k:\n  - a: 1\n    b:\n      - c\n  - d:", "k:\n  -\n    a: 1",
  "k:\n  - a: 1\n    b: [x,\n       y] # c\n  # e", "k: # c\n  - a", "k:\n  - - a\n    - b", "k:\n  - [a]", "k:\n  - &y a\n  - *y",
  "k: {type: job, id: x} # c", "k: {\n  type: job, # c\n  id: x\n  }", "k:\n  type: job\n  id: x # c",
  "k:\n  # lead\n  type: job\n\n  # mid\n  id: x\n  # tail", "k:\n type: job\n id: x",
  "k:\n    type: job\n    sel:\n        a: |\n            t\n\n            u\n    id: x", "k:\n  type: job\n  text: |+\n    a\n\n",
  "k: # c\n  type: job\n  id:", "k: http://x/y # c", "k: \"a\\\n  b\"", 'k: ["a]", \'b,\']',
];
const OTHERS = [
  "# a comment",
  "",
  "created: 2026-01-01",
  "tags: [a, b]",
  "nested:\n  k: 1\n  deep:\n    - 1.50\n    # k: 2",
  "text: |\n  k: no\n\n  more",
  "quoted: 'it''s k: x'",
  "size: 1e-05 # k:",
  "z: &z 1\nsame: *z",
];
const BODIES = [
  "",
  "# T\n",
  "\n# T\n\n## Evidence\n\nfound\n\n### part\n\n- x\n\n## Links\n\n- [[T001]]\n  - [[T002]]\n\n## After\ntext",
  "## Links",
  "## Links\n\n\n",
  "## Links\n## Evidence\n",
  "## evidence ##\n\n```\n## Links\n- [[no]]\n```\n\n# Top\n\n## Links\n\n  * [[T001]]\n\n<!-- end -->\n",
  "<!--\n## Links\n-->\n%% ## Evidence %%\n\ntext `[[no]]`\n",
  "## Links\n\n| [[T001\\|x]] |\n| --- |\n",
  "a\n \n  ",
];

type Ending = "\n" | "\r\n" | "mixed";

interface Sample {
  readonly text: string;
  readonly ending: Ending;
}

const samples: fc.Arbitrary<Sample> = fc
  .record({
    field: fc.option(fc.constantFrom(...FIELDS), { freq: 5 }),
    others: fc.uniqueArray(fc.constantFrom(...OTHERS)),
    at: fc.nat(9),
    body: fc.constantFrom(...BODIES),
    margin: fc.constantFrom("", "", "  "),
    ending: fc.constantFrom<Ending>("\n", "\r\n", "mixed"),
    hasFrontmatter: fc.boolean(),
    hasMark: fc.boolean(),
    isCut: fc.boolean(),
  })
  .map(({ field, others, at, body, margin, ending, hasFrontmatter, hasMark, isCut }) => {
    const parts = field === null ? others : others.toSpliced(at % (others.length + 1), 0, field);
    const yaml = parts.map((part) => `${part}\n`.replaceAll(/^(?=.)/gm, margin)).join("");
    const text = `${hasFrontmatter || field !== null ? `---\n${yaml}---\n` : ""}${body}`;
    const cut = isCut ? text.trimEnd() : text;
    let count = 0;
    const ended = cut.replaceAll("\n", () => (ending === "mixed" ? (count++ % 2 === 0 ? "\r\n" : "\n") : ending));
    return { text: `${hasMark ? "\uFEFF" : ""}${ended}`, ending };
  });

const VALUES = fc.oneof(
  fc.constantFrom(
    "TESTING",
    "yes",
    "null",
    "",
    "0o17",
    "12:30",
    "2026-11-21",
    "a: b",
    "a, b]",
    "# x",
    "- x",
    "it's",
    'q"',
  ),
  fc.constantFrom("[[H001]]", "two\nlines", "a\tb", "\u2028", "\u0085", "\uFFFE", "---", "...", "é 😀"),
  fc.string({ unit: "grapheme", maxLength: 12 }),
);
const ITEMS = fc.array(fc.constantFrom("H002", "'a b'", '{type: job, id: "00"}', "[x, y]"), {
  minLength: 1,
  maxLength: 3,
});

describe("edits of the frontmatter", () => {
  it("set one field, and leave every other and the text below as they were", async () => {
    await fc.assert(
      fc.asyncProperty(samples, VALUES, async ({ text, ending }, value) => {
        const before = await noteOf(text);
        const edited = await setField(text, "k", value);
        const after = await noteOf(edited);
        expect(after.fields.get("k")).toBe(value);
        expect(otherFields(after)).toBe(otherFields(before));
        expect(after.body).toBe(before.body);
        expectEndings(edited, ending);
        expect(await setField(edited, "k", value)).toBe(edited);
      }),
      { numRuns: 1500 },
    );
  });

  it("add to one list, and leave its items and every other field as they were", async () => {
    await fc.assert(
      fc.asyncProperty(samples, ITEMS, async ({ text, ending }, items) => {
        const before = await noteOf(text);
        const edited = await appendToList(text, "k", items);
        const after = await noteOf(edited);
        const old = before.fields.get("k");
        const kept = old === undefined || isUnset(old) ? [] : isList(old) ? old : [old];
        const added = (await noteOf(`---\nk: [${items.join(", ")}]\n---\n`)).fields.get("k");
        expect(textOf(after.fields.get("k"))).toBe(textOf([...kept, ...(isList(added) ? added : [])]));
        expect(otherFields(after)).toBe(otherFields(before));
        expect(after.body).toBe(before.body);
        expectEndings(edited, ending);
        // Comments inside a value that is replaced go with it; those of a list stay.
        for (const [comment] of text.matchAll(/# .*$/gm)) expect(edited).toContain(comment.trimEnd());
      }),
      { numRuns: 1500 },
    );
  });

  it.each([
    ["k: &x a\nz: *x", "k (line 2) cannot be written: z repeats its value by an anchor"],
    ["z: &x [a]\nk: *x", "k (line 3) cannot be written: its value is an alias of another"],
    ["k: &l\n  - a\nz: *l", "k (line 2) cannot be written: z repeats its value by an anchor"],
    ["{k: [a]}", "k (line 2) cannot be written: the frontmatter does not have each key on a line of its own"],
    ["? k", "k (line 2) cannot be written: the frontmatter does not have each key on a line of its own"],
    ["- k", "k cannot be written: the frontmatter is a list; expected keys and values (line 2)"],
  ])("refuse %j", async (yaml, message) => {
    const error = await appendToList(`---\n${yaml}\n---\n`, "k", ["x"]).catch((thrown: unknown) => thrown);

    expect(error).toBeInstanceOf(AexpError);
    expect(error).toMatchObject({ code: "note.not_editable", message });
  });

  it.each(["a, b", "x # c", "[", "a\nb", ""])("refuse %j as an item", async (item) => {
    await expect(appendToList("---\nk: [a]\n---\n", "k", [item])).rejects.toMatchObject({ code: "note.not_editable" });
  });

  it.each([
    ["k:  one # c\n", "k:\n  - one # c\n  - x\n"],
    ["k: [[H001]]\n", "k:\n  - [[H001]]\n  - x\n"],
    ["k: N/A # c\n", "k: # c\n  - x\n"],
    ["k: |\n  t\n", 'k:\n  - "t\\n"\n  - x\n'],
    ["k: {\n  a: 1\n  }\n", "k: [{\n  a: 1\n  }, x]\n"],
    ["k:\n  a: 1 # c\n  b: 2\n", "k:\n- a: 1 # c\n  b: 2\n- x\n"],
    ["k:\n a: 1\n b: 2\n", "k:\n-\n a: 1\n b: 2\n- x\n"],
    ["k: [\n  a, # one\n  b # two\n]\n", "k: [\n  a, # one\n  b, # two\n  x\n]\n"],
    ["k: [\n  a, # one\n]\n", "k: [\n  a, # one\n  x,\n]\n"],
    ["k: [a,\n    b]\n", "k: [a,\n    b,\n    x]\n"],
  ])("make %j a longer list without rewriting it", async (yaml, expected) => {
    expect(await appendToList(`---\n${yaml}---\n`, "k", ["x"])).toBe(`---\n${expected}---\n`);
  });

  it("end a line as the one before it ends", async () => {
    expect(await setField("---\na: 1\r\nb: 2\n---\r\n", "k", "v")).toBe("---\na: 1\r\nb: 2\nk: v\n---\r\n");
    expect(await appendToList("---\nk:\r\n  - a\r\nb: 2\n---\n", "k", ["x"])).toBe(
      "---\nk:\r\n  - a\r\n  - x\r\nb: 2\n---\n",
    );
  });

  it("change only the first of two lines in the text, and never a look-alike in the frontmatter", async () => {
    const text = "---\na: |\n  x\n---\n> **K**: one\n\n> **K**: two\n";

    expect(await setField(text, "k", "$&")).toBe(text.replace("one", () => "$&"));
    await expect(setField(text, "k", "two\nlines")).rejects.toMatchObject({
      code: "note.not_editable",
      message: 'k (line 5) cannot be set to "two\\nlines" in the text of the note',
    });
  });

  it("go as deep as a note may", async () => {
    const deep = Array.from({ length: 90 }, (_, depth) => `${" ".repeat(depth + 1)}a:\n`).join("");

    expect(await appendToList(`---\nk:\n${deep}---\n`, "k", ["x"])).toBe(`---\nk:\n-\n${deep}- x\n---\n`);
  });
});

describe("edits of the text below", () => {
  it("add links to those that are there", () => {
    fc.assert(
      fc.property(samples, fc.constantFrom(["H002"], ["H002", "E001"]), ({ text, ending }, targets) => {
        const edited = addLinks(text, targets);
        expect(linksOf(edited)).toEqual([...linksOf(text), ...targets]);
        expectInsertion(text, edited);
        expectEndings(edited, ending);
      }),
      { numRuns: 1000 },
    );
  });

  it("can be repeated without any change, and keep the other sections", () => {
    const edits = [
      (text: string, body: string) => setSection(text, "Evidence", body),
      (text: string, body: string) => setMarkedBlock(text, "results", "Evidence", body),
    ];
    fc.assert(
      fc.property(samples, fc.constantFrom("", "one", "two\n\nlines", "```\n## x\n```"), ({ text, ending }, body) => {
        for (const edit of edits) {
          const edited = edit(text, body);
          expect(edit(edited, body)).toBe(edited);
          expect(edited.replaceAll("\r\n", "\n")).toContain(body);
          expect(sectionsBeside(edited, "evidence")).toEqual(sectionsBeside(text, "evidence"));
          expect(linksOf(edited)).toEqual(linksOf(text));
          expectEndings(edited, ending);
        }
      }),
      { numRuns: 1000 },
    );
  });

  it.each(["```\ncode\n", "<!-- guidance\n\n## Links\n", "5%% more\n\n## Evidence\n"])(
    "refuse a place that no reader sees, below %j",
    (open) => {
      const text = `# T\n\n${open}`;
      const hidden = { code: "note.not_editable", message: "code or a comment that begins on line 3 has no end" };

      expect(() => addLinks(text, ["H001"])).toThrow(expect.objectContaining(hidden));
      expect(() => setSection(text, "Evidence", "x")).toThrow(expect.objectContaining(hidden));
      expect(() => setMarkedBlock(text, "results", "Evidence", "x")).toThrow(expect.objectContaining(hidden));
    },
  );

  it("take a marker in another comment for a part of it", () => {
    const text = "<!-- as in\n<!-- aexp:results:begin -->\n";
    const edited = setMarkedBlock(text, "results", "Evidence", "x");

    expect(edited).toBe(`${text}\n<!-- aexp:results:begin -->\nx\n<!-- aexp:results:end -->\n`);
    expect(setMarkedBlock(edited, "results", "Evidence", "y")).toBe(edited.replace("\nx\n", "\ny\n"));
  });

  it("allow a change above code without an end", () => {
    const text = "## Evidence\n\nold\n\n## Code\n\n```\n";

    expect(setSection(text, "Evidence", "new")).toBe(text.replace("old", "new"));
  });

  it("refuse a text that would not stay in its section", () => {
    expect(() => setSection("# T\n", "Conclusion", "yes\n\n# No")).toThrow(
      'the text for "## Conclusion" has the heading "# No"',
    );
    expect(() => setSection("# T\n", "Conclusion", "```\nopen")).toThrow(
      "the text for ## Conclusion has code or a comment without an end",
    );
    expect(setSection("# T\n", "Conclusion", "### yes\n\n```\n# no\n```")).toContain("### yes");
  });
});

async function noteOf(text: string): Promise<Note> {
  const read = await parseNote(text);
  if (read.kind === "unreadable") throw new Error(`${read.problem.message}\n${text}`);
  return read.note;
}

function otherFields({ fields }: Note): string {
  return textOf(new Map([...fields].filter(([name]) => name !== "k")));
}

function textOf(value: Exact | undefined): string {
  return toPythonJson(value ?? null);
}

function isList(value: Exact | undefined): value is readonly Exact[] {
  return Array.isArray(value);
}

/** A text with one kind of line ending does not get the other. */
function expectEndings(edited: string, ending: Ending): void {
  const foreign = { "\n": /\r/, "\r\n": /(?<!\r)\n/, mixed: /(?!)/ }[ending];
  // A text without any line break has no ending of its own.
  expect(edited.includes(ending) && foreign.test(edited)).toBe(false);
}

/** The new text is the old one with something in between. */
function expectInsertion(before: string, after: string): void {
  const size = after.length - before.length;
  let start = 0;
  while (start < before.length && before[start] === after[start]) start += 1;
  expect(size).toBeGreaterThan(0);
  expect(after.slice(start + size)).toBe(before.slice(start));
}

function linksOf(text: string): readonly string[] {
  const masked = maskInert(text);
  const section = sectionTitled(findSections(masked), "Links");
  return section === undefined ? [] : findWikilinks(masked, section.bodyStart, section.end).map(({ target }) => target);
}

function sectionsBeside(text: string, title: string): readonly string[] {
  return findSections(maskInert(text)).flatMap((section) =>
    section.level > 2 || section.title.toLowerCase() === title ? [] : [`${section.level} ${section.title}`],
  );
}
