import type { JobId } from "../run/job-id.ts";
import type { Lane } from "./lane.ts";
import { admitsKind, AGENT_POOLS, parsePools } from "./pool.ts";
import { mayBeExecutedOn } from "./portable-run.ts";
import type { ResourceLock, WorkerInfo } from "./queue-store.ts";
import { ACTIVE_STATES, isTerminalState, type StopMode, type Task, type TaskState } from "./task.ts";

/** What a task that has not started waits for: the first thing that stands in its way. */
export type Waiting =
  | {
      readonly kind: "needs";
      readonly needs: readonly { readonly run: JobId; readonly state: TaskState | undefined }[];
    }
  /** Another run computes the same. */
  | { readonly kind: "same_work"; readonly leader: JobId }
  /** Nobody has looked yet whether its result is there. */
  | { readonly kind: "lookup"; readonly machine: string }
  /** It failed, and is to be repeated; or it waits for another time. */
  | { readonly kind: "time"; readonly until: number; readonly failures: number }
  | { readonly kind: "lane_paused"; readonly lane: string }
  /** Its lane lets nothing run. */
  | { readonly kind: "lane_closed"; readonly lane: string }
  | { readonly kind: "lane_full"; readonly lane: string; readonly active: number; readonly max: number }
  | {
      readonly kind: "caller_full";
      readonly lane: string;
      readonly caller: string;
      readonly active: number;
      readonly max: number;
    }
  | { readonly kind: "lock"; readonly lock: ResourceLock }
  /** A worker could start it, and does not because of its machine: no space. */
  | { readonly kind: "held_back"; readonly message: string }
  /** The workers that are there have not the commit of its code, and do not fetch any. */
  | { readonly kind: "commit"; readonly commit: string; readonly machine: string; readonly target: string | undefined }
  /** No worker is there that may execute it. */
  | { readonly kind: "worker"; readonly kindOfRun: string; readonly target: string | undefined; readonly owner: string }
  /** Nobody is there who submits it to the scheduler. */
  | { readonly kind: "agent" }
  /** Nothing stands in its way: it is its turn as soon as a worker has a free slot. */
  | { readonly kind: "turn" };

/** What the decision looks at beside the task. */
export interface QueueSituation {
  readonly now: number;
  readonly lanes: ReadonlyMap<string, Lane>;
  /** All tasks that have not ended. */
  readonly open: ReadonlyMap<JobId, Pick<Task, "state">>;
  /** Active tasks of each lane. */
  readonly active: ReadonlyMap<string, number>;
  /** Active tasks of each caller in a lane. */
  readonly activeOf: (lane: string, caller: string) => number;
  readonly locks: ReadonlyMap<string, ResourceLock>;
  /** Workers that are alive and take work. */
  readonly workers: readonly WorkerInfo[];
}

/** Gathers what {@link judgeWaiting} looks at. */
export function toSituation(facts: {
  readonly now: number;
  readonly lanes: readonly Lane[];
  readonly open: readonly Task[];
  readonly locks: readonly ResourceLock[];
  readonly workers: readonly WorkerInfo[];
}): QueueSituation {
  const active = new Map<string, number>();
  const ofCaller = new Map<string, Map<string, number>>();
  for (const { state, spec, caller } of facts.open) {
    if (!isActiveState(state)) continue;
    active.set(spec.lane, (active.get(spec.lane) ?? 0) + 1);
    const callers = ofCaller.get(spec.lane) ?? new Map<string, number>();
    callers.set(caller, (callers.get(caller) ?? 0) + 1);
    ofCaller.set(spec.lane, callers);
  }
  return {
    now: facts.now,
    lanes: new Map(facts.lanes.map((lane) => [lane.name, lane])),
    open: new Map(facts.open.map((task) => [task.id, task])),
    active,
    activeOf: (lane, caller) => ofCaller.get(lane)?.get(caller) ?? 0,
    locks: new Map(facts.locks.map((lock) => [lock.key, lock])),
    workers: facts.workers,
  };
}

/** Whether a task is under way. */
export function isActiveState(state: TaskState): boolean {
  return ACTIVE_STATES.some((active) => active === state);
}

/** What a pending task waits for; `undefined` for one that is under way or has ended. */
export function judgeWaiting(task: Task, situation: QueueSituation): Waiting | undefined {
  if (isTerminalState(task.state) || isActiveState(task.state)) return undefined;
  if (task.state === "blocked") return judgeBlocked(task, situation);
  if (task.notBefore > situation.now) return { kind: "time", until: task.notBefore, failures: task.failures };
  return judgeLane(task, situation) ?? judgeLock(task, situation) ?? judgeWorker(task, situation);
}

function judgeBlocked(task: Task, situation: QueueSituation): Waiting {
  if (task.follows !== undefined) return { kind: "same_work", leader: task.follows };
  const needs = openNeeds(task, situation);
  return task.isUnresolved && needs.length === 0 ? { kind: "lookup", machine: task.machine } : { kind: "needs", needs };
}

/** The needs that have not ended; those that are unknown here count as well. */
function openNeeds(task: Task, { open }: QueueSituation): Extract<Waiting, { kind: "needs" }>["needs"] {
  return task.spec.needs.flatMap(({ run }) => {
    const state = open.get(run)?.state;
    return state === undefined ? [] : [{ run, state }];
  });
}

function judgeLane({ spec, caller }: Task, { lanes, active, activeOf }: QueueSituation): Waiting | undefined {
  const lane = lanes.get(spec.lane);
  if (lane === undefined) return undefined;
  const { name, isPaused, maxRunning, maxPerCaller } = lane;
  if (isPaused) return { kind: "lane_paused", lane: name };
  if (maxRunning === 0) return { kind: "lane_closed", lane: name };
  const inLane = active.get(name) ?? 0;
  if (maxRunning !== undefined && inLane >= maxRunning) {
    return { kind: "lane_full", lane: name, active: inLane, max: maxRunning };
  }
  const own = activeOf(name, caller);
  return maxPerCaller !== undefined && own >= maxPerCaller
    ? { kind: "caller_full", lane: name, caller, active: own, max: maxPerCaller }
    : undefined;
}

function judgeLock({ spec }: Task, { locks }: QueueSituation): Waiting | undefined {
  const lock = spec.resources.flatMap((key) => locks.get(key) ?? [])[0];
  return lock === undefined ? undefined : { kind: "lock", lock };
}

function judgeWorker(task: Task, { workers }: QueueSituation): Waiting {
  const { spec, target, owner, reason, executor } = task;
  const isServing = (pools: string): boolean =>
    executor === "slurm"
      ? pools === AGENT_POOLS
      : pools !== AGENT_POOLS && readPools(pools).some(({ filter }) => admitsKind(filter, spec.kind));
  const able = workers.filter(({ machine, pools }) => (target === undefined || target === machine) && isServing(pools));
  if (!able.some((worker) => mayBeExecutedOn(worker.machine, offersOf(worker, task), task))) {
    const { commit, machine } = task;
    return able.length > 0 && commit !== undefined
      ? { kind: "commit", commit, machine, target }
      : executor === "slurm"
        ? { kind: "agent" }
        : { kind: "worker", kindOfRun: spec.kind, target, owner };
  }
  return reason?.code === "disk_full" ? { kind: "held_back", message: reason.message } : { kind: "turn" };
}

/** What a worker has to offer of the commit that a task wants. */
function offersOf({ commit, canCheckout }: WorkerInfo, task: Task): readonly string[] {
  if (canCheckout === true) return task.commit === undefined ? [] : [task.commit];
  return commit === undefined ? [] : [commit];
}

/** A worker's pools as it reported them; of a worker that says nothing we understand, any pool is assumed. */
function readPools(text: string): ReturnType<typeof parsePools> {
  try {
    return parsePools(text);
  } catch {
    return parsePools("*=1");
  }
}

/** A stop that was asked for and has not come yet. */
export function stopPending(task: Task): StopMode | undefined {
  return isActiveState(task.state) ? task.stop?.mode : undefined;
}
