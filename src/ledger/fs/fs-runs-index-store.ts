import { lstatSync, mkdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";

import { AexpError } from "../../model/errors.ts";
import { explainWriteFailure, writeFileAtomically } from "../../platform/atomic-write.ts";
import { checkFileLabel, type RunsIndexStore } from "../runs-index.ts";

/** The folder of runs indexes on disk. */
export class FsRunsIndexStore implements RunsIndexStore {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
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
