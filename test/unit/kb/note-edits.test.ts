import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { addLinks, setMarkedBlock, setSection } from "../../../src/kb/body-edit.ts";
import { appendToList, setField } from "../../../src/kb/frontmatter-edit.ts";
import { findSections, findWikilinks, maskInert, sectionTitled } from "../../../src/kb/markdown.ts";
import { fieldOf, type Note, parseNote } from "../../../src/kb/note.ts";
import { toYamlScalar } from "../../../src/kb/yaml-text.ts";
import { isSameExact } from "../../../src/model/exact-json.ts";

async function noteOf(text: string): Promise<Note> {
  const read = await parseNote(text);
  if (read.kind === "unreadable") throw new Error(`${read.problem.message}\n${text}`);
  return read.note;
}

const FIELD_LINES = [
  "status: PROPOSED",
  "status: 'TESTING'   # since friday",
  'status: "REJECTED"',
  "status:",
  "status:   # nothing yet",
  "status: &s TESTING",
  "status: |\n  long\n  text",
  "status: >-\n  folded",
  "status:\n  on the next line",
  "status: {odd: 1}",
  "status:\n  - a\n  - b",
  '"status": quoted key',
  "status : spaced",
];
const LIST_LINES = [
  "aliases: [H001]",
  "aliases: [ H001 , 'a b' ] # both",
  "aliases: []",
  "aliases:",
  "aliases: # none",
  'aliases: ""',
  "aliases: H001",
  'aliases: "one: two"',
  "aliases:\n  - H001\n  - x # last",
  "aliases:\n- H001\n- {a: 1}",
  "aliases:\n    - H001\n\n    # a comment\n    - |\n      block\n      text",
  "aliases: [\n  H001,\n  x,\n]",
  "aliases: {type: job, id: 1}",
  "aliases:\n  type: batch\n  selector:\n    lr: 0.1",
];
const OTHER_LINES = [
  "# a comment",
  "",
  "created: 2026-01-01",
  "tags: [a, b]",
  "nested:\n  deep:\n    - 1\n    - 2.50",
  "text: |\n  lines\n\n  more",
  "quoted: 'it''s'",
  'title: "a: b # c"',
  "size: 1e-05",
];
const BODIES = [
  "",
  "# H001\n",
  "\n# H001 — T\n\n## Links\n\n- [[T001]]\n",
  "# T\n\n## Evidence\n\nfound\n\n## Links\n* [[T001|x]]\n\n## After\ntext",
  "# T\n```md\n## Links\n- [[no]]\n```\n> **Status**: TESTING\n",
  "text\n## links\n",
  "## Evidence\n<!-- guidance -->\n## Links\n\nwords",
];

const lines = fc
  .tuple(
    fc.option(fc.constantFrom(...FIELD_LINES)),
    fc.option(fc.constantFrom(...LIST_LINES)),
    fc.uniqueArray(fc.constantFrom(...OTHER_LINES)),
  )
  .chain(([field, list, others]) =>
    fc.shuffledSubarray([...(field === null ? [] : [field]), ...(list === null ? [] : [list]), ...others], {
      minLength: others.length + (field === null ? 0 : 1) + (list === null ? 0 : 1),
    }),
  );

const notes = fc
  .record({
    lines,
    body: fc.constantFrom(...BODIES),
    hasFrontmatter: fc.boolean(),
    isWindows: fc.boolean(),
    hasMark: fc.boolean(),
    isCut: fc.boolean(),
    margin: fc.constantFrom("", "", "  "),
  })
  .map(({ lines: own, body, hasFrontmatter, isWindows, hasMark, isCut, margin }) => {
    const yaml = own.map((line) => `${line}\n`.replaceAll(/^(?=.)/gm, margin)).join("");
    const text = `${hasFrontmatter ? `---\n${yaml}---\n` : ""}${body}`;
    const cut = isCut ? text.trimEnd() : text;
    return `${hasMark ? "\uFEFF" : ""}${isWindows ? cut.replaceAll("\n", "\r\n") : cut}`;
  });

/** What an edit took out and put in, all else being equal. */
function difference(before: string, after: string): { taken: string; put: string } {
  let start = 0;
  while (start < Math.min(before.length, after.length) && before[start] === after[start]) start += 1;
  let end = 0;
  const rest = Math.min(before.length, after.length) - start;
  while (end < rest && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return { taken: before.slice(start, before.length - end), put: after.slice(start, after.length - end) };
}

function expectSameLineEnds(before: string, after: string): void {
  if (!before.includes("\n")) return;
  const isWindows = before.includes("\r\n");
  expect(isWindows ? /[^\r]\n/.test(after) : after.includes("\r")).toBe(false);
}

function expectOthersKept(before: Note, after: Note, key: string): void {
  for (const [name, value] of before.fields) {
    if (name === key) continue;
    const kept = after.fields.get(name);
    expect({ name, isKept: kept !== undefined && isSameExact(kept, value) }).toEqual({ name, isKept: true });
  }
}

const values = fc.oneof(
  fc.constantFrom(
    "TESTING",
    "yes",
    "null",
    "1",
    "1e5",
    "2026-11-21",
    "a: b",
    "# x",
    "- x",
    "",
    " ",
    "'",
    '"',
    "\\",
    "[[H001]]",
    "a\tb",
  ),
  fc.string({ unit: "grapheme", maxLength: 20 }),
);

describe("setField", () => {
  it("reads back, keeps all other fields, the body and every byte around", async () => {
    await fc.assert(
      fc.asyncProperty(notes, values, async (text, value) => {
        const before = await noteOf(text);
        const edited = await setField(text, "status", value);
        const after = await noteOf(edited);
        const isInBody = !before.fields.has("status") && fieldOf(before, "status") !== undefined;
        // A line of the body knows no quotes.
        fc.pre(!isInBody || /^[A-Z]+$/.test(value));
        expect(isInBody ? fieldOf(after, "status") : after.fields.get("status")).toBe(value);
        expect(isInBody ? "" : after.body).toBe(isInBody ? "" : before.body);
        expectOthersKept(before, after, "status");
        expectSameLineEnds(text, edited);
        for (const comment of text.matchAll(/^# .*$/gm)) expect(edited).toContain(comment[0]);
        expect(await setField(edited, "status", value)).toBe(edited);
      }),
      { numRuns: 500 },
    );
  });

  it("keeps the style of quoting, and the comment", async () => {
    const edited = await setField("---\na: 'x'  # why\nb: \"y\" # z\nc: w\n---\n", "a", "it's");
    expect(edited).toBe("---\na: 'it''s'  # why\nb: \"y\" # z\nc: w\n---\n");
    expect(await setField(edited, "b", 'q"')).toContain('b: "q\\"" # z\n');
    expect(await setField(edited, "c", "no")).toContain('c: "no"\n');
    expect(await setField("---\nc:   # why\n---\n", "c", "v")).toBe("---\nc: v   # why\n---\n");
  });

  it("changes a field that only the body has there", async () => {
    const text = "# H001\r\n> **Last Updated**: 2020-01-01\r\n> **Status:** X\r\n";
    expect(await setField(text, "last_updated", "2026-11-21")).toBe(text.replace("2020-01-01", "2026-11-21"));
    expect(await setField(text, "status", "Y")).toBe(text.replace("X", "Y"));
  });

  it.each(["---\n{a: 1}\n---\n", "---\n- a\n---\n", "---\na: [\n---\n", "---\na: 1\n"])(
    "refuses what cannot be edited: %j",
    async (text) => {
      await expect(setField(text, "status", "X")).rejects.toMatchObject({ code: "note.not_editable" });
    },
  );
});

describe("appendToList", () => {
  it("puts items behind those that are there, and keeps everything else", async () => {
    await fc.assert(
      fc.asyncProperty(
        notes,
        fc.array(fc.constantFrom("H002", "'a b'", '{type: job, id: "00"}'), { minLength: 1, maxLength: 3 }),
        async (text, items) => {
          const before = await noteOf(text);
          const edited = await appendToList(text, "aliases", items);
          const after = await noteOf(edited);
          const [old, now] = [before.fields.get("aliases"), after.fields.get("aliases")];
          const kept = Array.isArray(old) ? old : old === undefined || old === null || old === "" ? [] : [old];
          expect(Array.isArray(now)).toBe(true);
          if (!Array.isArray(now)) return;
          expect(now).toHaveLength(kept.length + items.length);
          for (const [index, item] of kept.entries()) expect(isSameExact(now[index] ?? null, item)).toBe(true);
          expectOthersKept(before, after, "aliases");
          expect(after.body).toBe(before.body);
          expectSameLineEnds(text, edited);
          for (const comment of text.matchAll(/# .*$/gm)) expect(edited).toContain(comment[0].trimEnd());
        },
      ),
      { numRuns: 500 },
    );
  });

  it("goes on in the style of the list", async () => {
    expect(await appendToList("---\na:\n- x # one\n# end\nb: 1\n---\n", "a", ["y"])).toBe(
      "---\na:\n- x # one\n- y\n# end\nb: 1\n---\n",
    );
    expect(await appendToList("---\na: [x]  # c\n---\n", "a", ["y", "z"])).toBe("---\na: [x, y, z]  # c\n---\n");
    expect(await appendToList("---\na: []  # c\n---\n", "a", ["y"])).toBe("---\na:  # c\n  - y\n---\n");
  });

  it("refuses an alias in place of a list", async () => {
    const text = "---\nb: &x [1]\na: *x\n---\n";
    await expect(appendToList(text, "a", ["y"])).rejects.toMatchObject({ code: "note.not_editable" });
  });
});

describe("addLinks", () => {
  it("adds to what is linked, and touches nothing else", () => {
    fc.assert(
      fc.property(notes, fc.array(fc.constantFrom("H002", "E001"), { minLength: 1, maxLength: 2 }), (text, targets) => {
        const edited = addLinks(text, targets);
        expect(linksOf(edited)).toEqual([...linksOf(text), ...targets]);
        expect(difference(text, edited).taken).toBe("");
        expectSameLineEnds(text, edited);
        expect(edited.endsWith("\n")).toBe(text.replace("\uFEFF", "") === "" || text.endsWith("\n"));
      }),
      { numRuns: 500 },
    );
  });
});

describe("setSection and setMarkedBlock", () => {
  it("read back, are idempotent, and keep every other section", () => {
    fc.assert(
      fc.property(notes, fc.constantFrom("one", "two\nlines", "a | b\n\nc"), (text, body) => {
        for (const edit of [
          (old: string) => setSection(old, "Evidence", body),
          (old: string) => setMarkedBlock(old, "results", "Evidence", body),
        ]) {
          const edited = edit(text);
          expect(edit(edited)).toBe(edited);
          expect(edited.replaceAll("\r\n", "\n")).toContain(body);
          expectSameLineEnds(text, edited);
          expect(titles(edited).filter((title) => title !== "Evidence")).toEqual(
            titles(text).filter((title) => title !== "Evidence"),
          );
          expect(linksOf(edited)).toEqual(linksOf(text));
        }
      }),
      { numRuns: 300 },
    );
  });

  it("keep what is written around the markers", () => {
    const text =
      "## Evidence\n\nbefore\n\n<!-- aexp:results:begin -->\nold\n<!-- aexp:results:end -->\n\nafter\n\n## Links\n";
    expect(setMarkedBlock(text, "results", "Evidence", "new\nlines")).toBe(text.replace("old", "new\nlines"));
  });

  it.each([
    "<!-- aexp:results:begin -->\n",
    "<!-- aexp:results:end -->\n<!-- aexp:results:begin -->\n",
    "<!-- aexp:results:begin -->\n<!-- aexp:results:begin -->\n<!-- aexp:results:end -->\n",
  ])("refuse markers that are no pair: %j", (text) => {
    expect(() => setMarkedBlock(text, "results", "Evidence", "x")).toThrow(/do not make one pair \(line 1\)/);
  });

  it("take markers in code for code", () => {
    const text = "```\n<!-- aexp:results:begin -->\n```\n## Evidence\n";
    expect(setMarkedBlock(text, "results", "Evidence", "x")).toBe(
      `${text}\n<!-- aexp:results:begin -->\nx\n<!-- aexp:results:end -->\n`,
    );
  });
});

describe("toYamlScalar", () => {
  it("is read back as the same text", async () => {
    await fc.assert(
      fc.asyncProperty(values, async (value) => {
        expect((await noteOf(`---\na: ${toYamlScalar(value)}\n---\n`)).fields.get("a")).toBe(value);
      }),
    );
    expect(["H001", "yes", "2026-11-21", "1_000", "a b", "~"].map(toYamlScalar)).toEqual([
      "H001",
      '"yes"',
      "2026-11-21",
      '"1_000"',
      "a b",
      '"~"',
    ]);
  });
});

function titles(text: string): string[] {
  return findSections(maskInert(text)).map(({ title }) => title);
}

function linksOf(text: string): string[] {
  const masked = maskInert(text);
  const section = sectionTitled(findSections(masked), "Links");
  return section === undefined ? [] : findWikilinks(masked, section.bodyStart, section.end).map(({ target }) => target);
}
