import { closeSync, openSync, writeSync } from "node:fs";

import { messageOf } from "../../model/errors.ts";

/** What a log keeps of a program that prints without end: the first half of the cap, and the last. */
const DEFAULT_LOG_CAP_BYTES = 10 * 1024 * 1024;

/**
 * A log file that never grows beyond its cap: the beginning is written as it comes, of the rest the end is held in a
 * buffer of fixed size and written, after a marker, when the log is closed. Bytes are kept as they are. A log that
 * cannot be written (the disk is full) never ends the program: it stops, and says so.
 */
export class CappedLog {
  readonly #descriptor: number;
  readonly #halfBytes: number;
  #headBytes = 0;
  #ring: Buffer | undefined;
  #tailBytes = 0;
  #problem: string | undefined;

  constructor(path: string, capBytes = DEFAULT_LOG_CAP_BYTES) {
    this.#descriptor = openSync(path, "w");
    this.#halfBytes = Math.floor(capBytes / 2);
  }

  /** Why the log is not whole; `undefined` when it is. */
  get problem(): string | undefined {
    return this.#problem;
  }

  write(bytes: Uint8Array): void {
    const room = this.#halfBytes - this.#headBytes;
    if (room > 0) {
      const head = bytes.subarray(0, room);
      this.#append(head);
      this.#headBytes += head.length;
    }
    if (bytes.length > room) this.#keep(bytes.subarray(Math.max(room, 0)));
  }

  close(): void {
    const tail = this.#tail();
    const dropped = this.#tailBytes - tail.length;
    if (dropped > 0) this.#append(Buffer.from(`\n[aexp: ${dropped} bytes left out here]\n`));
    this.#append(tail);
    closeSync(this.#descriptor);
  }

  #append(bytes: Uint8Array): void {
    if (this.#problem !== undefined) return;
    try {
      for (let done = 0; done < bytes.length;) done += writeSync(this.#descriptor, bytes, done);
    } catch (error) {
      this.#problem = messageOf(error);
    }
  }

  #keep(bytes: Uint8Array): void {
    const size = this.#halfBytes;
    this.#ring ??= Buffer.allocUnsafe(size);
    // Of a piece longer than the ring only its end can stay.
    const kept = bytes.subarray(Math.max(0, bytes.length - size));
    const start = (this.#tailBytes + bytes.length - kept.length) % size;
    const first = kept.subarray(0, size - start);
    this.#ring.set(first, start);
    this.#ring.set(kept.subarray(first.length), 0);
    this.#tailBytes += bytes.length;
  }

  #tail(): Uint8Array {
    if (this.#ring === undefined) return new Uint8Array();
    if (this.#tailBytes <= this.#halfBytes) return this.#ring.subarray(0, this.#tailBytes);
    const start = this.#tailBytes % this.#halfBytes;
    return Buffer.concat([this.#ring.subarray(start), this.#ring.subarray(0, start)]);
  }
}
