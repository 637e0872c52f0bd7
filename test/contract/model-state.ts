import { expect } from "vitest";

import type { QueueEvent, QueueStore } from "../../src/queue/queue-store.ts";
import { ACTIVE_STATES, isTerminalState, TASK_EDGES, type Task } from "../../src/queue/task.ts";
import { judgeNeed } from "../../src/queue/transitions.ts";
import type { JobId } from "../../src/run/job-id.ts";

/** What one step may do beside following edges. */
export interface StepPermit {
  /** Ended tasks that may begin a new life: those that were submitted again, and all, when something is retried. */
  readonly reopens?: "any" | readonly JobId[];
  readonly claimed?: JobId;
}

/** Watches a store from outside: after each step it compares what is there with what was there, and with the laws. */
export class Watcher {
  readonly #store: QueueStore;
  #before = new Map<JobId, Task>();
  /** The edges that were satisfied at some time in the present life of their dependent. */
  readonly #met = new Set<string>();
  readonly #fences = new Map<string, number>();

  constructor(store: QueueStore) {
    this.#store = store;
  }

  async check(permit: StepPermit = {}): Promise<void> {
    const tasks = new Map((await this.#store.tasks({})).map((task) => [task.id, task]));
    for (const task of tasks.values()) this.#checkChange(this.#before.get(task.id), task, permit);
    for (const task of tasks.values()) this.#learnNeeds(task, tasks);
    for (const task of tasks.values()) {
      this.#checkReadiness(this.#before.get(task.id), task, tasks);
      this.#checkTimes(task);
      await this.#checkAttempts(task);
    }
    await this.#checkCaps(tasks, permit);
    await this.#checkLocks(tasks);
    await this.#checkGroups(tasks);
    this.#before = tasks;
  }

  /** Only edges are followed, and what has ended stays as it is. */
  #checkChange(before: Task | undefined, task: Task, permit: StepPermit): void {
    if (before === undefined) return;
    if (!isTerminalState(before.state)) {
      // A stage that can never be executed passes through `queued`.
      const isRefused = before.isUnresolved && task.state === "failed";
      if (before.state !== task.state && !isRefused) expect(TASK_EDGES[before.state]).toContain(task.state);
      return;
    }
    const mayReopen = permit.reopens === "any" || permit.reopens?.includes(task.id) === true;
    if (!mayReopen) expect(task).toEqual(before);
    if (isNewLife(before, task)) {
      for (const need of [...before.spec.needs, ...task.spec.needs]) this.#met.delete(edgeOf(task, need.run));
    }
  }

  #learnNeeds(task: Task, tasks: ReadonlyMap<JobId, Task>): void {
    for (const { run, condition } of task.spec.needs) {
      const needed = tasks.get(run);
      expect(needed, `${run} was purged although ${task.id} needs it`).toBeDefined();
      if (needed !== undefined && judgeNeed(condition, needed.state) === "met") this.#met.add(edgeOf(task, run));
    }
  }

  /** A task is queued once all its needs are satisfied, waits as long as one may be, and is skipped once one never will. */
  #checkReadiness(before: Task | undefined, task: Task, tasks: ReadonlyMap<JobId, Task>): void {
    const open = task.spec.needs.filter((need) => !this.#met.has(edgeOf(task, need.run)));
    const becameReady = task.state === "queued" && before?.state !== "queued";
    if (becameReady || ACTIVE_STATES.some((state) => state === task.state)) expect(open).toEqual([]);
    if (task.state !== "blocked") return;
    // A stage also waits to be resolved, and for others that compute the same.
    if (task.spec.stage === undefined) expect(open.length).toBeGreaterThan(0);
    for (const { run, condition } of open) {
      expect(judgeNeed(condition, tasks.get(run)?.state ?? "failed")).toBe("open");
    }
  }

  #checkTimes(task: Task): void {
    expect(isTerminalState(task.state)).toBe(task.endedAt !== undefined);
    expect(task.endedAt ?? Infinity).toBeGreaterThanOrEqual(task.startedAt ?? 0);
    if (task.state === "skipped")
      expect(task.reason).toMatchObject({ code: "needs_failed", because: expect.any(String) });
    if (isTerminalState(task.state)) expect(task.lease).toBeUndefined();
  }

  /** One living attempt for each lease; numbers without gaps; no more failures than the policy allows. */
  async #checkAttempts(task: Task): Promise<void> {
    const attempts = await this.#store.attempts(task.id);
    const living = attempts.filter((attempt) => attempt.endedAt === undefined);
    expect(living.map((attempt) => attempt.token)).toEqual(task.lease === undefined ? [] : [task.lease.token]);
    expect(attempts.map((attempt) => attempt.n)).toEqual(attempts.map((_, index) => index + 1));
    expect(task.attempt).toBe(attempts.length);
    expect(task.failures).toBeLessThanOrEqual(task.spec.retry.maxAttempts);
  }

  async #checkCaps(tasks: ReadonlyMap<JobId, Task>, permit: StepPermit): Promise<void> {
    const claimed = permit.claimed === undefined ? undefined : tasks.get(permit.claimed);
    if (claimed === undefined) return;
    const lane = (await this.#store.lanes()).find((candidate) => candidate.name === claimed.spec.lane);
    const active = [...tasks.values()].filter(
      (task) => task.spec.lane === lane?.name && ACTIVE_STATES.some((state) => state === task.state),
    );
    expect(lane?.isPaused).toBe(false);
    expect(active.length).toBeLessThanOrEqual(lane?.maxRunning ?? Infinity);
    const ofCaller = active.filter((task) => task.caller === claimed.caller);
    expect(ofCaller.length).toBeLessThanOrEqual(lane?.maxPerCaller ?? Infinity);
  }

  /** Every lock of a run belongs to its present lease; a fence never falls, and rises with each new holder. */
  async #checkLocks(tasks: ReadonlyMap<JobId, Task>): Promise<void> {
    for (const lock of await this.#store.locks()) {
      if (lock.runId !== undefined) {
        expect(tasks.get(lock.runId)?.lease?.token).toBe(lock.holder);
        expect(tasks.get(lock.runId)?.spec.resources).toContain(lock.key);
      }
      expect(lock.fence).toBeGreaterThanOrEqual(this.#fences.get(lock.key) ?? 1);
      this.#fences.set(lock.key, lock.fence);
    }
  }

  /** A group has ended exactly when all of it has, and said so once in each epoch. */
  async #checkGroups(tasks: ReadonlyMap<JobId, Task>): Promise<void> {
    const ends = (await readAllEvents(this.#store)).filter((event) => event.kind === "group.ended");
    for (const id of new Set([...tasks.values()].map((task) => task.groupId))) {
      const group = await this.#store.group(id);
      const members = [...tasks.values()].filter((task) => task.groupId === id);
      const isOver = members.every((task) => isTerminalState(task.state));
      expect(group?.state !== "active", `group ${id} is ${group?.state}`).toBe(isOver);
      const epochs = ends.filter((event) => event.groupId === id).map((event) => event.data["epoch"]);
      const count = (group?.epoch ?? 0) - (isOver ? 0 : 1);
      expect(epochs).toEqual(Array.from({ length: count }, (_, index) => index + 1));
    }
  }
}

export async function readAllEvents(store: QueueStore): Promise<readonly QueueEvent[]> {
  return await store.events(0, 1_000_000);
}

function isNewLife(before: Task, task: Task): boolean {
  return before.seq !== task.seq || before.state !== task.state || before.endedAt !== task.endedAt;
}

function edgeOf(task: Task, needed: JobId): string {
  return `${task.id} ${needed}`;
}
