import { readdirSync, realpathSync, statSync } from "node:fs";
import { join, sep } from "node:path";

import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { readTextFile } from "../../platform/read-file.ts";
import type { NoteFile, NoteFolder, NoteStore } from "../kb-store.ts";

const MAX_NOTE_BYTES = 4 * 1024 * 1024;

/** The knowledge base on disk. Symbolic links are followed only inside the repository. */
export class FsNoteStore implements NoteStore {
  readonly path: string;
  readonly #root: string;

  constructor(root: string) {
    this.#root = root;
    this.path = join(root, "kb");
  }

  exists(): boolean {
    return statSync(this.path, { throwIfNoEntry: false })?.isDirectory() === true;
  }

  list(folder: NoteFolder): readonly string[] {
    const path = join(this.path, folder);
    try {
      if (!this.#isInside(path)) {
        throw new AexpError(`${JSON.stringify(path)} leads out of the repository; the notes there are not read`, {
          code: "note.folder_unsafe",
          hint: "Put a plain folder in its place.",
        });
      }
      return readdirSync(path)
        .filter((name) => name.endsWith(".md") && !name.startsWith("."))
        .toSorted();
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return [];
      throw error;
    }
  }

  read(folder: NoteFolder, name: string): NoteFile {
    const path = `${this.path}/${folder}/${name}`;
    try {
      return { kind: "text", text: readTextFile(path, MAX_NOTE_BYTES, { noFollow: true }) };
    } catch (error) {
      if (systemErrorCode(error) === "ELOOP") return this.#readThroughLink(path);
      return { kind: "unreadable", problem: problemOf(error) };
    }
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

function problemOf(error: unknown): string {
  if (error instanceof AexpError && error.code === "file.too_large") return "the file is larger than 4 MiB";
  if (error instanceof AexpError && error.code === "file.not_utf8") return "the file is not UTF-8 text";
  const code = systemErrorCode(error);
  if (code === "EACCES") return "the file may not be read";
  return code === "EISDIR" ? "it is a folder" : messageOf(error);
}
