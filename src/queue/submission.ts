import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";
import type { JobId } from "../run/job-id.ts";
import { findCycle } from "./need-cycle.ts";
import type { NewGroup, NewTask } from "./queue-store.ts";
import type { StoredTask } from "./records.ts";
import { isTerminalState } from "./task.ts";
import { isSuccess } from "./transitions.ts";

/** What a store knows that a submission has to do with. */
export interface Stored {
  readonly lanes: readonly string[];
  /** Those of the submitted and of the needed tasks that are there. */
  readonly tasks: ReadonlyMap<JobId, StoredTask>;
  /** What stored tasks need; a task that begins a new life may be needed by one that it needs now. */
  readonly needsOf: (id: JobId) => readonly JobId[];
}

/** Every task that a submission names. */
export function namedTasks(tasks: readonly NewTask[]): readonly JobId[] {
  return [...new Set(tasks.flatMap((task) => [task.id, ...task.spec.needs.map((need) => need.run)]))];
}

/**
 * Refuses what cannot be queued, before anything is written.
 *
 * @throws {AexpError} `queue.empty_group`, `queue.duplicate_task`, `queue.unknown_lane`, `queue.unknown_need`,
 *   `queue.cycle`
 */
export function checkSubmission(group: NewGroup, tasks: readonly NewTask[], stored: Stored): void {
  if (tasks.length === 0) {
    throw new AexpError(`Group ${JSON.stringify(group.name)} has no runs; nothing was queued`, {
      code: "queue.empty_group",
    });
  }
  const byId = new Map<JobId, NewTask>();
  for (const task of tasks) {
    if (byId.has(task.id)) refuseDuplicate(task.id, "stands twice in one submission");
    byId.set(task.id, task);
    if (!stored.lanes.includes(task.spec.lane)) refuseLane(task.spec.lane, stored.lanes);
    const before = stored.tasks.get(task.id);
    if (before === undefined) continue;
    if (!isTerminalState(before.state)) refuseDuplicate(task.id, `is in the queue already (${before.state})`);
    if (isSuccess(before.state) && task.force !== true) refuseDuplicate(task.id, `is ${before.state} already`);
  }
  refuseUnknownNeed(tasks, (id) => byId.has(id) || stored.tasks.has(id));
  refuseCycle(byId, stored);
}

function refuseUnknownNeed(tasks: readonly NewTask[], isKnown: (id: JobId) => boolean): void {
  for (const task of tasks) {
    const unknown = task.spec.needs.find((need) => !isKnown(need.run));
    if (unknown === undefined) continue;
    throw new AexpError(`Run ${task.id} needs ${unknown.run}, which is not in the queue. Nothing was queued`, {
      code: "queue.unknown_need",
      hint: "Queue it first, or in the same submission.",
    });
  }
}

function refuseCycle(own: ReadonlyMap<JobId, NewTask>, { needsOf }: Stored): void {
  const cycle = findCycle(own.keys(), (id) => own.get(id)?.spec.needs.map((need) => need.run) ?? needsOf(id));
  if (cycle === undefined) return;
  const names = cycle.map((id) => own.get(id)?.spec.name ?? id.slice(0, 8));
  throw new AexpError(`The needs form a cycle: ${names.join(" → ")}. Nothing was queued`, {
    code: "queue.cycle",
    hint: "Take one of these needs out.",
  });
}

function refuseDuplicate(id: JobId, problem: string): never {
  throw new AexpError(`Run ${id} ${problem}. Nothing was queued`, { code: "queue.duplicate_task" });
}

function refuseLane(lane: string, lanes: readonly string[]): never {
  throw new AexpError(`There is no lane ${JSON.stringify(lane)}.${didYouMean(lane, lanes)} Nothing was queued`, {
    code: "queue.unknown_lane",
    hint: "Make it with `aexp lane set`, or choose one of `aexp lane list`.",
  });
}
