import { closeSync, openSync, writeSync } from "node:fs";

/** What a log keeps of a program that prints without end: the first half of the cap, and the last. */
export const DEFAULT_LOG_CAP_BYTES = 10 * 1024 * 1024;

/**
 * A log file that never grows beyond its cap: the beginning is written as it comes, of the rest the end is held in a
 * buffer of fixed size and written, after a marker, when the log is closed. Bytes are kept as they are.
 */
export class CappedLog {
  readonly #descriptor: number;
  readonly #halfBytes: number;
  #headBytes = 0;
  #ring: Buffer | undefined;
  #tailBytes = 0;

  constructor(path: string, capBytes = DEFAULT_LOG_CAP_BYTES) {
    this.#descriptor = openSync(path, "w");
    this.#halfBytes = Math.floor(capBytes / 2);
  }

  write(bytes: Uint8Array): void {
    const room = this.#halfBytes - this.#headBytes;
    if (room > 0) {
      const head = bytes.subarray(0, room);
      writeAll(this.#descriptor, head);
      this.#headBytes += head.length;
    }
    if (bytes.length > room) this.#keep(bytes.subarray(Math.max(room, 0)));
  }

  close(): void {
    const tail = this.#tail();
    const dropped = this.#tailBytes - tail.length;
    if (dropped > 0) writeAll(this.#descriptor, Buffer.from(`\n[aexp: ${dropped} bytes left out here]\n`));
    writeAll(this.#descriptor, tail);
    closeSync(this.#descriptor);
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

function writeAll(descriptor: number, bytes: Uint8Array): void {
  for (let done = 0; done < bytes.length;) done += writeSync(descriptor, bytes, done);
}
