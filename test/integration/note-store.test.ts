import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { FsNoteStore } from "../../src/kb/fs/fs-note-store.ts";
import type { NoteChange } from "../../src/kb/kb-store.ts";
import { tempDir } from "../helpers/temp-dir.ts";

function makeStore(files: Readonly<Record<string, string>> = {}): { root: string; store: FsNoteStore } {
  const root = tempDir();
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(root, path, ".."), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return { root, store: new FsNoteStore(root) };
}

const change = async (store: FsNoteStore, changes: readonly NoteChange[]): Promise<void> =>
  store.edit(async () => ({ changes, value: undefined }));

describe("listing the knowledge base", () => {
  it("gives files in order, flat or deep, without hidden ones", () => {
    const { store } = makeStore({
      "kb/b.md": "",
      "kb/a/c.md": "",
      "kb/.obsidian/x.json": "",
      "kb/.gitkeep": "",
      "kb/p.png": "",
    });
    expect(store.list("kb", "deep")).toEqual({ files: ["kb/a/c.md", "kb/b.md", "kb/p.png"], problems: [] });
    expect(store.list("kb", "flat").files).toEqual(["kb/b.md", "kb/p.png"]);
    expect(store.list("kb/none", "deep")).toEqual({ files: [], problems: [] });
  });

  it("follows links inside the repository, and names those that lead out", () => {
    const { root, store } = makeStore({ "kb/a.md": "a", "notes/b.md": "b" });
    const outside = tempDir();
    writeFileSync(join(outside, "secret.md"), "secret");
    symlinkSync(join(root, "notes"), join(root, "kb", "linked"));
    symlinkSync(outside, join(root, "kb", "out"));
    symlinkSync(join(root, "kb"), join(root, "kb", "loop"));
    symlinkSync(join(outside, "secret.md"), join(root, "kb", "s.md"));
    symlinkSync("nowhere", join(root, "kb", "broken.md"));
    expect(store.list("kb", "deep")).toEqual({
      files: ["kb/a.md", "kb/broken.md", "kb/linked/b.md", "kb/s.md"],
      problems: [{ path: "kb/out", problem: "the folder leads out of the repository; the notes there are not read" }],
    });
    expect(store.read("kb/linked/b.md")).toEqual({ kind: "text", text: "b" });
    expect(store.read("kb/s.md")).toMatchObject({ kind: "unreadable", problem: expect.stringContaining("leads out") });
    expect(store.read("kb/broken.md")).toMatchObject({ kind: "unreadable" });
  });
});

describe("editing notes", () => {
  it("writes several, makes folders, deletes, and keeps the permissions of a file", async () => {
    const { root, store } = makeStore({ "kb/a.md": "old", "kb/gone.md": "x" });
    chmodSync(join(root, "kb/a.md"), 0o640);
    await change(store, [
      { path: "kb/a.md", text: "new" },
      { path: "kb/research/threads/T001-x.md", text: "thread" },
      { path: "kb/gone.md", text: undefined },
    ]);
    expect(store.list("kb", "deep").files).toEqual(["kb/a.md", "kb/research/threads/T001-x.md"]);
    expect(readFileSync(join(root, "kb/a.md"), "utf8")).toBe("new");
    expect(statSync(join(root, "kb/a.md")).mode & 0o777).toBe(0o640);
    expect(readdirSync(join(root, ".aexp"))).toEqual(["note-ids.json"]);
  });

  it("touches no file whose text stays", async () => {
    const { root, store } = makeStore({ "kb/a.md": "same" });
    const before = statSync(join(root, "kb/a.md"), { bigint: true }).mtimeNs;
    await change(store, [{ path: "kb/a.md", text: "same" }]);
    expect(statSync(join(root, "kb/a.md"), { bigint: true }).mtimeNs).toBe(before);
  });

  it("puts everything back when one of several cannot be written", async () => {
    const { root, store } = makeStore({ "kb/a.md": "old", "kb/file": "in the way" });
    await expect(
      change(store, [
        { path: "kb/a.md", text: "new" },
        { path: "kb/b.md", text: "new" },
        { path: "kb/file/c.md", text: "never" },
      ]),
    ).rejects.toThrow(/file/);
    expect(readFileSync(join(root, "kb/a.md"), "utf8")).toBe("old");
    expect(existsSync(join(root, "kb/b.md"))).toBe(false);
    expect(existsSync(join(root, ".aexp/note-journal.json"))).toBe(false);
  });

  it("changes nothing when deciding fails, and lets the next one in", async () => {
    const { store } = makeStore({ "kb/a.md": "old" });
    await expect(
      store.edit(async () => {
        throw new Error("no");
      }),
    ).rejects.toThrow("no");
    await change(store, [{ path: "kb/a.md", text: "new" }]);
    expect(store.read("kb/a.md")).toEqual({ kind: "text", text: "new" });
  });

  it("finishes what a killed process left half done, but for notes that were edited since", async () => {
    const { root, store } = makeStore({ "kb/a.md": "a", "kb/b.md": "edited meanwhile" });
    const sha = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"; // of "a"
    mkdirSync(join(root, ".aexp"));
    writeFileSync(
      join(root, ".aexp/note-journal.json"),
      JSON.stringify({
        schema_version: 1,
        changes: [
          { path: "kb/a.md", before: sha, text: "a2" },
          { path: "kb/b.md", before: sha, text: "b2" },
          { path: "kb/new.md", before: null, text: "new" },
        ],
      }),
    );
    await change(store, []);
    expect(store.read("kb/a.md")).toEqual({ kind: "text", text: "a2" });
    expect(store.read("kb/b.md")).toEqual({ kind: "text", text: "edited meanwhile" });
    expect(store.read("kb/new.md")).toEqual({ kind: "text", text: "new" });
    expect(existsSync(join(root, ".aexp/note-journal.json"))).toBe(false);
  });

  it.each([
    "{",
    "[]",
    '{"schema_version": 1, "changes": [{"path": "../x", "before": null, "text": "x"}]}',
    '{"schema_version": 1, "changes": [{"path": "kb/../x", "before": null, "text": "x"}]}',
  ])("refuses a journal that is damaged: %s", async (text) => {
    const { root, store } = makeStore();
    mkdirSync(join(root, ".aexp"));
    writeFileSync(join(root, ".aexp/note-journal.json"), text);
    await expect(change(store, [])).rejects.toMatchObject({ code: "note.journal_broken" });
    expect(existsSync(join(root, "x"))).toBe(false);
  });

  it("gives no number twice, whatever was deleted", async () => {
    const { root, store } = makeStore({ "kb/research/hypotheses/H007-a.md": "" });
    expect(await store.highestNumber("hypothesis")).toBe(7);
    expect(await store.highestNumber("experiment")).toBe(0);
    await change(store, [{ path: "kb/research/hypotheses/H008-b.md", text: "x" }]);
    await change(store, [{ path: "kb/research/hypotheses/H008-b.md", text: undefined }]);
    expect(await new FsNoteStore(root).highestNumber("hypothesis")).toBe(8);
    writeFileSync(join(root, ".aexp/note-ids.json"), "damaged");
    expect(await store.highestNumber("hypothesis")).toBe(7);
  });
});
