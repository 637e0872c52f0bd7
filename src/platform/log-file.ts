import { closeSync, fstatSync, readSync } from "node:fs";

const CHUNK_BYTES = 256 * 1024;

/** Reads an open log that may still grow, piece by piece; disposing of the reader closes it. */
export function logReader(descriptor: number): Disposable & { next(): Uint8Array | undefined } {
  return {
    next() {
      const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
      const count = readSync(descriptor, buffer, 0, buffer.length, null);
      return count === 0 ? undefined : buffer.subarray(0, count);
    },
    [Symbol.dispose]: () => closeSync(descriptor),
  };
}

/** The last bytes of an open log as text, from the beginning of a line, and closes it. */
export function readLogTail(descriptor: number, maxBytes: number): string {
  try {
    const { size } = fstatSync(descriptor);
    const start = Math.max(0, size - maxBytes);
    const buffer = Buffer.alloc(Math.min(size, maxBytes));
    const text = buffer.toString("utf8", 0, readSync(descriptor, buffer, 0, buffer.length, start));
    return start === 0 ? text : text.slice(text.indexOf("\n") + 1);
  } finally {
    closeSync(descriptor);
  }
}
