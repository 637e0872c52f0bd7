import { hash } from "node:crypto";
import { chmodSync, lstatSync, readdirSync, rmSync } from "node:fs";

import { systemErrorCode } from "../../model/errors.ts";

const SLASH = Buffer.from("/");
/** Python's compiled modules. It checks each against its source, so that they change nothing of what is executed. */
const COMPILED = Buffer.from("__pycache__");
const WRITE_BITS = 0o222;
/** A program that still writes there, such as a git whose aexp was killed, soon finds that it cannot. */
const REMOVAL = { recursive: true, force: true, maxRetries: 3, retryDelay: 20 } as const;

/** Takes the right to write away from everybody, for all files and folders below a path. Links are not followed. */
export function makeReadOnly(path: string): void {
  visit(Buffer.from(path), true, (file, { mode, isLink }) => {
    if (!isLink) chmodSync(file, mode & 0o7777 & ~WRITE_BITS);
  });
}

/**
 * A text that changes when any file or folder below a path is written, replaced, added or removed, or gets other
 * permissions. Only names, sizes, times and inodes are looked at; a copy of the folder gives another text.
 */
export function fingerprintTree(path: string): string {
  const lines: string[] = [];
  const start = Buffer.byteLength(path);
  visit(Buffer.from(path), false, (file, { mode, size, mtimeNs, ctimeNs, ino }) => {
    const name = file.toString("hex", start);
    // A folder's times change with the compiled modules in it; its names are all here in any case.
    const isFolder = (mode & 0o170000) === 0o040000;
    lines.push(isFolder ? `${name} ${mode}` : `${name} ${mode} ${size} ${mtimeNs} ${ctimeNs} ${ino}`);
  });
  return hash("sha256", lines.join("\n"), "hex");
}

/** Removes a path and everything below it, read-only or not. Nothing happens when it is not there. */
export function removeTree(path: string): void {
  try {
    rmSync(path, REMOVAL);
  } catch (error) {
    const code = systemErrorCode(error);
    if (code !== "EACCES" && code !== "EPERM") throw error;
    openFolders(Buffer.from(path));
    rmSync(path, REMOVAL);
  }
}

interface Look {
  readonly mode: number;
  readonly isLink: boolean;
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ctimeNs: bigint;
  readonly ino: bigint;
}

/** Names are bytes: not every file's name is text. `isInwards` comes to a folder after what is in it. */
function visit(path: Buffer, isInwards: boolean, act: (path: Buffer, look: Look) => void): void {
  const look = lookAt(path);
  if (!isInwards) act(path, look);
  if ((look.mode & 0o170000) === 0o040000) {
    for (const name of readdirSync(path, { encoding: "buffer" }).toSorted((a, b) => a.compare(b))) {
      if (isInwards || !name.equals(COMPILED)) visit(Buffer.concat([path, SLASH, name]), isInwards, act);
    }
  }
  if (isInwards) act(path, look);
}

function lookAt(path: Buffer): Look {
  const { mode, size, mtimeNs, ctimeNs, ino } = lstatSync(path, { bigint: true });
  const bits = Number(mode);
  return { mode: bits, isLink: (bits & 0o170000) === 0o120000, size, mtimeNs, ctimeNs, ino };
}

/** Lets the owner look into, and remove from, all folders below a path. */
function openFolders(path: Buffer): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found?.isDirectory() !== true) return;
  chmodSync(path, 0o700);
  for (const name of readdirSync(path, { encoding: "buffer" })) openFolders(Buffer.concat([path, SLASH, name]));
}
