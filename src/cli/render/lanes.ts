import type { LaneRow } from "../../app/list-lanes.ts";
import type { Lane } from "../../queue/lane.ts";
import type { Screen } from "../screen.ts";
import { type Column, renderTable } from "./table.ts";
import { renderAge } from "./time.ts";
import { renderCount } from "./value.ts";

/** A lane as `--json` prints it. `null` is no limit, or for ever. */
export interface LaneJson {
  readonly name: string;
  readonly paused: boolean;
  readonly max_running: number | null;
  readonly max_per_caller: number | null;
  readonly on_lost: Lane["onLost"];
  readonly retain_s: number | null;
  readonly keep_last: number;
  readonly age_s: number | null;
  readonly executor: Lane["executor"];
}

/** A lane with what is in it. */
export interface LaneRowJson extends LaneJson {
  readonly active: number;
  readonly queued: number;
  readonly blocked: number;
}

export function toLaneJson(lane: Lane): LaneJson {
  return {
    name: lane.name,
    paused: lane.isPaused,
    max_running: lane.maxRunning ?? null,
    max_per_caller: lane.maxPerCaller ?? null,
    on_lost: lane.onLost,
    retain_s: lane.retainMs === undefined ? null : lane.retainMs / 1000,
    keep_last: lane.keepLast,
    age_s: lane.ageMs === undefined ? null : lane.ageMs / 1000,
    executor: lane.executor,
  };
}

export function toLaneRowJson({ lane, active, queued, blocked }: LaneRow): LaneRowJson {
  return { ...toLaneJson(lane), active, queued, blocked };
}

/** A line for each lane. */
export function renderLanes(rows: readonly LaneRow[], screen: Screen): string {
  return renderTable(COLUMNS, rows, { width: screen.width, color: screen.color });
}

const COLUMNS: readonly Column<LaneRow>[] = [
  { name: "lane", isFixed: true, value: ({ lane }) => lane.name },
  {
    name: "state",
    isFixed: true,
    value: ({ lane }) => stateOf(lane),
    style: ({ lane }) => (stateOf(lane) === "open" ? undefined : "yellow"),
  },
  {
    name: "active",
    isFixed: true,
    align: "right",
    value: ({ lane, active }) =>
      `${renderCount(active)}${lane.maxRunning === undefined ? "" : `/${renderCount(lane.maxRunning)}`}`,
  },
  { name: "queued", isFixed: true, align: "right", value: ({ queued }) => renderCount(queued) },
  { name: "blocked", align: "right", value: ({ blocked }) => renderCount(blocked) },
  { name: "executor", value: ({ lane }) => lane.executor },
  { name: "per caller", align: "right", value: ({ lane }) => String(lane.maxPerCaller ?? "any") },
  { name: "on lost", value: ({ lane }) => lane.onLost },
  { name: "keeps", value: ({ lane }) => renderRetention(lane) },
  { name: "ages after", value: ({ lane }) => (lane.ageMs === undefined ? "never" : renderAge(lane.ageMs / 1000)) },
];

function stateOf(lane: Lane): string {
  if (lane.isPaused) return "paused";
  return lane.maxRunning === 0 ? "closed" : "open";
}

function renderRetention({ retainMs, keepLast }: Lane): string {
  if (retainMs === undefined) return "for ever";
  return `${renderAge(retainMs / 1000)}${keepLast === 0 ? "" : `, last ${renderCount(keepLast)}`}`;
}

/** The settings of a lane in one line. */
export function renderLaneSettings(lane: Lane): string {
  const limits = [
    lane.maxRunning === undefined ? "any number at once" : `at most ${renderCount(lane.maxRunning)} at once`,
    ...(lane.maxPerCaller === undefined ? [] : [`${renderCount(lane.maxPerCaller)} of one caller`]),
    lane.onLost === "fail" ? "lost runs fail" : "lost runs are repeated",
    `ended runs are kept ${renderRetention(lane)}`,
    ...(lane.ageMs === undefined ? [] : [`waiting ${renderAge(lane.ageMs / 1000)} adds 1 to the priority`]),
    ...(lane.executor === "slurm" ? ["executed by SLURM"] : []),
    ...(lane.isPaused ? ["paused"] : []),
  ];
  return `lane ${lane.name}: ${limits.join("; ")}`;
}
