import { describe, expect, it } from "vitest";

import { type KbNote, type KnowledgeBase, NoteText } from "../../../src/kb/knowledge-base.ts";
import { identify } from "../../../src/kb/note-place.ts";
import { LinkIndex } from "../../../src/kb/link-index.ts";
import { parseNote } from "../../../src/kb/note.ts";

async function indexOf(texts: Readonly<Record<string, string>>, outside: readonly string[] = []): Promise<LinkIndex> {
  const notes: KbNote[] = [];
  for (const [path, text] of Object.entries(texts)) {
    if (!path.endsWith(".md")) continue;
    const read = await parseNote(text);
    if (read.kind === "unreadable") throw new Error(path);
    const content = { kind: "text", text: new NoteText(text, read.note) } as const;
    notes.push({ ...(identify(path) ?? { type: "other" }), path, content });
  }
  const kb: KnowledgeBase = { files: Object.keys(texts), notes, problems: [], byId: () => [] };
  return new LinkIndex(kb, (path) => outside.includes(path));
}

const H = "kb/research/hypotheses/H001-slow.md";

describe("a wikilink", () => {
  it.each([
    ["H001", "kb/ACTIVE.md"],
    ["h001-SLOW", "kb/ACTIVE.md"],
    ["H001-slow.md", "kb/ACTIVE.md"],
    ["research/hypotheses/H001-slow", "kb/ACTIVE.md"],
    ["kb/research/hypotheses/H001-slow.md", "kb/ACTIVE.md"],
    ["/research/hypotheses/H001-slow", "kb/lessons/a.md"],
    ["../research/hypotheses/H001-slow", "kb/lessons/a.md"],
    ["./H001-slow", H],
    ["the slow one", "kb/ACTIVE.md"],
    ["", H],
  ])("%j of %s means the hypothesis", async (target, from) => {
    const index = await indexOf({ [H]: "---\naliases: [H001, The slow one]\n---\n", "kb/ACTIVE.md": "" });
    expect(index.resolve(target, from)).toEqual([H]);
  });

  it("means an attachment, a lesson in a nested folder, a special note, or a file of the repository", async () => {
    const index = await indexOf(
      { "kb/lessons/gpu/warm up.md": "", "kb/assets/plot.png": "", "kb/mission/CHALLENGE.md": "" },
      ["README.md", "docs/plan.md"],
    );
    expect(index.resolve("warm up", H)).toEqual(["kb/lessons/gpu/warm up.md"]);
    expect(index.resolve("plot.png", H)).toEqual(["kb/assets/plot.png"]);
    expect(index.resolve("CHALLENGE", H)).toEqual(["kb/mission/CHALLENGE.md"]);
    expect(index.resolve("README", H)).toEqual(["README.md"]);
    expect(index.resolve("docs/plan", H)).toEqual(["docs/plan.md"]);
  });

  it("means nothing when nothing has that name, and never leaves the repository", async () => {
    const index = await indexOf({ [H]: "" }, ["../secret.md", "secret.md"]);
    expect(index.resolve("H002", H)).toEqual([]);
    expect(index.resolve("../../../../secret", H)).toEqual([]);
  });

  it("means a file by the end of its path", async () => {
    const index = await indexOf({ [H]: "", "kb/lessons/gpu/warm up.md": "", "kb/lessons/cpu/warm up.md": "" });
    expect(index.resolve("hypotheses/H001-slow", "kb/ACTIVE.md")).toEqual([H]);
    expect(index.resolve("gpu/warm up.md", H)).toEqual(["kb/lessons/gpu/warm up.md"]);
    expect(index.resolve("pu/warm up", H)).toEqual([]);
  });

  it("means the file of its own spelling where names differ only in upper and lower case", async () => {
    const index = await indexOf({ "kb/a/Notes.md": "", "kb/b/notes.md": "" });
    expect(index.resolve("notes", H)).toEqual(["kb/b/notes.md"]);
    expect(index.resolve("NOTES", H)).toEqual(["kb/a/Notes.md", "kb/b/notes.md"]);
  });

  it("means a note by any alias: of a list, of a text with commas, or of the older field", async () => {
    const index = await indexOf({ [H]: "---\naliases: slow, steady\nalias: [the first]\n---\n" });
    for (const alias of ["slow", "Steady", "slow, steady", "the first"])
      expect(index.resolve(alias, "kb/x.md")).toEqual([H]);
  });

  it("is ambiguous between files of one name, unless one lies beside it", async () => {
    const texts = { "kb/lessons/a/README.md": "", "kb/lessons/b/README.md": "", "kb/lessons/b/x.md": "" };
    const index = await indexOf(texts);
    expect(index.resolve("README", H)).toEqual(["kb/lessons/a/README.md", "kb/lessons/b/README.md"]);
    expect(index.resolve("README", "kb/lessons/b/x.md")).toEqual(["kb/lessons/b/README.md"]);
    expect(index.resolve("lessons/a/README", H)).toEqual(["kb/lessons/a/README.md"]);
  });

  it("means the note with the id before any alias of the same name", async () => {
    const index = await indexOf({ [H]: "", "kb/lessons/a.md": "---\naliases: H001\n---\n" });
    expect(index.resolve("H001", "kb/ACTIVE.md")).toEqual([H]);
  });

  it("finds names whatever the form of their accents", async () => {
    const index = await indexOf({ ["kb/lessons/caf\u00e9.md"]: "" });
    expect(index.resolve("cafe\u0301", H)).toEqual(["kb/lessons/caf\u00e9.md"]);
  });
});
