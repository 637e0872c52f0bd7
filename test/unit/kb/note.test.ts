import { describe, expect, it } from "vitest";

import { artifactIdOf, fieldOf, type Note, parseNote, textOf } from "../../../src/kb/note.ts";
import { toPythonJson } from "../../../src/model/exact-json.ts";

describe("parseNote", () => {
  it("reads Windows line endings and a byte-order mark", async () => {
    const note = await noteOf(
      '\ufeff---\r\nimpact: HIGH\r\nsupporting_runs:\r\n  - { type: job, id: "a" }\r\n---\r\n# F001\r\n',
    );

    expect(toPythonJson(note.fields)).toBe('{"impact": "HIGH", "supporting_runs": [{"type": "job", "id": "a"}]}');
    expect(note.lines.get("supporting_runs")).toEqual({ line: 3, items: [4] });
    expect(note.body).toBe("# F001\n");
  });

  it.each([
    { what: "a list over several lines", text: "---\na: 1\nruns: [\n  x,\n  {y: 1}\n]\n---\n", line: 3, items: [4, 5] },
    { what: "a comment after a value", text: "---\nruns: # these\n  - x # one\n  - y\n---\n", line: 2, items: [3, 4] },
  ])("finds the lines of $what", async ({ text, line, items }) => {
    const note = await noteOf(text);

    expect(note.lines.get("runs")).toEqual({ line, items });
  });

  it("reads a note without frontmatter", async () => {
    const note = await noteOf("# Title\n\n---\n\nA rule is no frontmatter.\n");

    expect(note.fields.size).toBe(0);
  });

  it("refuses a frontmatter of more than 1 MiB", async () => {
    expect(await parseNote(`---\na: ${"x".repeat(1024 * 1024)}\n---\n`)).toMatchObject({
      kind: "unreadable",
      problem: { message: "the frontmatter is larger than 1 MiB" },
    });
  });

  it("keeps numbers as they are written, through either parser", async () => {
    for (const comment of ["", " # a comment needs the full parser"]) {
      const note = await noteOf(`---\na: 9007199254740993\nb: 1.0\nc: "1"\nd: 1e-5\ne: 007${comment}\n---\n`);
      expect(toPythonJson(note.fields)).toBe('{"a": 9007199254740993, "b": 1.0, "c": "1", "d": 1e-05, "e": 7}');
    }
  });
});

describe("fieldOf", () => {
  it("falls back to the body, and takes words for nothing as missing", async () => {
    const note = await noteOf(
      "---\nstatus: N/A\nimpact:\ncreated: ''\n---\n# E001\n\n> **Sub hypotheses**: H002, H003\n> **Status:** OPEN\n> **Created**: today\n",
    );

    expect(fieldOf(note, "sub_hypotheses")).toBe("H002, H003");
    expect(fieldOf(note, "status")).toBeUndefined();
    expect(fieldOf(note, "impact")).toBeUndefined();
    expect(fieldOf(note, "created")).toBe("today");
    expect(fieldOf(note, "nothing")).toBeUndefined();
  });
});

describe("wikilinks", () => {
  it.each([
    ["[[H001]]", "H001"],
    ["[[H001-slow|the slow one]]", "H001-slow"],
    ["[[research/hypotheses/H001-slow#Evidence]]", "research/hypotheses/H001-slow"],
    ["see [[H001]]", "see [[H001]]"],
    [" H001 ", "H001"],
  ])("%j means %j", (value, text) => {
    expect(textOf(value)).toBe(text);
  });

  it.each([
    ["[[research/hypotheses/H001-slow|x]]", "H001"],
    ["H0012", "H0012"],
    ["CR001-review.md", "CR001"],
    ["H01", undefined],
    ["H001x", undefined],
  ])("%j names %j", (value, id) => {
    expect(artifactIdOf(value)).toBe(id);
  });

  it("also without quotes, where YAML reads a list in a list", async () => {
    const note = await noteOf("---\nhypothesis: [[H001]]\n---\n");

    expect(artifactIdOf(fieldOf(note, "hypothesis"))).toBe("H001");
    expect(textOf([["a", "b"]])).toBeUndefined();
    expect(textOf(["a"])).toBeUndefined();
  });
});

async function noteOf(text: string): Promise<Note> {
  const read = await parseNote(text);
  if (read.kind === "note") return read.note;
  throw new Error(read.problem.message);
}
