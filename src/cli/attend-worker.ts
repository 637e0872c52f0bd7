import type { WorkPorts } from "../app/execute-task.ts";
import { listLanes } from "../app/list-lanes.ts";
import { QueueStatsReader } from "../app/read-queue-stats.ts";
import type { Repo } from "../app/repo.ts";
import type { SessionOptions } from "../app/run-pending.ts";
import type { WorkEvent, WorkSummary } from "../app/work-events.ts";
import type { WorkOptions } from "../app/work-options.ts";
import { work } from "../app/work.ts";
import type { Pool } from "../queue/pool.ts";
import type { BaseCommand } from "./base-command.ts";
import { EXIT } from "./exit-codes.ts";
import { type MetricsServer, serveMetrics } from "./metrics-server.ts";
import { ParameterLabels } from "./parameter-labels.ts";
import { renderPrometheus } from "./render/queue-metrics.ts";
import { toWorkerSummaryJson, type WorkerSummaryJson } from "./render/worker-event-json.ts";
import { renderWorkerSummary } from "./render/worker-summary.ts";
import { screenOf } from "./screen.ts";
import { withWorkSignals } from "./work-session.ts";
import { WorkMemory } from "./work-memory.ts";
import { NdjsonDisplay, PlainDisplay, type WorkerDisplay, type WorkerIdentity } from "./worker-display.ts";
import { WorkerScreen } from "./worker-screen.ts";

/** A worker of this process, ready to work. */
export interface WorkerJob {
  readonly repo: Repo;
  readonly ports: WorkPorts;
  readonly session: SessionOptions;
  readonly pools: readonly Pool[];
  readonly lanes: readonly string[] | undefined;
  readonly isUntilEmpty: boolean;
  readonly drainMs: number | undefined;
  readonly metricsPort: number | undefined;
  /** Where the queue is, in a few words. */
  readonly database: string;
  readonly isNdjson: boolean;
}

/** Lets a worker work, shows what it does, and passes on what the user wants of it. */
export async function attendWorker(command: BaseCommand, job: WorkerJob): Promise<WorkerSummaryJson> {
  const { repo, ports, session, pools, lanes, isUntilEmpty, drainMs } = job;
  await using metrics = await openMetrics(job);
  const display = openDisplay(command, job, identify(job, metrics?.url));
  const memory = new WorkMemory();
  const observe = (event: WorkEvent): void => {
    memory.observe(event);
    display.observe(event);
  };
  const run = async (onStart: NonNullable<WorkOptions["onStart"]>): Promise<WorkSummary> =>
    work(repo, ports, { ...session, pools, lanes, isUntilEmpty, drainMs, observe, onStart });
  let summary: WorkSummary | undefined;
  let isInterrupted = false;
  try {
    summary = await withWorkSignals<WorkSummary>(
      async (onControl) =>
        run((control, view) => {
          display.start(view);
          onControl(control);
        }),
      (control, _signal, times) => {
        isInterrupted = times > 1;
        if (isInterrupted) {
          display.stopping();
          control.stopNow();
        } else control.drain();
      },
    );
  } finally {
    display.end(summary);
  }
  if (isInterrupted) command.exitCode = EXIT.interrupted;
  else if (isUntilEmpty && summary.failed > 0) command.exitCode = EXIT.failed;
  if (!job.isNdjson) {
    command.log(renderWorkerSummary(summary, memory, screenOf(command.io, command.color, repo.clock.nowMs())));
  }
  return toWorkerSummaryJson(session.workerId, summary, memory.failed);
}

async function openMetrics({ metricsPort, ports }: WorkerJob): Promise<MetricsServer | undefined> {
  if (metricsPort === undefined) return undefined;
  const reader = new QueueStatsReader(ports.store);
  return await serveMetrics(metricsPort, async () => renderPrometheus(await reader.read()));
}

function identify(job: WorkerJob, metricsUrl: string | undefined): WorkerIdentity {
  const { repo, ports, session, pools, lanes, database } = job;
  return {
    workerId: session.workerId,
    machine: repo.machineLabel,
    pid: ports.executor.self.pid,
    pools: pools.map(({ name, slots }) => `${name}=${slots}`).join(","),
    lanes,
    database,
    metricsUrl,
  };
}

function openDisplay(command: BaseCommand, job: WorkerJob, identity: WorkerIdentity): WorkerDisplay {
  const { repo, ports, isNdjson } = job;
  const { io } = command;
  if (isNdjson) return new NdjsonDisplay(io.stdout, identity, repo.clock);
  if (command.jsonEnabled()) return new PlainDisplay(io.stderr, identity, repo.clock);
  if (io.stdout.isTTY !== true) return new PlainDisplay(io.stdout, identity, repo.clock);
  return new WorkerScreen({
    output: io.stdout,
    screen: () => screenOf(io, command.color, repo.clock.nowMs()),
    identity,
    clock: repo.clock,
    readLanes: async () => listLanes(ports.store),
    labels: new ParameterLabels(repo, ports.store),
  });
}
