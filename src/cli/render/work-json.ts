import type { WorkSummary } from "../../app/work-events.ts";

/** A worker's summary as `--json` prints it. */
export interface WorkSummaryJson {
  readonly complete: number;
  readonly failed: number;
  readonly stopped: number;
  readonly retried: number;
  readonly released: number;
  readonly leases_lost: number;
  readonly waiting: number;
  readonly wallclock_s: number;
  readonly ended: WorkSummary["ended"];
}

export function toSummaryJson(summary: WorkSummary): WorkSummaryJson {
  const { complete, failed, stopped, retried, released, leasesLost, waiting, wallclockS, ended } = summary;
  return {
    complete,
    failed,
    stopped,
    retried,
    released,
    leases_lost: leasesLost,
    waiting,
    wallclock_s: Math.round(wallclockS * 1000) / 1000,
    ended,
  };
}
