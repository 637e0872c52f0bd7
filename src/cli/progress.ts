import type { Output } from "./io.ts";

/** Work that takes longer shows how far it is. */
const PATIENCE_MS = 500;
const REDRAW_MS = 100;

/** A counter on one line of a terminal; silent where stderr is none. */
export class Progress {
  readonly #output: Output;
  readonly #label: string;
  #nextMs = performance.now() + PATIENCE_MS;
  #isShown = false;

  constructor(output: Output, label: string) {
    this.#output = output;
    this.#label = label;
  }

  update(done: number, total: number): void {
    if (this.#output.isTTY !== true || performance.now() < this.#nextMs) return;
    this.#nextMs = performance.now() + REDRAW_MS;
    this.#isShown = true;
    this.#output.write(`\r${this.#label} ${done.toLocaleString("en")} of ${total.toLocaleString("en")}\u001b[K`);
  }

  /** Clears the line. */
  end(): void {
    if (this.#isShown) this.#output.write("\r\u001b[K");
  }
}
