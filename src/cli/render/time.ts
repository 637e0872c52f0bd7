import { type Instant, parseInstant } from "../../model/clock.ts";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Relative on a terminal ("3 h ago", and the date after a month), the instant itself elsewhere. */
export function renderInstant(
  instant: Instant | undefined,
  options: { readonly nowMs: number; readonly isTTY: boolean },
): string {
  if (instant === undefined) return "";
  const ms = parseInstant(instant);
  if (ms === undefined || !options.isTTY) return instant;
  const seconds = Math.round((options.nowMs - ms) / 1000);
  if (Math.abs(seconds) > 30 * DAY) return new Date(ms).toISOString().slice(0, 10);
  if (Math.abs(seconds) < 1) return "just now";
  return seconds > 0 ? `${renderAge(seconds)} ago` : `in ${renderAge(-seconds)}`;
}

/** "12 s", "3 min", "5 h", "2 d": the largest unit only. */
export function renderAge(seconds: number): string {
  if (seconds < MINUTE) return `${Math.floor(seconds)} s`;
  if (seconds < HOUR) return `${Math.floor(seconds / MINUTE)} min`;
  if (seconds < 2 * DAY) return `${Math.floor(seconds / HOUR)} h`;
  return `${Math.floor(seconds / DAY)} d`;
}

/** "0.4 s", "12 s", "2 m 05 s", "2 h 11 m", "3 d 04 h". */
export function renderDuration(seconds: number | undefined): string {
  if (seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return "";
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < MINUTE) return `${whole} s`;
  if (whole < HOUR) return `${Math.floor(whole / MINUTE)} m ${twoDigits(whole % MINUTE)} s`;
  if (whole < DAY) return `${Math.floor(whole / HOUR)} h ${twoDigits(Math.floor((whole % HOUR) / MINUTE))} m`;
  return `${Math.floor(whole / DAY)} d ${twoDigits(Math.floor((whole % DAY) / HOUR))} h`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, "0");
}
