import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fromText } from "../../../src/model/byte-path.ts";
import { isContentDigest, isDigest, toDigest } from "../../../src/output/digest.ts";
import { ManifestDigest, type ManifestEntry, type ManifestKind, manifestLine } from "../../../src/output/manifest.ts";

const HEX = "0123456789abcdef".repeat(4);

describe("manifestLine", () => {
  it("spells an entry as docs/outputs.md says", () => {
    const entry = { type: "exec", path: fromText("bin/é\t\n"), size: 12, identity: HEX } as const;

    expect(manifestLine(entry)).toBe(`exec 12 ${HEX} 8:bin/\u00c3\u00a9\t\n\n`);
  });

  it("gives different lists of entries different manifests", () => {
    fc.assert(
      fc.property(anyEntries(), anyEntries(), (left, right) => {
        const isSame = JSON.stringify(left) === JSON.stringify(right);

        expect(toText(left) === toText(right)).toBe(isSame);
      }),
    );
  });
});

describe("ManifestDigest", () => {
  it("tells kinds of manifests apart", () => {
    const kinds: readonly ManifestKind[] = [
      { of: "tree" },
      { of: "stats" },
      { of: "stream" },
      { of: "place", root: "/a" },
      { of: "place", root: "/b" },
    ];

    expect(new Set(kinds.map((kind) => new ManifestDigest(kind).finish("sha256"))).size).toBe(kinds.length);
  });

  it("never gives a digest of stats that equals one of content", () => {
    expect(new ManifestDigest({ of: "tree" }).finish("stat")).toMatch(/^stat:/);
    expect(new ManifestDigest({ of: "tree" }).finish("sha256")).toMatch(/^sha256:/);
  });
});

describe("a digest", () => {
  it.each([`sha256:${HEX}`, `stat:${HEX}`])("is %s", (text) => {
    expect(isDigest(text)).toBe(true);
  });

  it.each(["", HEX, `md5:${HEX}`, `sha256:${HEX}0`, `sha256:${HEX.toUpperCase()}`, `sha256:${HEX}\n`, ` stat:${HEX}`])(
    "is not %j",
    (text) => {
      expect(isDigest(text)).toBe(false);
    },
  );

  it("says whether it is one of content", () => {
    expect(isContentDigest(toDigest("sha256", HEX))).toBe(true);
    expect(isContentDigest(toDigest("stat", HEX))).toBe(false);
    expect(() => toDigest("stat", "ab")).toThrow("no SHA-256");
  });
});

function toText(entries: readonly ManifestEntry[]): string {
  return entries.map((entry) => manifestLine(entry)).join("");
}

/** Few values, so that lists are often nearly the same. */
function anyEntries(): fc.Arbitrary<readonly ManifestEntry[]> {
  const path = fc
    .array(fc.constantFrom("a", "\n", " ", "1", ":", "/", "file 1 - 1:a\n"))
    .map((parts) => parts.join(""));
  return fc.array(
    fc.record({
      type: fc.constantFrom("file", "exec", "link", "folder"),
      path,
      size: fc.constantFrom(0, 1, 11),
      identity: fc.constantFrom("-", "1", "11"),
    }),
    { maxLength: 3 },
  );
}
