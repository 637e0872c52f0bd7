import { lstatSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";

import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { explainWriteFailure, flushFileSystem, writeFileAtomically } from "../../platform/atomic-write.ts";
import { readTextFile } from "../../platform/read-file.ts";
import { isJobId, type JobId, parseJobId } from "../../run/job-id.ts";
import type { LedgerRead, LedgerStore } from "../ledger-store.ts";
import { parseLedgerEntry } from "../parse-entry.ts";

/** The largest entry that is read. */
const MAX_ENTRY_BYTES = 1024 * 1024;

/** The ledger folder on disk. A symbolic link in its place, or in that of an entry, is never followed. */
export class FsLedgerStore implements LedgerStore {
  readonly path: string;
  /** Entries written since the last flush. */
  #unflushed: string[] = [];
  #isPrepared = false;

  constructor(path: string) {
    this.path = path;
  }

  listJobIds(): readonly JobId[] {
    return this.#listNames().flatMap((name) => {
      const id = name.slice(0, -".json".length);
      return isJobId(id) ? [id] : [];
    });
  }

  *readAll(): Generator<LedgerRead> {
    for (const name of this.#listNames()) {
      const read = this.#readFile(name);
      if (read !== undefined) yield read;
    }
  }

  has(jobId: JobId): boolean {
    return this.#checkFolder() && lstatSync(this.#fileOf(jobId), { throwIfNoEntry: false }) !== undefined;
  }

  read(jobId: JobId): LedgerRead | undefined {
    // Most runs that end have no entry yet, and an exception costs more than a look.
    return this.has(jobId) ? this.#readFile(`${parseJobId(jobId)}.json`) : undefined;
  }

  async write(jobId: JobId, text: string, durability: "each" | "later"): Promise<void> {
    const file = this.#fileOf(jobId);
    try {
      // Once for many: looking twice at two folders costs as much as writing the file.
      if (durability === "each" || !this.#isPrepared) this.#prepareFolder();
      // Writing would otherwise go through the link, to a file that is not ours.
      if (durability === "each" && lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true) rmSync(file);
    } catch (error) {
      throw explainWriteFailure(error, file);
    }
    await writeFileAtomically(file, text, { durability });
    if (durability === "later") this.#unflushed.push(file);
  }

  async flush(): Promise<void> {
    const files = this.#unflushed;
    this.#unflushed = [];
    if (files.length > 0) await flushFileSystem(this.path, () => files);
  }

  #readFile(name: string): LedgerRead | undefined {
    let text: string;
    try {
      text = readTextFile(`${this.path}/${name}`, MAX_ENTRY_BYTES, { noFollow: true });
    } catch (error) {
      if (systemErrorCode(error) === "ENOENT") return undefined;
      const problem = systemErrorCode(error) === "ELOOP" ? "the file is a symbolic link" : messageOf(error);
      return { kind: "malformed", file: name, problem, cause: "unreadable" };
    }
    return parseLedgerEntry(name, text);
  }

  /** Names such as `<id>.json.1234`, left by a writer that was killed, are not entries. */
  #listNames(): readonly string[] {
    if (!this.#checkFolder()) return [];
    return readdirSync(this.path)
      .filter((name) => /^[0-9a-f]{32}\.json$/.test(name))
      .toSorted();
  }

  /** Whether the folder is there. @throws {AexpError} `ledger.folder_unsafe` */
  #checkFolder(): boolean {
    for (const folder of [dirname(this.path), this.path]) {
      const stat = lstatSync(folder, { throwIfNoEntry: false });
      if (stat === undefined) return false;
      if (!stat.isDirectory()) throw unsafeFolder(folder, stat.isSymbolicLink() ? "a symbolic link" : "not a folder");
    }
    return true;
  }

  #prepareFolder(): void {
    if (!this.#checkFolder()) mkdirSync(this.path, { recursive: true });
    if (!this.#isPrepared) this.#removeLeftovers();
    this.#isPrepared = true;
  }

  #removeLeftovers(): void {
    for (const name of readdirSync(this.path)) {
      if (!/^(?:\.tmp-[0-9a-f-]{36}|[0-9a-f]{32}\.json\.\d+)$/.test(name)) continue;
      const path = join(this.path, name);
      const stat = lstatSync(path, { throwIfNoEntry: false });
      // A writer needs milliseconds; an old temporary file has lost its own.
      if (stat !== undefined && stat.mtimeMs < Date.now() - 10 * 60 * 1000) rmSync(path, { force: true });
    }
  }

  #fileOf(jobId: JobId): string {
    return join(this.path, `${parseJobId(jobId)}.json`);
  }
}

function unsafeFolder(folder: string, what: string): AexpError {
  return new AexpError(`${JSON.stringify(folder)} is ${what}; the ledger is neither read nor written through it`, {
    code: "ledger.folder_unsafe",
    hint: `Put a plain folder in place of ${basename(folder)}.`,
  });
}
