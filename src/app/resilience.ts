import { setTimeout as sleep } from "node:timers/promises";

import { messageOf } from "../model/errors.ts";
import type { Clock } from "../model/clock.ts";
import { pause } from "./pause.ts";

/** How a process that must go on deals with what fails: it tells it, once for each problem, and goes on. */
export class Resilience {
  readonly #tell: (problem: string) => void;
  readonly #clock: Clock;
  #last: string | undefined;

  constructor(tell: (problem: string) => void, clock: Clock) {
    this.#tell = tell;
    this.#clock = clock;
  }

  /** What a task gives, or something else when it fails. */
  async survive<T>(task: () => Promise<T>, otherwise: T): Promise<T> {
    try {
      return await task();
    } catch (error) {
      this.tell(messageOf(error));
      return otherwise;
    }
  }

  /**
   * What a task that waits gives. One that fails gives false, and fails at once: for so long, unless the signal is given,
   * nobody is to ask again.
   */
  async wait(task: () => Promise<boolean>, restMs: number, signal: AbortSignal): Promise<boolean> {
    const isChanged = await this.survive<boolean | undefined>(task, undefined);
    if (isChanged === undefined) await pause(restMs, signal);
    return isChanged ?? false;
  }

  /** Tries again until a task succeeds; `undefined` when that takes too long. */
  async insist<T>(
    what: string,
    { everyMs, forMs }: { readonly everyMs: number; readonly forMs: number },
    task: () => Promise<T>,
  ): Promise<T | undefined> {
    const deadline = this.#clock.monotonicMs() + forMs;
    for (;;) {
      try {
        return await task();
      } catch (error) {
        this.tell(`${what}: ${messageOf(error)}`);
        if (this.#clock.monotonicMs() > deadline) return undefined;
      }
      await sleep(everyMs);
    }
  }

  /** However often the same problem is met in a row, it is told once. */
  tell(problem: string): void {
    if (problem === this.#last) return;
    this.#last = problem;
    this.#tell(problem);
  }
}
