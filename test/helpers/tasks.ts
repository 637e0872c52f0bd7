import type { Lane } from "../../src/queue/lane.ts";
import { DEFAULT_RETRY, type Task, type TaskSpec, type TaskState } from "../../src/queue/task.ts";
import { idOf } from "../contract/queue-kit.ts";

/** The store's time at which these tasks are looked at. */
export const NOW = Date.parse("2026-03-01T12:00:00Z");

/** A task as a store would give it. */
export function task(name: string, state: TaskState, patch: Partial<Task> = {}): Task {
  return {
    id: idOf(name),
    seq: 1,
    groupId: "grp_1",
    experimentId: "E001",
    spec: spec(),
    state,
    reason: undefined,
    caller: "ana",
    owner: "ana",
    machine: "laptop",
    target: undefined,
    executor: "local",
    effectivePriority: 0,
    notBefore: 0,
    stop: undefined,
    attempt: 0,
    failures: 0,
    lease: undefined,
    exitCode: undefined,
    signal: undefined,
    createdAt: NOW - 1000,
    queuedAt: NOW - 1000,
    startedAt: undefined,
    endedAt: undefined,
    isUnresolved: false,
    cacheKey: undefined,
    follows: undefined,
    cachedFrom: undefined,
    inputs: undefined,
    ...patch,
  };
}

export function spec(patch: Partial<TaskSpec> = {}): TaskSpec {
  return {
    command: "true",
    cwd: ".",
    lane: "default",
    kind: "default",
    priority: 0,
    needs: [],
    resources: [],
    retry: DEFAULT_RETRY,
    graceMs: 10_000,
    ...patch,
  };
}

export function lane(patch: Partial<Lane> = {}): Lane {
  return {
    name: "default",
    maxRunning: undefined,
    maxPerCaller: undefined,
    isPaused: false,
    onLost: "fail",
    retainMs: undefined,
    keepLast: 3,
    ageMs: undefined,
    executor: "local",
    ...patch,
  };
}
