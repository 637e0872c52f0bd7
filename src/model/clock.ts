/** A point in time as every file of ours spells it: `YYYY-MM-DDTHH:MM:SSZ`, UTC, whole seconds. */
export type Instant = string;

/** Where time comes from. Pure code takes one instead of asking the machine. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds that never go backwards, for measuring durations. */
  monotonicMs(): number;
}

/** Formats epoch milliseconds as an {@link Instant}; fractions of a second are dropped. */
export function toInstant(epochMs: number): Instant {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}

/** Epoch milliseconds of an ISO 8601 text, or `undefined` when it is none. */
export function parseInstant(text: string): number | undefined {
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
