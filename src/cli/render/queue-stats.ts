import type { LaneStats, QueueStats } from "../../app/read-queue-stats.ts";
import type { Percentiles } from "../../queue/percentiles.ts";
import type { Screen } from "../screen.ts";
import { plural } from "./plural.ts";
import { type Column, renderTable } from "./table.ts";
import { renderAge, renderDuration } from "./time.ts";
import { renderCount } from "./value.ts";

/** Statistics as `--json` prints them. */
export interface QueueStatsJson {
  readonly lanes: readonly LaneStatsJson[];
  readonly workers: QueueStats["workers"];
  readonly outbox: QueueStats["outbox"];
}

interface LaneStatsJson {
  readonly lane: string;
  readonly paused: boolean;
  readonly max_running: number | null;
  readonly queued: number;
  readonly blocked: number;
  readonly active: number;
  /** Tasks by state. */
  readonly tasks: LaneStats["tasks"];
  readonly oldest_wait_s: number | null;
  readonly lock_waits: number;
  readonly attempts: number;
  readonly retries: number;
  readonly leases_lost: number;
  readonly claim_ms: Percentiles | null;
  readonly run_ms: Percentiles | null;
}

export function toStatsJson({ lanes, workers, outbox }: QueueStats): QueueStatsJson {
  return { lanes: lanes.map(toLaneJson), workers, outbox };
}

function toLaneJson(stats: LaneStats): LaneStatsJson {
  return {
    lane: stats.lane,
    paused: stats.isPaused,
    max_running: stats.maxRunning ?? null,
    queued: stats.queued,
    blocked: stats.blocked,
    active: stats.active,
    tasks: stats.tasks,
    oldest_wait_s: stats.oldestWaitMs === undefined ? null : stats.oldestWaitMs / 1000,
    lock_waits: stats.lockWaits,
    attempts: stats.attempts,
    retries: stats.retries,
    leases_lost: stats.leasesLost,
    claim_ms: stats.claimMs ?? null,
    run_ms: stats.runMs ?? null,
  };
}

const COLUMNS: readonly Column<LaneStats>[] = [
  { name: "lane", isFixed: true, value: ({ lane, isPaused }) => (isPaused ? `${lane} (paused)` : lane) },
  { name: "queued", align: "right", value: ({ queued }) => renderCount(queued) },
  { name: "blocked", align: "right", value: ({ blocked }) => renderCount(blocked) },
  {
    name: "active",
    align: "right",
    value: ({ active, maxRunning }) => (maxRunning === undefined ? renderCount(active) : `${active} of ${maxRunning}`),
  },
  {
    name: "oldest",
    header: "oldest wait",
    align: "right",
    value: ({ oldestWaitMs }) => (oldestWaitMs === undefined ? "" : renderAge(oldestWaitMs / 1000)),
  },
  count("attempts", ({ attempts }) => attempts),
  count("retries", ({ retries }) => retries),
  { ...count("lost", ({ leasesLost }) => leasesLost), header: "lost leases" },
  { ...count("locks", ({ lockWaits }) => lockWaits), header: "lock waits" },
  { name: "claim", header: "claim p50/p95", align: "right", value: ({ claimMs }) => renderTimes(claimMs) },
  { name: "run", header: "run p50/p95", align: "right", value: ({ runMs }) => renderTimes(runMs) },
];

function count(name: string, pick: (stats: LaneStats) => number): Column<LaneStats> {
  return { name, align: "right", value: (stats) => (pick(stats) === 0 ? "" : renderCount(pick(stats))) };
}

function renderTimes(times: Percentiles | undefined): string {
  return times === undefined ? "" : `${renderDuration(times.p50 / 1000)} / ${renderDuration(times.p95 / 1000)}`;
}

/** A line for each lane, and one for workers and outbox. */
export function renderStats({ lanes, workers, outbox }: QueueStats, screen: Screen): string {
  const all = [
    plural(workers.up, "worker"),
    ...(workers.draining > 0 ? [`${workers.draining} draining`] : []),
    `${renderCount(outbox.pending)} changes to deliver`,
    ...(outbox.dead > 0 ? [`${renderCount(outbox.dead)} given up`] : []),
  ];
  return `${renderTable(COLUMNS, lanes, screen)}\n\n${all.join(", ")}`;
}
