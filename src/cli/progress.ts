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
  #total: number | undefined;

  constructor(output: Output, label: string) {
    this.#output = output;
    this.#label = label;
  }

  /** @param countTotal how much there is to do; asked once, when the line is first shown */
  update(done: number, countTotal: () => number): void {
    if (this.#output.isTTY !== true || performance.now() < this.#nextMs) return;
    const total = (this.#total ??= countTotal());
    this.#nextMs = performance.now() + REDRAW_MS;
    this.#isShown = true;
    // The cursor goes back to the beginning, so that a warning is written over the counter.
    this.#output.write(`${this.#label} ${done.toLocaleString("en")} of ${total.toLocaleString("en")}\u001b[K\r`);
  }

  /** Clears the line. */
  end(): void {
    if (this.#isShown) this.#output.write("\u001b[K");
  }
}
