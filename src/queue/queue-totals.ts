import type { JobId } from "../run/job-id.ts";
import { type Percentiles, toPercentiles } from "./percentiles.ts";
import type { QueueEvent } from "./queue-store.ts";

/** What has happened in a lane, as far as its events are kept. */
export interface LaneTotals {
  readonly attempts: number;
  readonly retries: number;
  readonly leasesLost: number;
  /** From being queued to being claimed, of the newest claims. */
  readonly claimMs: Percentiles | undefined;
  /** From the start to the end of an attempt, of the newest ones. */
  readonly runMs: Percentiles | undefined;
}

const NO_TOTALS: LaneTotals = {
  attempts: 0,
  retries: 0,
  leasesLost: 0,
  claimMs: undefined,
  runMs: undefined,
};

/** Times are told of so many newest values, so that they say how it is now and memory stays flat. */
const WINDOW = 1000;

/** Sums up events by lane, one after the other, so that a process that goes on reads each event once. */
export class QueueTotals {
  readonly #lanes = new Map<string, LaneRecord>();
  /** When the attempt of a run began that has not ended yet. */
  readonly #begun = new Map<JobId, number>();

  add(event: QueueEvent, lane: string): void {
    const { runId, data, at } = event;
    if (runId === undefined) return;
    const record = this.#recordOf(lane);
    switch (event.kind) {
      case "run.claimed":
        record.attempts += 1;
        if (typeof data["waited"] === "number") keep(record.claimMs, data["waited"]);
        this.#begun.set(runId, at);
        return;
      case "run.started":
        this.#begun.set(runId, at);
        return;
      case "attempt.ended": {
        const begun = this.#begun.get(runId);
        this.#begun.delete(runId);
        // A clock that was set back must not make negative times.
        if (begun !== undefined) keep(record.runMs, Math.max(0, at - begun));
        return;
      }
      case "run.retrying":
        record.retries += 1;
        return;
      case "lease.lost":
        record.leasesLost += 1;
        return;
      case "run.queued":
      case "run.blocked":
      case "run.released":
      case "run.ended":
      case "lock.broken":
      case "stop.requested":
      case "group.ended":
      case "lane.changed":
        return;
    }
  }

  of(lane: string): LaneTotals {
    const record = this.#lanes.get(lane);
    if (record === undefined) return NO_TOTALS;
    const { attempts, retries, leasesLost, claimMs, runMs } = record;
    return { attempts, retries, leasesLost, claimMs: toPercentiles(claimMs), runMs: toPercentiles(runMs) };
  }

  #recordOf(lane: string): LaneRecord {
    const known = this.#lanes.get(lane) ?? { attempts: 0, retries: 0, leasesLost: 0, claimMs: [], runMs: [] };
    this.#lanes.set(lane, known);
    return known;
  }
}

interface LaneRecord {
  attempts: number;
  retries: number;
  leasesLost: number;
  readonly claimMs: number[];
  readonly runMs: number[];
}

function keep(values: number[], value: number): void {
  values.push(value);
  if (values.length >= 2 * WINDOW) values.splice(0, values.length - WINDOW);
}
