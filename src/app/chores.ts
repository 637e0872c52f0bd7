import type { Clock } from "../model/clock.ts";

/** When each of several chores is to be done again. All times are milliseconds of the monotonic clock. */
export class Chores<Name extends string> {
  readonly #clock: Pick<Clock, "monotonicMs">;
  readonly #due: Map<Name, number>;
  /** When each was done last. */
  readonly #done = new Map<Name, number>();

  /** @param firstMs - in how many milliseconds each is due for the first time */
  constructor(clock: Pick<Clock, "monotonicMs">, firstMs: ReadonlyMap<Name, number>) {
    this.#clock = clock;
    const now = clock.monotonicMs();
    this.#due = new Map([...firstMs].map(([name, ms]) => [name, now + ms]));
  }

  /** Whether it is time. If so, it counts as done, and is due again after so long. */
  isDue(name: Name, everyMs: number): boolean {
    const now = this.#clock.monotonicMs();
    if (now < (this.#due.get(name) ?? now)) return false;
    this.#done.set(name, now);
    this.#due.set(name, now + everyMs);
    return true;
  }

  /** Makes it due at once, or so long after it was done last, unless it is due before. */
  hurry(name: Name, atLeastMs = 0): void {
    const soon = (this.#done.get(name) ?? -Infinity) + atLeastMs;
    this.#due.set(name, Math.min(this.#due.get(name) ?? Infinity, soon));
  }

  /** In how many milliseconds the next one is due; 0, when one is. */
  untilNext(): number {
    return Math.max(0, Math.min(...this.#due.values()) - this.#clock.monotonicMs());
  }
}
