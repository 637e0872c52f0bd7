import { setImmediate as nextTurn } from "node:timers/promises";

/** How long this thread may be kept from anything else. */
const TURN_MS = 8;

/** Lets whatever else goes on in this process have its turn, from time to time during a long loop. */
export class TurnTaking {
  readonly #signal: AbortSignal | undefined;
  #began = performance.now();

  constructor(signal: AbortSignal | undefined) {
    this.#signal = signal;
  }

  /** To be asked often: it costs next to nothing. */
  isOver(): boolean {
    return performance.now() - this.#began >= TURN_MS;
  }

  /** @throws the reason of the signal, once it is given */
  async yield(): Promise<void> {
    await nextTurn();
    this.#signal?.throwIfAborted();
    this.#began = performance.now();
  }
}
