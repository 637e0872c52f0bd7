import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  idOfFileName,
  isArtifactId,
  kindOfId,
  NOTE_KINDS,
  numberOfId,
  slugOfFileName,
  toArtifactId,
  toSlug,
} from "../../../src/kb/artifact.ts";

describe("ids of notes", () => {
  it("give their kind and number back", () => {
    fc.assert(
      fc.property(fc.constantFrom(...NOTE_KINDS), fc.integer({ min: 1, max: 10_000_000 }), (kind, number) => {
        const id = toArtifactId(kind, number);
        expect(isArtifactId(id)).toBe(true);
        expect(kindOfId(id)).toBe(kind);
        expect(numberOfId(id)).toBe(number);
      }),
    );
    expect(toArtifactId("hypothesis", 7)).toBe("H007");
    expect(toArtifactId("strategic-review", 1234)).toBe("SR1234");
  });

  it.each(["", "H", "H1", "H01", "X001", "h001", "H001 ", "H001-a", "CRS001"])("are not %j", (text) => {
    expect(isArtifactId(text)).toBe(false);
    expect(kindOfId(text)).toBeUndefined();
  });

  it.each([
    ["H001-slow-start.md", "H001", "slow-start"],
    ["CR012-a b.md", "CR012", "a b"],
    ["E0001.md", "E0001", ""],
    ["H001slow.md", undefined, ""],
    ["H001-slow.txt", undefined, ""],
    ["README.md", undefined, ""],
  ])("are read from the file name %s", (name, id, slug) => {
    expect(idOfFileName(name)).toBe(id);
    expect(slugOfFileName(name)).toBe(slug);
  });
});

describe("slugs", () => {
  it("hold nothing but a-z, 0-9 and single hyphens, at most 60 characters", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 100 }), (title) => {
        const slug = toSlug(title);
        expect(slug).toMatch(/^[a-z0-9]+(?:-[a-z0-9]+)*$/);
        expect(slug.length).toBeLessThanOrEqual(60);
      }),
    );
  });

  it.each([
    ["Larger batches converge slower", "larger-batches-converge-slower"],
    ["Über-schnelle Café-Läufe: 3×", "uber-schnelle-cafe-laufe-3"],
    ["学习率", "untitled"],
    ["--a--", "a"],
  ])("of %j is %s", (title, slug) => {
    expect(toSlug(title)).toBe(slug);
  });
});
