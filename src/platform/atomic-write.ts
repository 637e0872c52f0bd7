import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, fsyncSync, openSync, renameSync, rmSync, statSync, writeFileSync, writeSync } from "node:fs";
import { open, rename } from "node:fs/promises";
import { dirname, join } from "node:path";

import { AexpError, messageOf, systemErrorCode } from "../model/errors.ts";

/** How a file is written. */
export interface AtomicWriteOptions {
  /**
   * `each` (the default) survives a power cut as soon as the call returns. `later` only promises that a reader never
   * sees half a file; the caller flushes once for many.
   */
  readonly durability?: "each" | "later";
  /** Permissions of the file, before the umask of a new one. */
  readonly mode?: number;
  /** With `later`: there is a file already. ext4 flushes what takes its place, and this process works on meanwhile. */
  readonly isReplacement?: boolean;
}

/**
 * Replaces a file in one step: a reader sees the old bytes or the new ones, never a part.
 *
 * @throws {AexpError} `environment.read_only`, `environment.disk_full`, and Node's own error for anything else
 */
export async function writeFileAtomically(
  path: string,
  data: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<void> {
  const { durability = "each", mode, isReplacement = false } = options;
  try {
    if (durability === "later") return await replaceFile(path, data, { mode, isReplacement });
    const { default: writeFileAtomic } = await import("write-file-atomic");
    await writeFileAtomic(
      path,
      typeof data === "string" ? data : Buffer.from(data),
      mode === undefined ? {} : { mode },
    );
    await flushFolder(dirname(path));
  } catch (error) {
    throw explainWriteFailure(error, path);
  }
}

/**
 * Names for quick writes, of which as many are made as there ever were writes at a time: a new name for each of 10,000 files
 * makes the folder twice as large, and creating them several times slower.
 */
const freeNames: string[] = [];

/** The quick form for many small files: nothing is flushed. */
async function replaceFile(
  path: string,
  data: string | Uint8Array,
  { mode, isReplacement }: { readonly mode: number | undefined; readonly isReplacement: boolean },
): Promise<void> {
  const name = freeNames.pop() ?? `.tmp-${randomUUID()}`;
  const temporary = join(dirname(path), name);
  try {
    const descriptor = openSync(temporary, "wx", mode);
    try {
      writeAll(descriptor, typeof data === "string" ? Buffer.from(data) : data);
    } finally {
      closeSync(descriptor);
    }
    // For a name that is new, to wait for another thread would take longer.
    if (isReplacement) await rename(temporary, path);
    else renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  } finally {
    freeNames.push(name);
  }
}

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
}

/**
 * Writes a file that counts only once something else says so: half the work of replacing one. A reader may see a part.
 *
 * @throws {AexpError} `environment.read_only`, `environment.disk_full`, and Node's own error for anything else
 */
export function writeFileInPlace(path: string, data: string | Uint8Array): void {
  try {
    writeFileSync(path, data);
  } catch (error) {
    throw explainWriteFailure(error, path);
  }
}

/** Writes a new file and flushes it; the folder around it is the caller's to flush. */
export function writeNewFile(path: string, data: string): void {
  const descriptor = openSync(path, "wx");
  try {
    writeAll(descriptor, Buffer.from(data));
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/** Makes the names in a folder (files created, renamed, removed) survive a power cut. */
export async function flushFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } catch (error) {
    // Some network file systems refuse to flush a folder; there is no other way to ask.
    if (systemErrorCode(error) !== "EINVAL" && systemErrorCode(error) !== "ENOTSUP") throw error;
  } finally {
    await folder.close();
  }
}

/**
 * Makes everything written so far to the file system around `folder` survive a power cut.
 *
 * Flushing 10,000 small files one by one takes longer than writing them several times over, so the kernel is asked
 * once, through `sync -f` of the GNU tools. Without it, the files named by `listFiles` are flushed one by one.
 */
export async function flushFileSystem(folder: string, listFiles: () => Iterable<string>): Promise<void> {
  if (await hasSynced(folder)) return;
  for (const path of listFiles()) {
    const file = await open(path, "r");
    try {
      await file.sync();
    } finally {
      await file.close();
    }
  }
  await flushFolder(folder);
}

/** Flushes that begin in a moment, by device: whoever asks until then need not ask the kernel again. */
const coming = new Map<number, Promise<boolean>>();

async function hasSynced(folder: string): Promise<boolean> {
  const device = statSync(folder, { throwIfNoEntry: false })?.dev;
  if (device === undefined) return await sync(folder);
  const flush =
    coming.get(device) ??
    Promise.resolve().then(() => {
      coming.delete(device);
      return sync(folder);
    });
  coming.set(device, flush);
  return await flush;
}

function sync(folder: string): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn("sync", ["-f", folder], { stdio: "ignore" });
    child.on("error", () => resolve(false)); // no such program
    child.on("exit", (code) => resolve(code === 0));
  });
}

/** Gives the failures that a user can do something about a sentence of their own; returns any other as it is. */
export function explainWriteFailure(error: unknown, path: string): unknown {
  const code = systemErrorCode(error);
  if (code === "EACCES" || code === "EPERM" || code === "EROFS") {
    return new AexpError(`${JSON.stringify(path)} cannot be written: ${messageOf(error)}`, {
      code: "environment.read_only",
      hint: "Check the permissions of the folder and of the file system.",
      cause: error,
    });
  }
  if (code === "ENOSPC" || code === "EDQUOT") {
    return new AexpError(`${JSON.stringify(path)} cannot be written: no space left. The old file is untouched`, {
      code: "environment.disk_full",
      hint: "Free some space, or raise the quota, and run the command again.",
      cause: error,
    });
  }
  return error;
}
