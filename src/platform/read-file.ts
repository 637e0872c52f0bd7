import { isUtf8 } from "node:buffer";
import { closeSync, constants, openSync, readSync } from "node:fs";

import { AexpError } from "../model/errors.ts";

/** Most of our files fit, so that one read takes them whole; every reader shares the buffer. */
const scratch = Buffer.allocUnsafeSlow(64 * 1024);

/** A pipe in place of a file would block an open without end; with this flag it reads as empty. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK;

/** How a file is opened. */
export interface ReadFileOptions {
  /** Fail with `ELOOP` on a symbolic link instead of following it. */
  readonly noFollow?: boolean;
}

/**
 * The text of a UTF-8 file, read in one go: open, read, close. At most `maxBytes + 1` bytes are ever read.
 *
 * @throws {AexpError} `file.too_large`, `file.not_utf8`, and Node's own error when the file cannot be read
 */
export function readTextFile(path: string, maxBytes: number, options: ReadFileOptions = {}): string {
  const bytes = readIntoScratch(path, maxBytes, options);
  const text = bytes.toString("utf8");
  // Decoding puts U+FFFD for what it cannot read; only then is the second look worth its time.
  if (text.includes("\ufffd") && !isUtf8(bytes)) {
    throw new AexpError(`${JSON.stringify(path)} is not UTF-8 text`, { code: "file.not_utf8" });
  }
  return text;
}

/** The bytes, in the shared buffer when they fit: to be used before the next read. */
function readIntoScratch(path: string, maxBytes: number, options: ReadFileOptions): Buffer {
  const descriptor = openSync(path, options.noFollow === true ? OPEN_FLAGS | constants.O_NOFOLLOW : OPEN_FLAGS);
  try {
    const count = readSync(descriptor, scratch, 0, scratch.length, null);
    if (count < scratch.length && count <= maxBytes) return scratch.subarray(0, count);
    return readRest(descriptor, path, Buffer.from(scratch.subarray(0, count)), maxBytes);
  } finally {
    closeSync(descriptor);
  }
}

function readRest(descriptor: number, path: string, start: Buffer, maxBytes: number): Buffer {
  const chunks = [start];
  let total = start.length;
  while (total <= maxBytes) {
    const chunk = Buffer.allocUnsafe(Math.min(1024 * 1024, maxBytes + 1 - total));
    const count = readSync(descriptor, chunk, 0, chunk.length, null);
    if (count === 0) return Buffer.concat(chunks, total);
    chunks.push(chunk.subarray(0, count));
    total += count;
  }
  throw new AexpError(`${JSON.stringify(path)} is larger than ${sizeText(maxBytes)}`, { code: "file.too_large" });
}

function sizeText(bytes: number): string {
  return bytes >= 1024 * 1024 ? `${bytes / 1024 / 1024} MiB` : `${bytes} bytes`;
}
