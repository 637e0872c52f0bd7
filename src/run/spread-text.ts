import type { Spread } from "./seed-groups.ts";

/** Below the first and from the second power of ten on, numbers are written with an exponent. */
const PLAIN_POWERS = [-4, 7] as const;
/** A mean with more digits than this before its deviation begins is no longer read digit by digit. */
const MAX_APART = 8;

/** Smaller powers of ten are no longer exact enough to divide by. */
const LEAST_POWER = -300;

/** A number in at most six digits, integers whole. The same number gives the same text on every machine. */
function toNumberText(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return String(value + 0);
  return String(Number(value.toPrecision(6)));
}

/** `0.927 ± 0.010`: the deviation in two digits, the mean up to the same place. The mean alone when there is one value. */
export function toSpreadText({ mean, sd }: Spread): string {
  if (sd === undefined) return toNumberText(mean);
  const last = powerOf(sd) - 1;
  const first = Math.max(powerOf(mean), last + 1);
  if (sd === 0 || !Number.isFinite(mean + sd) || first - last > MAX_APART || first < LEAST_POWER) {
    return `${toNumberText(mean)} ± ${Number(sd.toPrecision(2))}`;
  }
  const [least, most] = PLAIN_POWERS;
  if (first >= least && first < most) return `${roundAt(mean, last)} ± ${roundAt(sd, last)}`;
  const unit = Number(`1e${first}`);
  return `(${roundAt(mean / unit, last - first)} ± ${roundAt(sd / unit, last - first)})e${first}`;
}

/** The power of ten of the first of two digits: -2 for 0.0123. */
function powerOf(value: number): number {
  return value === 0 ? -Infinity : Number(value.toExponential(1).split("e")[1]);
}

/** A number with its last digit at a power of ten. */
function roundAt(value: number, power: number): string {
  const unit = Number(`1e${Math.max(power, 0)}`);
  const text = power < 0 ? value.toFixed(-power) : String(Math.round(value / unit) * unit);
  return Number(text) === 0 ? text.replace("-", "") : text;
}
