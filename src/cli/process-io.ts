import { fstatSync, writeSync } from "node:fs";

import { systemErrorCode } from "../model/errors.ts";
import { type ImpatientWriter, openImpatiently } from "./impatient-writer.ts";
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
    this.#terminal ??= openImpatiently(this.#descriptor);
    if (this.#terminal === undefined) {
      this.write(text);
      return true;
    }
    const taken = this.#terminal.offer(text);
    if (taken === "gone") this.#isGone = true;
    return taken !== "later";
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

function isCharacterDevice(descriptor: number): boolean {
  try {
    return fstatSync(descriptor).isCharacterDevice();
  } catch {
    return true; // a closed descriptor: Node's stream has an answer to that
  }
}
