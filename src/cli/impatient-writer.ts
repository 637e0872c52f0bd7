import { constants, openSync, writeSync } from "node:fs";

import { systemErrorCode } from "../model/errors.ts";

/** Writes to a terminal that may be frozen, and never waits for it. */
export class ImpatientWriter {
  readonly #descriptor: number;
  #rest: Buffer = Buffer.alloc(0);

  /** @param descriptor one that does not block */
  constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /**
   * Takes a text, unless the last one is not written yet: then nothing of it is written. What the terminal takes only a
   * part of is finished with the next offer.
   */
  offer(text: string): "taken" | "later" | "gone" {
    const before = this.#flush();
    if (before !== "taken") return before;
    this.#rest = Buffer.from(text);
    return this.#flush() === "gone" ? "gone" : "taken";
  }

  /** What is still to be written; whoever takes it writes it. */
  takeRest(): Uint8Array | undefined {
    const rest = this.#rest;
    this.#rest = Buffer.alloc(0);
    return rest.length === 0 ? undefined : rest;
  }

  #flush(): "taken" | "later" | "gone" {
    while (this.#rest.length > 0) {
      try {
        this.#rest = this.#rest.subarray(writeSync(this.#descriptor, this.#rest));
      } catch (error) {
        if (systemErrorCode(error) === "EAGAIN") return "later";
        this.#rest = Buffer.alloc(0);
        return "gone"; // the terminal was closed
      }
    }
    return "taken";
  }
}

/**
 * The terminal behind a descriptor, opened once more: only so it can be told not to block without telling the same to
 * the shell, which shares the first. `undefined` where the system has no such thing.
 */
export function openImpatiently(descriptor: number): ImpatientWriter | undefined {
  try {
    const { O_WRONLY, O_NONBLOCK, O_NOCTTY } = constants;
    if (process.platform !== "linux") return undefined;
    return new ImpatientWriter(openSync(`/proc/self/fd/${descriptor}`, O_WRONLY | O_NONBLOCK | O_NOCTTY));
  } catch {
    return undefined; // somebody else's terminal, as after su
  }
}
