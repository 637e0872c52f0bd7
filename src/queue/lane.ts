/** What becomes of a run whose machine or process died. */
export type OnLost = "fail" | "requeue";

/** A named queue with a concurrency cap. */
export interface Lane {
  readonly name: string;
  /** How many of its runs may be active at once; any number, when absent. */
  readonly maxRunning: number | undefined;
  /** How many of one caller. */
  readonly maxPerCaller: number | undefined;
  readonly isPaused: boolean;
  /** Work with side effects is not repeated behind the user's back, so `fail` is the default. */
  readonly onLost: OnLost;
  /** How long ended tasks are kept; for ever, when absent. */
  readonly retainMs: number | undefined;
  /** So many ended tasks are kept whatever their age. */
  readonly keepLast: number;
  /** Waiting for so long adds one to a task's priority. */
  readonly ageMs: number | undefined;
}

export const DEFAULT_LANE = "default";

/** New values of a lane; `null` removes a limit. */
export interface LanePatch {
  readonly maxRunning?: number | null;
  readonly maxPerCaller?: number | null;
  readonly isPaused?: boolean;
  readonly onLost?: OnLost;
  readonly retainMs?: number | null;
  readonly keepLast?: number;
  readonly ageMs?: number | null;
}
