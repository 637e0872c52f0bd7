/** The budget of content digests: against `sha256sum`, which reads the same files one after the other. */
import { createHash } from "node:crypto";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { timePair } from "./measure.ts";
import type { Bench } from "./queue.ts";
import { count, ms } from "./words.ts";

const FILES = 2000;
const FILE_BYTES = Math.ceil(1024 ** 3 / FILES);

/** Hashes files that the system has in memory: what is measured is the work, not the disk. */
export function measureHashing({ place, scale, samples, add }: Bench): void {
  const folder = join(place, "hashing");
  const files = FILES * scale;
  mkdirSync(folder);
  const paths = Array.from({ length: files }, (_, index) => join(folder, `file-${index}`));
  for (const path of paths) writeFileSync(path, differentBytes(path));
  const digest = { argv: [process.execPath, join(import.meta.dirname, "hash-folder.ts"), folder] };
  const { a, b, ratio } = timePair(digest, { argv: ["sha256sum", ...paths] }, samples);
  rmSync(folder, { recursive: true });
  const what = `content hashing of ${((files * FILE_BYTES) / 1024 ** 3).toFixed(1)} GiB in ${count(files)} files`;
  add(what, ms(a.medianS), `sha256sum: ${ms(b.medianS)}`, ratio, 1, "×");
}

function differentBytes(seed: string): Uint8Array {
  const block = createHash("sha512").update(seed).digest();
  return Buffer.alloc(FILE_BYTES, block);
}
