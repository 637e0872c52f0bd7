import type { LaneStats, QueueStats } from "../../app/read-queue-stats.ts";
import type { Percentiles } from "../../queue/percentiles.ts";
import { TASK_STATES } from "../../queue/task.ts";

/** One sample of a metric: its labels and its value. */
type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | undefined];

/** Statistics in the text format of Prometheus, version 0.0.4. Times are seconds. */
export function renderPrometheus({ lanes, workers, outbox }: QueueStats): string {
  const perLane = (value: (lane: LaneStats) => number | undefined): Sample[] =>
    lanes.map((lane) => [{ lane: lane.lane }, value(lane)]);
  const states = lanes.flatMap(({ lane, tasks }) =>
    TASK_STATES.map((state): Sample => [{ lane, state }, tasks[state] ?? 0]),
  );
  return [
    metric("aexp_queue_tasks", "gauge", "Runs of the queue by lane and state.", states),
    metric(
      "aexp_queue_oldest_wait_seconds",
      "gauge",
      "How long the run that was queued first has waited.",
      perLane(({ oldestWaitMs }) => (oldestWaitMs ?? 0) / 1000),
    ),
    metric(
      "aexp_queue_lock_waits",
      "gauge",
      "Queued runs that wait for a resource lock.",
      perLane(({ lockWaits }) => lockWaits),
    ),
    metric(
      "aexp_queue_lane_paused",
      "gauge",
      "1 while a lane is paused.",
      perLane(({ isPaused }) => (isPaused ? 1 : 0)),
    ),
    metric(
      "aexp_queue_lane_max_running",
      "gauge",
      "How many runs of a lane may be active; absent when any number.",
      perLane(({ maxRunning }) => maxRunning),
    ),
    metric(
      "aexp_queue_attempts_total",
      "counter",
      "Attempts that began.",
      perLane(({ attempts }) => attempts),
    ),
    metric(
      "aexp_queue_retries_total",
      "counter",
      "Attempts that failed and were repeated.",
      perLane(({ retries }) => retries),
    ),
    metric(
      "aexp_queue_leases_lost_total",
      "counter",
      "Attempts whose worker died or fell silent.",
      perLane(({ leasesLost }) => leasesLost),
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
