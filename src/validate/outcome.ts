import { type Instant, parseInstant } from "../model/clock.ts";
import { isTerminal, type TerminalStatus } from "../run/run-status.ts";
import type { Sighting } from "./join.ts";

/** Which of two ends came first, as a comparator; an end that is not known comes before every other. */
export function compareEnds(a: Instant | undefined, b: Instant | undefined): number {
  return toMs(a) - toMs(b);
}

/**
 * The last outcome of a run, from its document or its entry, when it is not `complete`.
 * A run that is under way has no outcome of its own; the one of its last attempt, if committed, still counts.
 */
export function unfinishedStatus({ local, entry }: Sighting): Exclude<TerminalStatus, "complete"> | undefined {
  const facts = local?.kind === "run" ? local.run.document.facts : undefined;
  const committed = entry?.kind === "entry" ? entry.record.entry : undefined;
  const localStatus = facts?.status !== undefined && isTerminal(facts.status) ? facts.status : undefined;
  const isLocalLater = localStatus !== undefined && compareEnds(facts?.ended_at, committed?.ended_at) > 0;
  const status = isLocalLater ? localStatus : (committed?.status ?? localStatus);
  return status === "complete" ? undefined : status;
}

function toMs(instant: Instant | undefined): number {
  return (instant === undefined ? undefined : parseInstant(instant)) ?? -1;
}
