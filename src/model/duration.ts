import { AexpError } from "./errors.ts";

const UNITS_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** Timers of Node count in 32 bits; a longer time would end at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const DAY_MS = 86_400_000;
/** The longest time that no timer waits for, such as how long something is kept: a hundred years. */
export const LONGEST_MS = 36_500 * DAY_MS;

/**
 * Milliseconds of `90s`, `1.5h`, `2h30m`; a number without a unit is seconds.
 *
 * @param source - what the text is the value of, for the message
 * @param maxMs - the longest time that makes sense; what a timer can wait for, when absent
 * @throws {AexpError} `cli.usage`
 */
export function parseDuration(text: string, source?: string, maxMs = MAX_TIMER_MS): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  const isPlain = /^\d+(?:\.\d+)?$/.test(text);
  const total = isPlain
    ? Number(text) * 1000
    : parts.reduce((sum, [, amount, unit]) => sum + Number(amount) * (UNITS_MS[unit ?? ""] ?? 0), 0);
  const isWhole = isPlain || (parts.length > 0 && parts.map(([part]) => part).join("") === text);
  if (isWhole && total > 0 && total <= maxMs) return total;
  throw new AexpError(
    `${source === undefined ? "" : `${source}=`}${JSON.stringify(text)} is not a duration between 1 ms and ${Math.floor(maxMs / DAY_MS)} days`,
    {
      code: "cli.usage",
      hint: "Write it like 90s, 15m, 1.5h or 2h30m.",
    },
  );
}
