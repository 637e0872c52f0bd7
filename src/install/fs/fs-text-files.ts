import { accessSync, constants, existsSync, lstatSync, mkdirSync, readdirSync, realpathSync, statSync } from "node:fs";
import { dirname, relative, resolve, sep } from "node:path";

import { systemErrorCode } from "../../model/errors.ts";
import { explainWriteFailure, writeFileAtomically } from "../../platform/atomic-write.ts";
import { readTextFile } from "../../platform/read-file.ts";
import type { PathKind, TextFiles } from "../text-files.ts";

const MAX_BYTES = 4 * 1024 * 1024;

/** Files on disk. */
export class FsTextFiles implements TextFiles {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  kind(path: string): PathKind {
    try {
      const stat = lstatSync(this.#at(path), { throwIfNoEntry: false });
      if (stat === undefined) return "nothing";
      if (stat.isSymbolicLink()) return "link";
      if (stat.isDirectory()) return "folder";
      return stat.isFile() ? "file" : "other";
    } catch (error) {
      // A file stands where a folder of the path should be; whoever asks for that folder is told.
      if (systemErrorCode(error) === "ENOTDIR") return "nothing";
      throw error;
    }
  }

  isInside(path: string): boolean {
    const way = relative(realpathSync(this.#folder), realpathSync(nearestExisting(this.#at(path))));
    return way === "" || (way !== ".." && !way.startsWith(`..${sep}`));
  }

  isWritable(path: string): boolean {
    return isAllowed(nearestExisting(dirname(this.#at(path))), constants.W_OK | constants.X_OK);
  }

  isExecutable(path: string): boolean {
    return isAllowed(this.#at(path), constants.X_OK);
  }

  isEmptyFolder(path: string): boolean {
    return readdirSync(this.#at(path)).length === 0;
  }

  read(path: string): string | undefined {
    const file = this.#at(path);
    return statSync(file, { throwIfNoEntry: false }) === undefined ? undefined : readTextFile(file, MAX_BYTES);
  }

  async write(path: string, text: string, mode?: number): Promise<void> {
    const file = this.#at(path);
    try {
      mkdirSync(dirname(file), { recursive: true });
    } catch (error) {
      throw explainWriteFailure(error, file);
    }
    // A linked .gitignore stays a link; its target is what changes.
    const target = existsSync(file) ? realpathSync(file) : file;
    await writeFileAtomically(target, text, mode === undefined ? {} : { mode });
  }

  #at(path: string): string {
    return resolve(this.#folder, path);
  }
}

function nearestExisting(path: string): string {
  let folder = path;
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    // The question is only whether; what forbids it is told by the write itself.
    return false;
  }
}
