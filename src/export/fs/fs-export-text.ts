import { randomUUID } from "node:crypto";
import { closeSync, openSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { explainWriteFailure } from "../../platform/atomic-write.ts";
import type { ExportText } from "../export-folder.ts";

/** A file that appears, whole, when it is published. */
export class FsExportText implements ExportText {
  readonly #target: string;
  readonly #path: string;
  readonly #descriptor: number;
  #isDone = false;

  /** @param target absolute path; the folder around it exists */
  constructor(target: string) {
    this.#target = target;
    this.#path = join(dirname(target), `.${basename(target)}.${randomUUID()}.partial`);
    this.#descriptor = this.#try(() => openSync(this.#path, "wx"));
  }

  write(text: string): void {
    this.#try(() => writeFileSync(this.#descriptor, text));
  }

  publish(): void {
    this.#try(() => {
      closeSync(this.#descriptor);
      this.#isDone = true;
      renameSync(this.#path, this.#target);
    });
  }

  discard(): void {
    if (!this.#isDone) closeSync(this.#descriptor);
    this.#isDone = true;
    rmSync(this.#path, { force: true });
  }

  #try<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw explainWriteFailure(error, this.#target);
    }
  }
}
