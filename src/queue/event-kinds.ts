/** What is told about runs, groups, lanes and locks. Hooks may ask for each of these. */
export const EVENT_KINDS = [
  "run.queued",
  "run.blocked",
  "run.claimed",
  "run.started",
  "run.released",
  "run.retrying",
  "run.ended",
  "attempt.ended",
  "lease.lost",
  "lock.broken",
  "stop.requested",
  "group.ended",
  "lane.changed",
] as const;
export type EventKind = (typeof EVENT_KINDS)[number];
