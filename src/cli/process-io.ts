import { constants, fstatSync, openSync, writeSync } from "node:fs";

import { systemErrorCode } from "../model/errors.ts";
import type { CliIo, Output } from "./io.ts";

/** How long to wait before a full pipe that does not block is tried again. */
const FULL_PIPE_MS = 2;

/** The streams and surroundings of this process. */
export function processIo(): CliIo {
  return {
    stdout: new ProcessOutput(1, () => process.stdout),
    stderr: new ProcessOutput(2, () => process.stderr),
    get stdin() {
      // Opened by the few commands that have a question: it takes time.
      return process.stdin.isTTY ? process.stdin : undefined;
    },
    env: process.env,
    cwd: process.cwd(),
  };
}

/**
 * One of the process's own outputs. Text goes to the descriptor directly: Node's stream would load its network and
 * terminal modules first, which takes longer than most commands. Bytes are a running program's output, which must not
 * hold up signals and heartbeats when its reader is slow; from the first of them on everything goes through the stream.
 */
class ProcessOutput implements Output {
  readonly #descriptor: number;
  readonly #open: () => NodeJS.WriteStream;
  #terminal: ImpatientWriter | undefined;
  #stream: NodeJS.WriteStream | undefined;
  #isGone = false;

  constructor(descriptor: number, open: () => NodeJS.WriteStream) {
    this.#descriptor = descriptor;
    this.#open = open;
    // A terminal wants the stream, which knows its width; everything else is a file or a pipe.
    if (isCharacterDevice(descriptor)) this.#useStream();
  }

  get isTTY(): boolean {
    return this.#stream?.isTTY === true;
  }

  get columns(): number | undefined {
    return this.#stream?.columns;
  }

  get rows(): number | undefined {
    return this.#stream?.rows;
  }

  write(data: string | Uint8Array): unknown {
    if (this.#isGone) return true;
    const rest = this.#terminal?.takeRest();
    if (rest !== undefined) this.#useStream().write(rest);
    if (this.#stream === undefined && typeof data === "string") return this.#writeNow(Buffer.from(data));
    return this.#useStream().write(data);
  }

  offer(text: string): boolean {
    if (this.#isGone) return true;
    this.#terminal ??= new ImpatientWriter(reopen(this.#descriptor));
    return this.#terminal.offer(text, (rest) => this.write(rest));
  }

  on(event: "drain" | "close" | "error", listener: () => void): unknown {
    return this.#useStream().on(event, listener);
  }

  off(event: "drain" | "close" | "error", listener: () => void): unknown {
    return this.#useStream().off(event, listener);
  }

  #useStream(): NodeJS.WriteStream {
    if (this.#stream === undefined) {
      this.#stream = this.#open();
      // The reader has gone, as with `| head`, or the terminal was closed: what is left to say is said to nobody.
      this.#stream.on("error", (error) => {
        const code = systemErrorCode(error);
        if (code !== "EPIPE" && !(code === "EIO" && this.isTTY)) throw error;
        this.#isGone = true;
      });
    }
    return this.#stream;
  }

  #writeNow(bytes: Uint8Array): boolean {
    for (let done = 0; done < bytes.length;) {
      try {
        done += writeSync(this.#descriptor, bytes, done);
      } catch (error) {
        const code = systemErrorCode(error);
        if (code === "EPIPE") return (this.#isGone = true);
        if (code !== "EAGAIN") throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, FULL_PIPE_MS);
      }
    }
    return true;
  }
}

/** Writes to a descriptor that never blocks. What it takes only a part of is finished later. */
class ImpatientWriter {
  readonly #descriptor: number | undefined;
  #rest: Buffer = Buffer.alloc(0);

  constructor(descriptor: number | undefined) {
    this.#descriptor = descriptor;
  }

  /** @param write used instead where there is no such descriptor, or it fails */
  offer(text: string, write: (bytes: Uint8Array) => unknown): boolean {
    if (!this.#flush(write)) return false;
    this.#rest = Buffer.from(text);
    this.#flush(write);
    return true;
  }

  /** What is still to be written; whoever takes it writes it. */
  takeRest(): Uint8Array | undefined {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length === 0 ? undefined : rest;
  }

  #flush(write: (bytes: Uint8Array) => unknown): boolean {
    while (this.#rest.length > 0) {
      try {
        if (this.#descriptor === undefined) throw new Error("there is no such descriptor");
        this.#rest = this.#rest.subarray(writeSync(this.#descriptor, this.#rest));
      } catch (error) {
        if (systemErrorCode(error) === "EAGAIN") return false;
        write(this.takeRest() ?? this.#rest);
      }
    }
    return true;
  }
}

/**
 * The terminal behind a descriptor, opened once more: only so it can be told not to block without telling the same to
 * the shell, which shares the first. `undefined` where the system has no such thing.
 */
function reopen(descriptor: number): number | undefined {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    return process.platform === "linux"
      ? openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY)
      : undefined;
  } catch {
    return undefined; // somebody else's terminal, as after su
  }
}

function isCharacterDevice(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return true; // a closed descriptor: Node's stream has an answer to that
  }
}
