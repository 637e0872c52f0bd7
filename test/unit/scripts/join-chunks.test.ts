import { describe, expect, it } from "vitest";

import { rewriteImports } from "../../../scripts/join-chunks.ts";

const JOINED = new Map([
  ["chunk-AAAA.js", { file: "base.js", index: 0 }],
  ["chunk-BBBB.js", { file: "base.js", index: 1 }],
]);

describe("rewriteImports", () => {
  it("takes names from the joined file under the names that they have there", () => {
    expect(
      rewriteImports(
        'import{a as n,b}from"../chunk-AAAA.js";import{a as r}from"../chunk-BBBB.js";n(b,r)',
        JOINED,
        "..",
      ),
    ).toBe('import{c0_a as n,c0_b as b}from"../base.js";import{c1_a as r}from"../base.js";n(b,r)');
  });

  it("keeps imports for their effects, and those of other files", () => {
    const other = 'import{a as x}from"./chunk-CCCC.js";import("./chunk-AAAB-later.js")';
    expect(rewriteImports(`import"./chunk-BBBB.js";${other}`, JOINED, ".")).toBe(`import"./base.js";${other}`);
  });
});
