import { type Dirent, mkdirSync, readdirSync, realpathSync, rmSync, statSync } from "node:fs";
import { join, sep } from "node:path";

import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { explainWriteFailure } from "../../platform/atomic-write.ts";
import { withLockFile } from "../../platform/lock-file.ts";
import { readTextFile } from "../../platform/read-file.ts";
import type { NoteKind } from "../artifact.ts";
import { KB_FOLDER, type KbListing, type NoteChange, type NoteFile, type NoteStore } from "../kb-store.ts";
import { folderOf } from "../note-place.ts";
import type { NoteWriter } from "./note-writer.ts";

const MAX_NOTE_BYTES = 4 * 1024 * 1024;
/** Deeper folders are hardly meant, and a loop of mounts would have no end. */
const MAX_DEPTH = 32;
/** How long a writer waits for the other writers. */
const LOCK_WAIT_MS = 60_000;
/** A note that is being written has this name until it is complete. */
const TEMPORARY = /\.md\.\d{4,}$/;

/** The knowledge base on disk. Symbolic links are followed only inside the repository. */
export class FsNoteStore implements NoteStore {
  readonly path: string;
  readonly #root: string;
  #writer: NoteWriter | undefined;

  constructor(root: string) {
    this.#root = root;
    this.path = join(root, KB_FOLDER);
  }

  exists(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.isDirectory() === true;
  }

  list(folder: string, depth: "flat" | "deep"): KbListing {
    const files: string[] = [];
    const problems: { path: string; problem: string }[] = [];
    const visit = (path: string, level: number): void => {
      for (const entry of this.#entriesOf(path, problems)) {
        const inner = `${path}/${entry.name}`;
        const kind = entry.isSymbolicLink() ? this.#kindBehindLink(inner) : kindOf(entry);
        // A folder that is named like a note is a note that cannot be read.
        if (kind === "file" || (kind === "folder" && inner.endsWith(".md"))) files.push(inner);
        else if (kind === "folder" && depth === "deep" && level < MAX_DEPTH) visit(inner, level + 1);
      }
    };
    visit(folder, 0);
    return { files: files.toSorted(), problems };
  }

  read(path: string): NoteFile {
    const absolute = `${this.#root}/${path}`;
    try {
      return { kind: "text", text: readTextFile(absolute, MAX_NOTE_BYTES, { noFollow: true }) };
    } catch (error) {
      if (systemErrorCode(error) === "ELOOP") return this.#readThroughLink(absolute);
      return { kind: "unreadable", problem: problemOf(error) };
    }
  }

  isFile(path: string): boolean {
    const absolute = join(this.#root, path);
    try {
      return statSync(absolute, { throwIfNoEntry: false })?.isFile() === true && this.#isInside(absolute);
    } catch {
      // A part of the path that is no folder, a loop of links, a name that is too long: no file is there.
      return false;
    }
  }

  async highestNumber(kind: NoteKind): Promise<number> {
    const { highestOf } = await import("../note-journal.ts");
    return highestOf(kind, (await this.#openWriter()).readIds(), this.list(folderOf(kind), "flat").files);
  }

  async edit<T>(decide: () => Promise<{ readonly changes: readonly NoteChange[]; readonly value: T }>): Promise<T> {
    const folder = join(this.#root, ".aexp");
    try {
      mkdirSync(folder, { recursive: true });
    } catch (error) {
      throw explainWriteFailure(error, folder);
    }
    const writer = await this.#openWriter();
    const done = await withLockFile(join(folder, "notes.lock"), LOCK_WAIT_MS, async (lock) => {
      if (lock.wasAbandoned) this.#removeLeftovers();
      await writer.finishInterrupted();
      const { changes, value } = await decide();
      if (!lock.isHeld()) throw locked("this process was suspended while it changed the notes, and lost its turn");
      await writer.apply(changes);
      return value;
    });
    if (done === undefined) throw locked(`other processes have been changing the notes for ${LOCK_WAIT_MS / 1000} s`);
    return done.result;
  }

  /** Every command opens this store, and few write: what writing needs is loaded then. */
  async #openWriter(): Promise<NoteWriter> {
    const { NoteWriter: Writer } = await import("./note-writer.ts");
    return (this.#writer ??= new Writer(this.#root, (path) => this.#currentText(path)));
  }

  /** What a killed writer had not renamed yet. */
  #removeLeftovers(): void {
    for (const path of this.list(KB_FOLDER, "deep").files) {
      if (TEMPORARY.test(path)) rmSync(join(this.#root, path), { force: true });
    }
  }

  #currentText(path: string): string | undefined {
    const absolute = `${this.#root}/${path}`;
    if (statSync(absolute, { throwIfNoEntry: false }) === undefined) return undefined;
    const file = this.read(path);
    if (file.kind === "text") return file.text;
    throw new AexpError(`${path} cannot be changed: ${file.problem}`, {
      code: "note.unreadable",
      hint: "Repair the file with an editor, or take it back from git.",
    });
  }

  #entriesOf(path: string, problems: { path: string; problem: string }[]): readonly Dirent[] {
    const absolute = join(this.#root, path);
    try {
      if (!this.#isInside(absolute)) {
        problems.push({ path, problem: "the folder leads out of the repository; the notes there are not read" });
        return [];
      }
      return readdirSync(absolute, { withFileTypes: true }).filter(({ name }) => !name.startsWith("."));
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") problems.push({ path, problem: folderProblem(error) });
      return [];
    }
  }

  /** A link to a folder is followed unless it leads out, or to a folder around itself. */
  #kindBehindLink(path: string): "file" | "folder" | "other" {
    const absolute = join(this.#root, path);
    const found = statSync(absolute, { throwIfNoEntry: false });
    if (found?.isDirectory() !== true) return "file";
    return absolute.startsWith(realpathSync(absolute) + sep) ? "other" : "folder";
  }

  #readThroughLink(path: string): NoteFile {
    try {
      if (!this.#isInside(path)) {
        return { kind: "unreadable", problem: "the file is a symbolic link that leads out of the repository" };
      }
      return { kind: "text", text: readTextFile(realpathSync(path), MAX_NOTE_BYTES, { noFollow: true }) };
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") {
        return { kind: "unreadable", problem: "the file is a symbolic link to nothing" };
      }
      return { kind: "unreadable", problem: problemOf(error) };
    }
  }

  #isInside(path: string): boolean {
    return realpathSync(path).startsWith(realpathSync(this.#root) + sep);
  }
}

function kindOf(entry: Dirent): "file" | "folder" | "other" {
  return entry.isFile() ? "file" : entry.isDirectory() ? "folder" : "other";
}

function locked(problem: string): AexpError {
  return new AexpError(problem, { code: "note.locked", hint: "Run the command again. Nothing was changed." });
}

function folderProblem(error: unknown): string {
  const code = systemErrorCode(error);
  if (code === "EACCES") return "the folder may not be read";
  return code === "ENOTDIR" ? "it is no folder" : messageOf(error);
}

function problemOf(error: unknown): string {
  if (error instanceof AexpError && error.code === "file.too_large") return "the file is larger than 4 MiB";
  if (error instanceof AexpError && error.code === "file.not_utf8") return "the file is not UTF-8 text";
  const code = systemErrorCode(error);
  if (code === "EACCES") return "the file may not be read";
  return code === "EISDIR" ? "it is a folder" : messageOf(error);
}
