import { createHash, hash } from "node:crypto";
import { type BigIntStats, closeSync, constants, fstatSync, openSync, readSync } from "node:fs";

import { messageOf } from "../../model/errors.ts";
import { type BytePath, toBytes } from "../../model/byte-path.ts";
import { isGone } from "./tree-failure.ts";

/** What became of one file. Plain data, because it comes from other threads as well. */
export type FileOutcome =
  | {
      readonly kind: "hashed";
      readonly size: number;
      readonly mtimeNs: bigint;
      readonly isExecutable: boolean;
      /** In hex. */
      readonly sha256: string;
    }
  /** No such file any more. */
  | { readonly kind: "gone" }
  /** It changed while it was read, both times. */
  | { readonly kind: "unstable" }
  | { readonly kind: "unreadable"; readonly problem: string };

/** How much is read at once: 64 KiB to 1 MiB are equally quick, give or take 5 %. All memory that reading takes. */
const scratch = Buffer.allocUnsafeSlow(256 * 1024);
/** A pipe in place of a file must not block, and a link must not be followed. */
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
const TRIES = 2;

/**
 * Computes the SHA-256 of a file that nobody changes meanwhile, which is tried twice. Whoever calls it gets to do
 * something else after each part that was read: the number of bytes is what is yielded.
 */
export function* hashFile(path: BytePath): Generator<number, FileOutcome> {
  try {
    for (let tries = 0; tries < TRIES; tries++) {
      // Opened each time: the file may have been replaced.
      const descriptor = openSync(toBytes(path), OPEN_FLAGS);
      try {
        const before = fstatSync(descriptor, { bigint: true });
        if (!before.isFile()) return { kind: "gone" };
        const size = Number(before.size);
        const sha256 = yield* hashBytes(descriptor, size);
        if (sha256 === undefined || !isSame(before, fstatSync(descriptor, { bigint: true }))) continue;
        return { kind: "hashed", size, mtimeNs: before.mtimeNs, isExecutable: (before.mode & 0o100n) !== 0n, sha256 };
      } finally {
        closeSync(descriptor);
      }
    }
    return { kind: "unstable" };
  } catch (error) {
    return isGone(error) ? { kind: "gone" } : { kind: "unreadable", problem: messageOf(error) };
  }
}

/** Never reads on after `size` bytes: a file that grows as quickly as it is read would have no end. */
function* hashBytes(descriptor: number, size: number): Generator<number, string | undefined> {
  if (size <= scratch.length) {
    const bytes = readPart(descriptor, size);
    const sha256 = bytes.length < size ? undefined : hash("sha256", bytes, "hex");
    yield bytes.length;
    return sha256;
  }
  const content = createHash("sha256");
  for (let left = size; left > 0;) {
    const bytes = readPart(descriptor, left);
    if (bytes.length === 0) return undefined;
    content.update(bytes);
    left -= bytes.length;
    yield bytes.length;
  }
  return content.digest("hex");
}

/** The next part, in the shared buffer: to be used before anything else is read. */
function readPart(descriptor: number, atMost: number): Buffer {
  const count = atMost === 0 ? 0 : readSync(descriptor, scratch, 0, Math.min(atMost, scratch.length), null);
  return scratch.subarray(0, count);
}

/** The time of the last change of status as well: it tells of a program that sets the other one back. */
function isSame(before: BigIntStats, after: BigIntStats): boolean {
  return before.size === after.size && before.mtimeNs === after.mtimeNs && before.ctimeNs === after.ctimeNs;
}
