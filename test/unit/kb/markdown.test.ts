import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { findSections, findWikilinks, maskInert, sectionTitled } from "../../../src/kb/markdown.ts";

const targets = (text: string): string[] => findWikilinks(maskInert(text)).map(({ target }) => target);
const titles = (text: string): string[] => findSections(maskInert(text)).map(({ title }) => title);

describe("maskInert", () => {
  it("keeps length and line breaks of any text", () => {
    const piece = fc.constantFrom(
      "---\n",
      "```\n",
      "~~~~",
      "`",
      "<!--",
      "-->",
      "%%",
      "[[x]]",
      "## h\n",
      "\r\n",
      "a",
      "\n",
      "\uFEFF",
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join("");
        const masked = maskInert(text);
        expect(masked).toHaveLength(text.length);
        expect(masked.replace(/[^\r\n]/g, "")).toBe(text.replace(/[^\r\n]/g, ""));
        expect(masked.split("").every((unit, index) => unit === " " || unit === text[index])).toBe(true);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ["frontmatter", "---\na: '[[no]]'\n---\n[[yes]]"],
    ["frontmatter after a byte-order mark, with Windows line ends", "\uFEFF---\r\na: '[[no]]'\r\n---\r\n[[yes]]"],
    ["empty frontmatter", "---\n---\n[[yes]]"],
    ["a fence", "```\n[[no]]\n```\n[[yes]]"],
    ["a longer fence around a shorter one", "````md\n```\n[[no]]\n```\n````\n[[yes]]"],
    ["tildes", "~~~\n```\n[[no]]\n~~~\n[[yes]]"],
    ["a fence without an end", "[[yes]]\n```\n[[no]]\n"],
    ["an indented fence", "  ```\n[[no]]\n  ```\n[[yes]]"],
    ["inline code", "`[[no]]` [[yes]] ``a ` [[no]]``"],
    ["a comment over lines", "<!-- [[no]]\n[[no]] -->[[yes]]"],
    ["a comment of Obsidian", "%% [[no]] %% [[yes]]"],
    ["a rule that is no frontmatter", "a\n---\n[[yes]]\n---\n"],
    ["a lonely backtick", "it`s [[yes]]"],
  ])("leaves out %s", (_, text) => {
    expect(targets(text)).toEqual(["yes"]);
  });

  it("comes to an end over hostile texts", () => {
    for (const piece of ["<!--", "%%a", "`a ", "~~~\n", "```a\n", "---\n", "[[", "# ", "``"]) {
      expect(maskInert(piece.repeat(50_000))).toHaveLength(piece.length * 50_000);
    }
  });
});

describe("findSections", () => {
  it("finds headings with their bodies, up to the next one of the same or a higher level", () => {
    const text = "# Title #\n\n## One ##\na\n### Inner\nb\n## Two\r\nc";
    const sections = findSections(text);
    expect(sections.map(({ level, title, line }) => [level, title, line])).toEqual([
      [1, "Title", 1],
      [2, "One", 3],
      [3, "Inner", 5],
      [2, "Two", 7],
    ]);
    expect(sections.map(({ bodyStart, end }) => text.slice(bodyStart, end))).toEqual([
      "\n## One ##\na\n### Inner\nb\n## Two\r\nc",
      "a\n### Inner\nb\n",
      "b\n",
      "c",
    ]);
  });

  it("knows what is no heading", () => {
    expect(titles("#tag\n    # code\n\\# x\n```\n# no\n```\n<!--\n# no\n-->\n####### seven\n#\n")).toEqual([""]);
  });

  it("finds a section of level 2 whatever its case", () => {
    expect(sectionTitled(findSections("# links\n### Links\n## LINKS\n"), "Links")?.line).toBe(3);
  });
});

describe("findWikilinks", () => {
  it("takes targets without heading, block and words", () => {
    expect(
      targets(
        "[[H001]] [[H001-slow|the slow one]] [[a b#Part one|x]] [[n#^block]] ![[plot.png|300]] [[#here]] |[[t\\|w]]|",
      ),
    ).toEqual(["H001", "H001-slow", "a b", "n", "plot.png", "", "t"]);
  });

  it("tells line and place, and embeds from links", () => {
    expect(findWikilinks("a\n\n ![[x]]")).toEqual([{ target: "x", isEmbed: true, line: 3, start: 4, end: 10 }]);
    expect(findWikilinks("[[a]]\n[[b]]", 3).map(({ target }) => target)).toEqual(["b"]);
    expect(findWikilinks("[[a]]\n[[b]]", 0, 6).map(({ target }) => target)).toEqual(["a"]);
  });

  it("takes neither half links nor ones over two lines", () => {
    expect(targets("[[a] [b]] [[c\nd]] [[]] [x](y)")).toEqual([]);
  });
});
