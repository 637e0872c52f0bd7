import type { WorkerRow } from "../../app/list-workers.ts";
import type { StoppedWorker } from "../../app/stop-workers.ts";
import { toInstant } from "../../model/clock.ts";
import type { DetachedWorkerJson } from "../detach-worker.ts";
import type { Screen } from "../screen.ts";
import type { Style } from "./paint.ts";
import { type Column, renderTable } from "./table.ts";
import { renderAge, renderInstant } from "./time.ts";

/** A worker as `--json` prints it. */
export interface WorkerJson {
  readonly worker_id: string;
  readonly machine: string;
  readonly pid: number;
  readonly pools: string;
  readonly state: "up" | "draining";
  /** Whether its process lives; `null` where that cannot be known from here. */
  readonly alive: boolean | null;
  readonly started_at: string;
  readonly beat_at: string;
  readonly running: readonly string[];
}

export function toWorkerJson({ worker, life, running }: WorkerRow): WorkerJson {
  return {
    worker_id: worker.id,
    machine: worker.machine,
    pid: worker.pid,
    pools: worker.pools,
    state: worker.state,
    alive: life === "unknown" ? null : life === "alive",
    started_at: toInstant(worker.startedAt),
    beat_at: toInstant(worker.beatAt),
    running,
  };
}

/** A line for each worker. */
export function renderWorkers(rows: readonly WorkerRow[], screen: Screen): string {
  const columns: readonly Column<WorkerRow>[] = [
    { name: "worker", isFixed: true, value: ({ worker }) => worker.id, style: () => "yellow" },
    { name: "machine", value: ({ worker }) => worker.machine },
    { name: "pid", align: "right", value: ({ worker }) => String(worker.pid) },
    { name: "pools", value: ({ worker }) => worker.pools },
    { name: "state", isFixed: true, value: (row) => stateOf(row, screen.nowMs), style: styleOf },
    { name: "started", value: ({ worker }) => renderInstant(toInstant(worker.startedAt), screen) },
    { name: "running", value: ({ running }) => describeRunning(running) },
  ];
  return renderTable(columns, rows, { width: screen.width, color: screen.color });
}

function stateOf({ worker, life, isSilent }: WorkerRow, nowMs: number): string {
  if (life === "dead") return "dead";
  if (!isSilent) return worker.state;
  return `${worker.state}? last seen ${renderAge(Math.max(0, nowMs - worker.beatAt) / 1000)} ago`;
}

function styleOf({ worker, life, isSilent }: WorkerRow): Style | undefined {
  if (life === "dead") return "red";
  return isSilent || worker.state === "draining" ? "yellow" : "green";
}

/** How many ids of runs fit into a cell. */
const MAX_IDS = 3;

function describeRunning(running: readonly string[]): string {
  const ids = running.slice(0, MAX_IDS).map((id) => id.slice(0, 8));
  const rest = running.length - ids.length;
  return [...ids, ...(rest > 0 ? [`and ${rest} more`] : [])].join(" ");
}

/** What came of asking a worker to end, in one line. */
export function renderStoppedWorker({ worker, outcome }: StoppedWorker, isNow: boolean): string {
  switch (outcome) {
    case "asked":
      return isNow
        ? `${worker.id} gives back what it runs and ends`
        : `${worker.id} starts nothing more, and ends after what it runs`;
    case "draining_already":
      return `${worker.id} is ending already; --now stops what it runs`;
    case "dead":
      return `${worker.id} is dead already; the next worker, or \`aexp queue recover\`, settles what it left`;
    case "elsewhere":
      return `${worker.id} is a process of ${worker.machine}: there, \`kill ${worker.pid}\` or \`aexp worker stop ${worker.id}\` ends it`;
  }
}

/** Where a worker in the background is, and what one can do with it. */
export function renderDetachedWorker({
  worker_id: id,
  pid,
  log,
  state,
  exit_code: exitCode,
}: DetachedWorkerJson): string {
  if (state === "ended") {
    return [`worker ${id} has done what there was, and ended with exit code ${exitCode ?? 0}`, `  log: ${log}`].join(
      "\n",
    );
  }
  return [
    `worker ${id} works in the background (process ${pid})`,
    `  log:   ${log}`,
    `  watch: aexp worker logs ${id} --follow`,
    `  end:   aexp worker stop ${id}`,
  ].join("\n");
}
