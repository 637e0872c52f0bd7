import { type Instant, parseInstant } from "../../model/clock.ts";
import { isRunStatus, type RunStatus } from "../../run/run-status.ts";
import type { Style } from "./paint.ts";
import { renderAge } from "./time.ts";

/** A heartbeat is written every 30 s; a run that missed several is not shown as plainly running. */
const STALE_AFTER_S = 120;

const LOOKS: Readonly<Record<RunStatus, { readonly glyph: string; readonly style: Style }>> = {
  created: { glyph: "○", style: "dim" },
  queued: { glyph: "◷", style: "cyan" },
  running: { glyph: "●", style: "blue" },
  complete: { glyph: "✓", style: "green" },
  failed: { glyph: "✗", style: "red" },
  stopped: { glyph: "■", style: "yellow" },
  abandoned: { glyph: "∅", style: "magenta" },
};

/** What a status cell needs to know of a run. */
export interface StatusFacts {
  readonly status?: string | undefined;
  readonly reason?: { readonly code: string } | undefined;
  readonly startedAt?: Instant | undefined;
  readonly heartbeatAt?: Instant | undefined;
}

/**
 * The status with its glyph; a running run that was not heard of for long is put in doubt, and one that has the result of
 * another is not shown as if it had been executed.
 */
export function renderStatus(run: StatusFacts, nowMs: number): string {
  const { status } = run;
  if (status === undefined) return "· no status";
  if (!isRunStatus(status)) return `· ${status}`; // signac projects have their own words
  if (status === "complete" && run.reason?.code === "cache_hit") return `${LOOKS.complete.glyph} cached`;
  const seenS = status === "running" ? secondsSinceSeen(run, nowMs) : undefined;
  const isStale = seenS !== undefined && seenS > STALE_AFTER_S;
  return `${LOOKS[status].glyph} ${status}${isStale ? `? last seen ${renderAge(seenS)} ago` : ""}`;
}

/** One colour for each status; yellow for a running run in doubt. */
export function statusStyle(run: StatusFacts, nowMs: number): Style | undefined {
  if (run.status === undefined || !isRunStatus(run.status)) return undefined;
  const isStale = run.status === "running" && (secondsSinceSeen(run, nowMs) ?? 0) > STALE_AFTER_S;
  return isStale ? "yellow" : LOOKS[run.status].style;
}

function secondsSinceSeen(run: StatusFacts, nowMs: number): number | undefined {
  const seen = [run.heartbeatAt, run.startedAt].flatMap((at) => {
    const ms = at === undefined ? undefined : parseInstant(at);
    return ms === undefined ? [] : [ms];
  });
  return seen.length === 0 ? undefined : (nowMs - Math.max(...seen)) / 1000;
}
