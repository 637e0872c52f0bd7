import { randomUUID } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";

import { explainWriteFailure } from "../../platform/atomic-write.ts";
import { EXPORT_MARKER, type ExportFolder, type ExportMarker } from "../export-folder.ts";

const CHUNK_BYTES = 1024 * 1024;
const REMEMBERED_FOLDERS = 1000;

/** An export in a hidden folder beside its place; one `rename` shows it. */
export class FsExportFolder implements ExportFolder {
  readonly #target: string;
  readonly #path: string;
  readonly #format: string;
  readonly #folders = new Set<string>();
  #isDone = false;

  /** @param target absolute path where the folder will stand; its parent exists */
  constructor(target: string, format: string) {
    this.#target = target;
    this.#path = join(dirname(target), `.${basename(target)}.${randomUUID()}.partial`);
    this.#format = format;
    this.#try(() => mkdirSync(this.#path));
  }

  write(path: string, text: string): void {
    const file = this.#fileAt(path);
    this.#try(() => writeFileSync(file, text, { flag: "wx" }));
  }

  append(path: string, text: string): void {
    const file = this.#fileAt(path);
    this.#try(() => appendFileSync(file, text));
  }

  makeFolder(path: string): void {
    if (this.#folders.has(path)) return;
    const folder = `${this.#path}/${checked(path)}`;
    this.#try(() => mkdirSync(folder, { recursive: true }));
    // Making one again does no harm, so that the last ones are enough to remember.
    if (this.#folders.size >= REMEMBERED_FOLDERS) this.#folders.clear();
    this.#folders.add(path);
  }

  assemble(path: string, head: string, part: string, tail: string): void {
    const [from, to] = [`${this.#path}/${checked(part)}`, this.#fileAt(path)];
    this.#try(() => {
      const [input, output] = [existsSync(from) ? openSync(from, "r") : undefined, openSync(to, "wx")];
      try {
        writeFileSync(output, head);
        if (input !== undefined) copy(input, output);
        writeFileSync(output, tail);
      } finally {
        closeSync(output);
        if (input !== undefined) closeSync(input);
      }
      rmSync(from, { force: true });
    });
  }

  publish(): void {
    const marker: ExportMarker = { aexp_export: 1, format: this.#format, names: countNames(this.#path) };
    this.write(EXPORT_MARKER, `${JSON.stringify(marker, null, 2)}\n`);
    this.#try(() => replaceFolder(this.#path, this.#target));
    this.#isDone = true;
  }

  discard(): void {
    if (!this.#isDone) rmSync(this.#path, { recursive: true, force: true });
    this.#isDone = true;
  }

  #fileAt(path: string): string {
    const slash = checked(path).lastIndexOf("/");
    if (slash !== -1) this.makeFolder(path.slice(0, slash));
    return `${this.#path}/${path}`;
  }

  /** Tells failures of the place that the user named. */
  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      throw explainWriteFailure(error, this.#target);
    }
  }
}

/** How many names stand in a folder and in each of its folders, hidden ones aside. */
export function countNames(path: string): Record<string, number> {
  const entries = readdirSync(path, { withFileTypes: true }).filter(({ name }) => isCounted(name));
  const folders = entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => [name, readdirSync(join(path, name)).filter(isCounted).length] as const);
  return Object.fromEntries([["", entries.length] as const, ...folders]);
}

function isCounted(name: string): boolean {
  return !name.startsWith(".");
}

/** The old folder is moved aside first and goes last, so that there is a whole one at every moment but one. */
function replaceFolder(from: string, to: string): void {
  if (!existsSync(to)) return renameSync(from, to);
  const old = `${from}.old`;
  renameSync(to, old);
  try {
    renameSync(from, to);
  } catch (error) {
    renameSync(old, to);
    throw error;
  }
  rmSync(old, { recursive: true, force: true });
}

function copy(input: number, output: number): void {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let count = readSync(input, buffer); count > 0; count = readSync(input, buffer)) {
    for (let done = 0; done < count;) done += writeSync(output, buffer, done, count - done);
  }
}

/** Names come from runs, so a path is looked at once more before it becomes a file. */
function checked(path: string): string {
  const isSafe = path.split("/").every((part) => part !== "" && part !== "." && part !== ".." && !part.includes("\0"));
  if (!isSafe) throw new Error(`an export would write to ${JSON.stringify(path)}`);
  return path;
}
