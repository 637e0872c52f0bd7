import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { findHidingLine, ignoreLines, mergeManagedBlock } from "../../../src/git/managed-block.ts";

const LINES = ["one", "two"];
const BEGIN = "# agentic-experiments:begin";
const END = "# agentic-experiments:end";

describe("mergeManagedBlock", () => {
  it("writes only the block into an empty file", () => {
    expect(mergeManagedBlock(".gitignore", "", ignoreLines(".runs")).text).toMatchInlineSnapshot(`
      "# agentic-experiments:begin
      # Written by \`aexp install\`: the ledger is shared, everything else stays on its machine.
      .aexp/*
      !.aexp/runs-index/
      !.aexp/ledger/
      /.runs/
      # agentic-experiments:end
      "
    `);
  });

  it("replaces an old block where it stands", () => {
    expect(mergeManagedBlock(".gitignore", `a\n${BEGIN}\nold\n${END}\n!b\n`, LINES)).toEqual({
      text: `a\n${BEGIN}\none\ntwo\n${END}\n!b\n`,
      changed: true,
    });
  });

  it.each([
    ["a\n", `a\n\n${BEGIN}\n`],
    ["a", `a\n\n${BEGIN}\n`],
    ["a\n\n", `a\n\n${BEGIN}\n`],
    ["a\r\n", `a\r\n\r\n${BEGIN}\r\n`],
  ])("appends after a blank line: %j", (before, start) => {
    expect(mergeManagedBlock(".gitignore", before, LINES).text.startsWith(start)).toBe(true);
  });

  it("keeps the line ends of a CRLF file", () => {
    const text = mergeManagedBlock(".gitignore", "a\r\n", LINES).text;
    expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
  });

  it.each([
    `${END}\n`,
    `${BEGIN}\n`,
    `${END}\n${BEGIN}\n`,
    `${BEGIN}\n${END}\n`.repeat(2),
    `${BEGIN}\n${BEGIN}\n${END}\n`,
  ])("refuses markers that are not one pair: %j", (text) => {
    expect(() => mergeManagedBlock(".gitignore", text, LINES)).toThrow(
      expect.objectContaining({ code: "gitignore.block_broken" }),
    );
  });

  it("keeps every byte that the user wrote, and is idempotent", () => {
    const line = fc
      .tuple(fc.string({ unit: "binary" }), fc.constantFrom("\n", "\r\n", ""))
      .map((parts) => parts.join(""));
    fc.assert(
      fc.property(
        fc.array(line).map((parts) => parts.join("")),
        (text) => {
          const once = mergeManagedBlock(".gitignore", text, LINES);
          expect(once.text.startsWith(text)).toBe(true);
          expect(mergeManagedBlock(".gitignore", once.text, LINES)).toEqual({ text: once.text, changed: false });
        },
      ),
    );
  });
});

describe("findHidingLine", () => {
  it.each([".aexp", ".aexp/", "/.aexp", "/.aexp/", "**/.aexp/", "  .aexp/  ", ".aexp/ # private"])(
    "finds %j",
    (line) => {
      expect(findHidingLine(`a\n${line}\n`)).toEqual({ number: 2, text: line.trim() });
    },
  );

  it.each([".aexp/*", "#.aexp/", "!.aexp/", ".aexp/ledger.tmp", "x.aexp", ".aexpx"])("lets %j be", (line) => {
    expect(findHidingLine(`${line}\n`)).toBeUndefined();
  });

  it("does not look into our own block", () => {
    expect(findHidingLine(`${BEGIN}\n.aexp/\n${END}\n`)).toBeUndefined();
  });
});
