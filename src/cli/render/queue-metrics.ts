import type { LaneStats, QueueStats } from "../../app/read-queue-stats.ts";
import type { Percentiles } from "../../queue/percentiles.ts";
import { TASK_STATES } from "../../queue/task.ts";

/** One sample of a metric: its labels and its value. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | undefined];

/** What is told of each lane in one number. */
const LANE_METRICS: readonly {
  readonly name: string;
  readonly type: "counter" | "gauge";
  readonly help: string;
  readonly value: (lane: LaneStats) => number | undefined;
}[] = [
  {
    name: "aexp_queue_oldest_wait_seconds",
    type: "gauge",
    help: "How long the run that was queued first has waited.",
    value: ({ oldestWaitMs }) => (oldestWaitMs ?? 0) / 1000,
  },
  {
    name: "aexp_queue_lock_waits",
    type: "gauge",
    help: "Queued runs that wait for a resource lock.",
    value: ({ lockWaits }) => lockWaits,
  },
  {
    name: "aexp_queue_lane_paused",
    type: "gauge",
    help: "1 while a lane is paused.",
    value: ({ isPaused }) => (isPaused ? 1 : 0),
  },
  {
    name: "aexp_queue_lane_max_running",
    type: "gauge",
    help: "How many runs of a lane may be active; absent when any number.",
    value: ({ maxRunning }) => maxRunning,
  },
  {
    name: "aexp_queue_attempts_total",
    type: "counter",
    help: "Attempts that began.",
    value: ({ attempts }) => attempts,
  },
  {
    name: "aexp_queue_retries_total",
    type: "counter",
    help: "Attempts that failed and were repeated.",
    value: ({ retries }) => retries,
  },
  {
    name: "aexp_queue_leases_lost_total",
    type: "counter",
    help: "Attempts whose worker died or fell silent.",
    value: ({ leasesLost }) => leasesLost,
  },
];

/** Statistics in the text format of Prometheus, version 0.0.4. Times are seconds. */
export function renderPrometheus({ lanes, workers, outbox }: QueueStats): string {
  const states = lanes.flatMap(({ lane, tasks }) =>
    TASK_STATES.map((state): Sample => [{ lane, state }, tasks[state] ?? 0]),
  );
  return [
    metric("aexp_queue_tasks", "gauge", "Runs of the queue by lane and state.", states),
    ...LANE_METRICS.map(({ name, type, help, value }) =>
      metric(
        name,
        type,
        help,
        lanes.map((stats): Sample => [{ lane: stats.lane }, value(stats)]),
      ),
    ),
    quantiles(
      "aexp_queue_claim_seconds",
      "From being queued to being claimed, of the newest claims.",
      lanes.map(({ lane, claimMs }) => [lane, claimMs]),
    ),
    quantiles(
      "aexp_queue_run_seconds",
      "From the start to the end of an attempt, of the newest ones.",
      lanes.map(({ lane, runMs }) => [lane, runMs]),
    ),
    metric("aexp_queue_workers", "gauge", "Workers by state.", [
      [{ state: "up" }, workers.up],
      [{ state: "draining" }, workers.draining],
    ]),
    metric("aexp_queue_outbox", "gauge", "Side effects that are to be delivered, or were given up.", [
      [{ state: "pending" }, outbox.pending],
      [{ state: "dead" }, outbox.dead],
    ]),
  ].join("");
}

function quantiles(
  name: string,
  help: string,
  lanes: readonly (readonly [lane: string, times: Percentiles | undefined])[],
): string {
  const samples = lanes.flatMap(([lane, times]): Sample[] =>
    times === undefined
      ? []
      : [
          [{ lane, quantile: "0.5" }, times.p50 / 1000],
          [{ lane, quantile: "0.95" }, times.p95 / 1000],
          [{ lane, quantile: "0.99" }, times.p99 / 1000],
          [{ lane, quantile: "1" }, times.max / 1000],
        ],
  );
  return metric(name, "gauge", help, samples);
}

function metric(name: string, type: "counter" | "gauge", help: string, samples: readonly Sample[]): string {
  const lines = samples.flatMap(([labels, value]) =>
    value === undefined ? [] : [`${name}${renderLabels(labels)} ${value}\n`],
  );
  return lines.length === 0 ? "" : `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join("")}`;
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const parts = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return `{${parts.join(",")}}`;
}

function escapeLabel(value: string): string {
  return value.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
