import { type PipelineGroup, secondsOf, type StageProgress } from "../../app/show-pipeline.ts";
import { toInstant } from "../../model/clock.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { TASK_STATES, type Task, type TaskState } from "../../queue/task.ts";
import type { Screen } from "../screen.ts";
import { renderCriticalPath } from "./critical-path.ts";
import type { Style } from "./paint.ts";
import { plural } from "./plural.ts";
import { type Column, renderTable } from "./table.ts";
import { taskStateStyle } from "./task-state.ts";
import { renderDuration, renderInstant } from "./time.ts";
import { renderCount } from "./value.ts";

/** A submitted pipeline as `--json` prints it. */
export interface PipelineGroupJson {
  readonly group: string;
  readonly pipeline: string;
  readonly state: PipelineGroup["group"]["state"];
  readonly submitted_at: string;
  readonly ended_at: string | null;
  readonly counts: StageProgress["counts"];
  readonly stages: readonly {
    readonly stage: string;
    readonly after: readonly string[];
    readonly counts: StageProgress["counts"];
    readonly runs: readonly StageRunJson[];
  }[];
  readonly critical_path: { readonly seconds: number; readonly runs: readonly string[] } | null;
}

interface StageRunJson {
  readonly job_id: string;
  readonly element?: string;
  readonly state: TaskState;
  readonly cached_from?: string;
  readonly seconds?: number;
  readonly reason?: { readonly code: string; readonly message: string };
}

export function toPipelineGroupJson({ group, stages, tasks, criticalPath }: PipelineGroup): PipelineGroupJson {
  return {
    group: group.id,
    pipeline: group.name,
    state: group.state,
    submitted_at: toInstant(group.createdAt),
    ended_at: group.endedAt === undefined ? null : toInstant(group.endedAt),
    counts: totals(stages),
    stages: stages.map(({ stage, after, counts, tasks: own }) => ({ stage, after, counts, runs: own.map(toRunJson) })),
    critical_path:
      criticalPath === undefined
        ? null
        : { seconds: criticalPath.seconds, runs: criticalPath.places.flatMap((place) => tasks[place]?.id ?? []) },
  };
}

function toRunJson(task: Task): StageRunJson {
  const { id, state, cachedFrom, reason } = task;
  const label = labelOf(task);
  const seconds = secondsOf(task);
  return {
    job_id: id,
    ...(label !== "" && { element: label }),
    state,
    ...(cachedFrom !== undefined && { cached_from: cachedFrom }),
    ...(seconds !== undefined && { seconds }),
    ...(reason !== undefined && { reason: { code: reason.code, message: reason.message } }),
  };
}

/** A line for each stage, and below it each run that did not go well; then what the whole waited for. */
export function renderPipelineGroup({ group, stages, tasks, criticalPath }: PipelineGroup, screen: Screen): string {
  const size = plural(tasks.length, "run");
  const blocks = [
    toSafeLine(`${group.name} ${group.id}: ${group.state}, ${size}: ${renderStates(totals(stages))}`),
    renderTable(STAGES, stages, { width: screen.width, color: screen.color }),
  ];
  const bad = tasks.filter(({ state }) => state === "failed" || state === "skipped" || state === "stopped");
  if (bad.length > 0) blocks.push(renderTable(PROBLEMS, bad, { width: screen.width, color: screen.color }));
  const timed = tasks.map((task) => ({
    stage: task.spec.stage?.stage ?? "",
    label: labelOf(task),
    seconds: secondsOf(task),
  }));
  const path = renderCriticalPath(criticalPath, timed, screen);
  if (path !== "") blocks.push(path);
  const next = nextStep(group, tasks);
  if (next !== undefined) blocks.push(next);
  return blocks.join("\n\n");
}

function nextStep({ id, state }: PipelineGroup["group"], tasks: readonly Task[]): string | undefined {
  if (state === "active")
    return `Workers execute it: \`aexp worker start\`. How far it is: \`aexp pipeline show ${id}\`.`;
  const retry = `Go on from there: \`aexp pipeline retry ${id}\`.`;
  const failed = tasks.find((task) => task.state === "failed" && task.attempt > 0);
  if (failed !== undefined) return `What it said: \`aexp runs logs ${failed.id.slice(0, 8)}\`. ${retry}`;
  return tasks.some((task) => task.state === "failed" || task.state === "stopped") ? retry : undefined;
}

/** A line for each pipeline. */
export function renderPipelineList(groups: readonly PipelineGroup[], screen: Screen): string {
  return renderTable(groupColumns(screen), groups, { width: screen.width, color: screen.color });
}

const STAGES: readonly Column<StageProgress>[] = [
  { name: "stage", value: ({ stage }) => stage },
  { name: "runs", isFixed: true, align: "right", value: ({ tasks }) => renderCount(tasks.length) },
  { name: "state", value: ({ counts }) => renderStates(counts), style: ({ counts }) => styleOf(counts) },
  { name: "took", isFixed: true, align: "right", value: ({ tasks }) => renderDuration(longest(tasks)) },
  { name: "after", value: ({ after }) => after.join(", ") },
];

const PROBLEMS: readonly Column<Task>[] = [
  { name: "run", isFixed: true, value: ({ id }) => id.slice(0, 8) },
  { name: "stage", value: ({ spec }) => spec.name ?? "" },
  { name: "state", isFixed: true, value: ({ state }) => state, style: ({ state }) => taskStateStyle(state) },
  { name: "why", value: ({ reason }) => reason?.message ?? "" },
];

const groupColumns = (screen: Screen): readonly Column<PipelineGroup>[] => [
  { name: "group", isFixed: true, value: ({ group }) => group.id },
  { name: "pipeline", value: ({ group }) => group.name },
  { name: "state", isFixed: true, value: ({ group }) => group.state },
  { name: "runs", isFixed: true, align: "right", value: ({ tasks }) => renderCount(tasks.length) },
  { name: "of them", value: ({ stages }) => renderStates(totals(stages)) },
  { name: "submitted", isFixed: true, value: ({ group }) => renderInstant(toInstant(group.createdAt), screen) },
];

function totals(stages: readonly StageProgress[]): StageProgress["counts"] {
  const sum: Partial<Record<TaskState, number>> = {};
  for (const { counts } of stages) {
    for (const state of TASK_STATES) {
      const count = counts[state] ?? 0;
      if (count > 0) sum[state] = (sum[state] ?? 0) + count;
    }
  }
  return sum;
}

function renderStates(counts: StageProgress["counts"]): string {
  return TASK_STATES.flatMap((state) => {
    const count = counts[state] ?? 0;
    return count === 0 ? [] : [`${renderCount(count)} ${state}`];
  }).join(", ");
}

function styleOf(counts: StageProgress["counts"]): Style | undefined {
  const [only, another] = TASK_STATES.filter((state) => (counts[state] ?? 0) > 0);
  if (counts.failed !== undefined) return taskStateStyle("failed");
  return only !== undefined && another === undefined ? taskStateStyle(only) : undefined;
}

function longest(tasks: readonly Task[]): number | undefined {
  const seconds = tasks.flatMap((task) => secondsOf(task) ?? []);
  return seconds.length === 0 ? undefined : Math.max(...seconds);
}

function labelOf({ spec }: Task): string {
  const label = spec.stage?.["element"];
  return typeof label === "string" ? label : "";
}
