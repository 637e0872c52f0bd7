import { lstatSync, mkdirSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { explainWriteFailure, writeFileAtomically } from "../../platform/atomic-write.ts";
import { readTextFile } from "../../platform/read-file.ts";
import { checkFileLabel, parseRunsIndex, type RunsIndexRead, type RunsIndexStore } from "../runs-index.ts";

const MAX_INDEX_BYTES = 64 * 1024 * 1024;

/** The folder of runs indexes on disk. */
export class FsRunsIndexStore implements RunsIndexStore {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  *readAll(): Generator<RunsIndexRead> {
    for (const name of this.#listNames()) {
      let text: string;
      try {
        text = readTextFile(join(this.path, name), MAX_INDEX_BYTES, { noFollow: true });
      } catch (error) {
        const problem = systemErrorCode(error) === "ELOOP" ? "the file is a symbolic link" : messageOf(error);
        yield { kind: "malformed", file: name, problem };
        continue;
      }
      yield parseRunsIndex(name, text);
    }
  }

  async write(label: string, text: string, file?: string): Promise<string> {
    const path = file === undefined ? join(this.path, `${checkFileLabel(label)}.json`) : resolve(file);
    if (file === undefined) this.#refuseLinks(path);
    try {
      mkdirSync(dirname(path), { recursive: true });
    } catch (error) {
      throw explainWriteFailure(error, path);
    }
    await writeFileAtomically(path, text);
    return path;
  }

  #listNames(): readonly string[] {
    try {
      return readdirSync(this.path)
        .filter((name) => name.endsWith(".json") && !name.startsWith("."))
        .toSorted();
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT" || systemErrorCode(error) === "ENOTDIR") return [];
      throw error;
    }
  }

  #refuseLinks(file: string): void {
    for (const path of [dirname(this.path), this.path, file]) {
      if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) continue;
      throw new AexpError(`${JSON.stringify(path)} is a symbolic link; the runs index is not written through it`, {
        code: "ledger.folder_unsafe",
        hint: "Put a plain folder or file in its place, or name another file with --out.",
      });
    }
  }
}
