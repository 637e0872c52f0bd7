import type { LaneRow } from "../../app/list-lanes.ts";
import type { WorkCounts } from "../../app/work-events.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { JsonValue } from "../../model/json.ts";
import type { Screen } from "../screen.ts";
import type { WorkerIdentity } from "../worker-display.ts";
import { paint } from "./paint.ts";
import { type Column, renderTable } from "./table.ts";
import { cutText } from "./text-width.ts";
import { renderDuration } from "./time.ts";
import { renderCount, renderMetric } from "./value.ts";

/** An attempt under way. */
export interface RunningLine {
  readonly id: string;
  readonly name: string;
  readonly parameters: string;
  readonly attempt: number;
  readonly elapsedS: number;
  readonly metric: string;
}

/** What a worker is about to do. */
export type WorkerPhase =
  | { readonly kind: "working" }
  | { readonly kind: "held_back"; readonly message: string }
  | { readonly kind: "draining"; readonly byMs: number | undefined }
  | { readonly kind: "stopping" };

/** Everything that a worker's screen shows at one moment. */
export interface WorkerFrame {
  readonly identity: WorkerIdentity;
  readonly lanes: readonly LaneRow[];
  readonly running: readonly RunningLine[];
  readonly counts: WorkCounts;
  readonly elapsedS: number;
  readonly phase: WorkerPhase;
}

/** Beside the table of lanes there is to be room for runs. */
const MAX_LANES = 8;
/** Title, counts, and what comes next. */
const LEAST_ROWS = 3;

/** The lines of a worker's screen: none is wider than the screen, and no more than fit into `rows`. */
export function renderWorkerFrame(frame: WorkerFrame, screen: Screen, rows: number): readonly string[] {
  const title = titleLine(frame.identity, screen);
  const room = Math.max(LEAST_ROWS, rows) - LEAST_ROWS;
  const lanes = laneLines(frame.lanes, screen);
  const isRoomy = room >= lanes.length + Math.min(frame.running.length, 3) + 1;
  const running = runningLines(frame.running, screen, isRoomy ? room - lanes.length : room);
  return [title, ...(isRoomy ? lanes : []), ...running, countsLine(frame, screen), phaseLine(frame, screen)];
}

/** The last metrics of a program in a few words: `step=400 loss=0.0123`. */
export function renderLastMetric(metric: Readonly<Record<string, JsonValue>> | undefined): string {
  const parts = Object.entries(metric ?? {}).flatMap(([name, value]) =>
    typeof value === "number" ? [`${toSafeLine(name)}=${renderMetric(value)}`] : [],
  );
  return parts.join(" ");
}

function titleLine({ workerId, machine, pools, lanes, database, metricsUrl }: WorkerIdentity, screen: Screen): string {
  const facts = [
    machine,
    pools,
    ...(lanes === undefined ? [] : [`lanes ${lanes.join(",")}`]),
    database,
    ...(metricsUrl === undefined ? [] : [metricsUrl]),
  ];
  const text = cutText(`worker ${workerId} · ${facts.join(" · ")}`, screen.width);
  return paint("bold", toSafeLine(text), screen.color);
}

function laneLines(all: readonly LaneRow[], screen: Screen): readonly string[] {
  const used = all.filter(({ active, queued, blocked }) => active + queued + blocked > 0);
  const shown = used.slice(0, MAX_LANES);
  if (shown.length === 0) return [];
  const rest = used.length - shown.length;
  return [
    ...renderTable(LANE_COLUMNS, shown, { width: screen.width, color: screen.color }).split("\n"),
    ...(rest > 0 ? [`… and ${renderCount(rest)} more lanes`] : []),
  ];
}

const LANE_COLUMNS: readonly Column<LaneRow>[] = [
  { name: "lane", value: ({ lane }) => lane.name },
  {
    name: "running",
    align: "right",
    isFixed: true,
    value: ({ lane, active }) =>
      lane.maxRunning === undefined ? renderCount(active) : `${renderCount(active)}/${renderCount(lane.maxRunning)}`,
  },
  { name: "queued", align: "right", isFixed: true, value: ({ queued }) => renderCount(queued) },
  { name: "blocked", align: "right", value: ({ blocked }) => renderCount(blocked) },
  { name: "", value: ({ lane }) => (lane.isPaused ? "paused" : ""), style: () => "yellow" },
];

function runningLines(all: readonly RunningLine[], screen: Screen, room: number): readonly string[] {
  if (all.length === 0 || room < 1) return [];
  const lines = room - 1;
  const shown = all.length <= lines ? all : all.slice(0, Math.max(0, lines - 1));
  if (shown.length === 0) return [cutText(`${renderCount(all.length)} runs under way`, screen.width)];
  const rest = all.length - shown.length;
  const columns = RUNNING_COLUMNS.filter((column) => shown.some((line) => column.value(line) !== ""));
  return [
    ...renderTable(columns, shown, { width: screen.width, color: screen.color }).split("\n"),
    ...(rest > 0 ? [`… and ${renderCount(rest)} more`] : []),
  ];
}

const RUNNING_COLUMNS: readonly Column<RunningLine>[] = [
  { name: "run", isFixed: true, value: ({ id }) => id, style: () => "yellow" },
  { name: "experiment", value: ({ name }) => name },
  { name: "parameters", value: ({ parameters }) => parameters },
  { name: "for", align: "right", isFixed: true, value: ({ elapsedS }) => renderDuration(elapsedS) },
  { name: "attempt", align: "right", value: ({ attempt }) => (attempt > 1 ? String(attempt) : "") },
  { name: "last metrics", value: ({ metric }) => metric },
];

function countsLine({ counts, elapsedS }: WorkerFrame, screen: Screen): string {
  const { complete, failed, stopped, retried, released, leasesLost } = counts;
  const parts = [
    `${renderCount(complete)} complete`,
    `${renderCount(failed)} failed`,
    ...(stopped > 0 ? [`${renderCount(stopped)} stopped`] : []),
    ...(retried > 0 ? [`${renderCount(retried)} repeated`] : []),
    ...(released > 0 ? [`${renderCount(released)} given back`] : []),
    ...(leasesLost > 0 ? [`${renderCount(leasesLost)} lost`] : []),
    renderDuration(elapsedS),
  ];
  return paint(failed > 0 ? "red" : "green", cutText(parts.join(" · "), screen.width), screen.color);
}

function phaseLine({ phase, running }: WorkerFrame, screen: Screen): string {
  const text = cutText(phaseText(phase, running.length, screen.nowMs), screen.width);
  return paint(phase.kind === "working" ? "dim" : "yellow", text, screen.color);
}

function phaseText(phase: WorkerPhase, running: number, nowMs: number): string {
  switch (phase.kind) {
    case "working":
      return running === 0 ? "waiting for work; Ctrl-C ends it" : "Ctrl-C: start no more, and end after these";
    case "held_back":
      return `nothing is started: ${toSafeLine(phase.message)}`;
    case "draining": {
      const left = phase.byMs === undefined ? "" : ` for ${renderDuration(Math.max(0, phase.byMs - nowMs) / 1000)}`;
      return `waiting${left} for what runs; Ctrl-C again gives it back at once`;
    }
    case "stopping":
      return "stopping what runs, and giving it back";
  }
}
