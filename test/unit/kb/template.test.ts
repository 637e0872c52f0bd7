import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { NOTE_KINDS, NOTE_SHAPES } from "../../../src/kb/artifact.ts";
import { parseNote } from "../../../src/kb/note.ts";
import { OWN_TEMPLATES } from "../../../src/kb/own-templates.ts";
import { readPlainYaml } from "../../../src/kb/plain-yaml.ts";
import { fillTemplate, PLACEHOLDERS } from "../../../src/kb/template.ts";

describe("our templates", () => {
  it.each(NOTE_KINDS)(
    "give a %s whose frontmatter has every required field, and that the quick reader reads",
    async (kind) => {
      const values = Object.fromEntries(PLACEHOLDERS.map((name) => [name, `the ${name}`]));
      const text = fillTemplate(OWN_TEMPLATES[kind], values);
      const read = await parseNote(text);
      expect(read.kind).toBe("note");
      if (read.kind !== "note") return;
      for (const field of NOTE_SHAPES[kind].requiredFields)
        expect(read.note.fields.get(field)).toEqual(expect.any(String));
      expect(text).not.toMatch(/\{[A-Z_]+\}/);
      expect(readPlainYaml(text.split("---\n")[1] ?? "", 2)).toBeDefined();
    },
  );
});

describe("fillTemplate", () => {
  it.each([
    ["double", '"{SCOPE}"'],
    ["single", "'{SCOPE}'"],
    ["no", "{SCOPE}"],
  ])("writes any value so that YAML reads it back, in a template with %s quotes", async (_, placeholder) => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme-ascii" }), async (value) => {
        const read = await parseNote(fillTemplate(`---\nscope: ${placeholder}\n---\n`, { SCOPE: value }));
        expect(read.kind === "note" ? read.note.fields.get("scope") : read.problem).toBe(value);
      }),
    );
  });

  it("leaves unknown braces alone, and values as they are in the body", () => {
    expect(fillTemplate('# {TITLE} {key} {sp_json} "{TITLE}"', { TITLE: 'a "b" {DATE}' })).toBe(
      '# a "b" {DATE} {key} {sp_json} "a "b" {DATE}"',
    );
  });
});
