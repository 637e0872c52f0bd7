import { AexpError } from "../model/errors.ts";
import type { NewEvent } from "./outgoing.ts";
import type { ExecutorKind } from "./task.ts";

/** What becomes of a run whose machine or process died. */
export type OnLost = "fail" | "requeue";

/** A named queue with a concurrency cap. */
export interface Lane {
  readonly name: string;
  /** How many of its runs may be active at once; any number, when absent. */
  readonly maxRunning: number | undefined;
  /** How many of one caller. */
  readonly maxPerCaller: number | undefined;
  readonly isPaused: boolean;
  /** Work with side effects is not repeated behind the user's back, so `fail` is the default. */
  readonly onLost: OnLost;
  /** How long ended tasks are kept; for ever, when absent. */
  readonly retainMs: number | undefined;
  /** So many ended tasks are kept whatever their age. */
  readonly keepLast: number;
  /** Waiting for so long adds one to a task's priority. */
  readonly ageMs: number | undefined;
  /** What executes its tasks. */
  readonly executor: ExecutorKind;
}

/** The lane of runs that name none. It is always there. */
export const DEFAULT_LANE = "default";

/** New values of a lane; `null` removes a limit. */
export interface LanePatch {
  readonly maxRunning?: number | null;
  readonly maxPerCaller?: number | null;
  readonly isPaused?: boolean;
  readonly onLost?: OnLost;
  readonly retainMs?: number | null;
  readonly keepLast?: number;
  readonly ageMs?: number | null;
  /** Tasks of the lane that wait follow it. */
  readonly executor?: ExecutorKind;
}

/** What a project's configuration says about a lane. What is absent has its default. */
export interface LaneSection {
  readonly maxRunning?: number;
  readonly maxPerCaller?: number;
  readonly onLost?: OnLost;
  readonly retainMs?: number;
  readonly keepLast?: number;
  readonly ageMs?: number;
  readonly executor?: ExecutorKind;
}

/** So many ended tasks a lane keeps when nobody says otherwise. */
const DEFAULT_KEEP_LAST = 3;

/** A lane as it begins. */
export function toNewLane(name: string, section: LaneSection): Lane {
  return {
    name,
    maxRunning: section.maxRunning,
    maxPerCaller: section.maxPerCaller,
    isPaused: false,
    onLost: section.onLost ?? "fail",
    retainMs: section.retainMs,
    keepLast: section.keepLast ?? DEFAULT_KEEP_LAST,
    ageMs: section.ageMs,
    executor: section.executor ?? "local",
  };
}

/**
 * What a lane takes over when its section in the configuration was `before` when it was last looked at. Only values about
 * which the section says something new change; what was set by hand since then stands until then.
 */
export function toSectionPatch(before: LaneSection, after: LaneSection): LanePatch {
  return {
    ...(before.maxRunning !== after.maxRunning && { maxRunning: after.maxRunning ?? null }),
    ...(before.maxPerCaller !== after.maxPerCaller && { maxPerCaller: after.maxPerCaller ?? null }),
    ...(before.onLost !== after.onLost && { onLost: after.onLost ?? "fail" }),
    ...(before.retainMs !== after.retainMs && { retainMs: after.retainMs ?? null }),
    ...(before.keepLast !== after.keepLast && { keepLast: after.keepLast ?? DEFAULT_KEEP_LAST }),
    ...(before.ageMs !== after.ageMs && { ageMs: after.ageMs ?? null }),
    ...(before.executor !== after.executor && { executor: after.executor ?? "local" }),
  };
}

/** Reads a section that was kept as JSON; what is not understood is left out, so that it counts as new. */
export function parseLaneSection(kept: Readonly<Record<string, unknown>>): LaneSection {
  const { maxRunning, maxPerCaller, onLost, retainMs, keepLast, ageMs, executor } = kept;
  return {
    ...(typeof maxRunning === "number" && { maxRunning }),
    ...(typeof maxPerCaller === "number" && { maxPerCaller }),
    ...((onLost === "fail" || onLost === "requeue") && { onLost }),
    ...(typeof retainMs === "number" && { retainMs }),
    ...(typeof keepLast === "number" && { keepLast }),
    ...(typeof ageMs === "number" && { ageMs }),
    ...((executor === "local" || executor === "slurm") && { executor }),
  };
}

/** Whether lanes have taken over all that a configuration says, by the sections that were kept of it. */
export function isTakenOver(
  kept: ReadonlyMap<string, LaneSection>,
  sections: Readonly<Record<string, LaneSection>>,
): boolean {
  return Object.entries(sections).every(([name, section]) => {
    const before = kept.get(name);
    return before !== undefined && Object.keys(toSectionPatch(before, section)).length === 0;
  });
}

/** A lane with new values. */
export function patchLane(lane: Lane, patch: LanePatch): Lane {
  return {
    name: lane.name,
    maxRunning: patched(patch.maxRunning, lane.maxRunning),
    maxPerCaller: patched(patch.maxPerCaller, lane.maxPerCaller),
    isPaused: patch.isPaused ?? lane.isPaused,
    onLost: patch.onLost ?? lane.onLost,
    retainMs: patched(patch.retainMs, lane.retainMs),
    keepLast: patch.keepLast ?? lane.keepLast,
    ageMs: patched(patch.ageMs, lane.ageMs),
    executor: patch.executor ?? lane.executor,
  };
}

function patched(value: number | null | undefined, before: number | undefined): number | undefined {
  return value === undefined ? before : (value ?? undefined);
}

/** The event that tells of a lane's new values. */
export function toLaneEvent(lane: Lane): NewEvent {
  return {
    kind: "lane.changed",
    data: Object.fromEntries(Object.entries(lane).map(([key, value]) => [key, value ?? null])),
  };
}

const LANE_NAME = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/;

/** Checks the name of a lane that may be made. @throws {AexpError} `cli.usage` */
export function checkLaneName(name: string): void {
  if (LANE_NAME.test(name)) return;
  throw new AexpError(`${JSON.stringify(name)} is no name of a lane: expected up to 100 letters, digits and . _ -`, {
    code: "cli.usage",
    hint: "Name it like gpu or night-runs.",
  });
}
