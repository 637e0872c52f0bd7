import { expect } from "vitest";

import type { QueueStore } from "../../src/queue/queue-store.ts";
import type { NewOutput, RunOutput } from "../../src/queue/run-output.ts";
import type { CacheMode } from "../../src/queue/stage.ts";
import { isTerminalState, type Task } from "../../src/queue/task.ts";
import { judgeNeed } from "../../src/queue/transitions.ts";
import type { JobId } from "../../src/run/job-id.ts";

export const KEYS = ["k0", "k1", "k2"] as const;
export const MACHINES = ["laptop", "box"] as const;

/** Watches the stages of a store from outside; what it is told, it compares with what it sees. */
export class StageWatcher {
  readonly #store: QueueStore;
  /** How the stages that were resolved use the cache. */
  readonly #modes = new Map<JobId, CacheMode>();
  /** What the runs that were executed wrote. */
  readonly #written = new Map<JobId, readonly NewOutput[]>();
  /** The lives of the sources whose results cached runs have. */
  readonly #sources = new Map<string, number | undefined>();

  constructor(store: QueueStore) {
    this.#store = store;
  }

  resolved(id: JobId, mode: CacheMode): void {
    this.#modes.set(id, mode);
  }

  wrote(id: JobId, outputs: readonly NewOutput[]): void {
    this.#written.set(id, outputs);
  }

  async check(): Promise<void> {
    const tasks = new Map((await this.#store.tasks({})).map((task) => [task.id, task]));
    const outputs = Map.groupBy(await this.#store.outputs([...tasks.keys()]), ({ run }) => run);
    this.#checkLeaders(tasks);
    for (const task of tasks.values()) {
      if (task.follows !== undefined) this.#checkFollower(task, tasks);
      if (task.state === "cached") this.#checkCached(task, tasks, outputs);
      if (task.state === "complete" && task.spec.stage !== undefined) this.#checkExecuted(task, outputs);
    }
    for (const machine of MACHINES) {
      await this.#checkUnresolved(machine, tasks);
      for (const key of KEYS) await this.#checkHits(key, machine, tasks, outputs);
    }
    await this.#checkAliases(tasks);
  }

  /** Of those that use the cache, one computes a key on a machine. */
  #checkLeaders(tasks: ReadonlyMap<JobId, Task>): void {
    const live = [...tasks.values()].filter(
      (task) =>
        task.cacheKey !== undefined &&
        this.#modes.get(task.id) === "on" &&
        task.state !== "blocked" &&
        !isTerminalState(task.state),
    );
    const keys = live.map((task) => `${task.cacheKey} ${task.machine}`);
    expect(keys.toSorted()).toEqual([...new Set(keys)].toSorted());
  }

  /** Whoever waits, waits for one that will end. */
  #checkFollower(task: Task, tasks: ReadonlyMap<JobId, Task>): void {
    const leader = task.follows === undefined ? undefined : tasks.get(task.follows);
    expect(task).toMatchObject({ state: "blocked", isUnresolved: false });
    expect(leader).toMatchObject({ cacheKey: task.cacheKey, machine: task.machine, follows: undefined });
    expect(isTerminalState(leader?.state ?? "failed") || leader?.state === "blocked").toBe(false);
    expect([this.#modes.get(task.id), leader && this.#modes.get(leader.id)]).toEqual(["on", "on"]);
  }

  #checkCached(task: Task, tasks: ReadonlyMap<JobId, Task>, outputs: ReadonlyMap<JobId, readonly RunOutput[]>): void {
    const source = task.cachedFrom === undefined ? undefined : tasks.get(task.cachedFrom);
    expect(source, `the result of ${task.id} was purged`).toBeDefined();
    expect(task).toMatchObject({ reason: { code: "cache_hit" }, startedAt: undefined });
    const own = outputs.get(task.id) ?? [];
    expect(own.map(({ holder }) => holder)).toEqual(own.map(() => task.cachedFrom));
    const life = `${task.id} ${task.seq} ${task.endedAt}`;
    if (!this.#sources.has(life)) this.#sources.set(life, source?.seq);
    // A source that was submitted again may have written something else by now.
    if (source === undefined || source.seq !== this.#sources.get(life)) return;
    expect(own.map((one) => ({ ...one, run: source.id }))).toEqual(outputs.get(source.id) ?? []);
  }

  #checkExecuted(task: Task, outputs: ReadonlyMap<JobId, readonly RunOutput[]>): void {
    const own = outputs.get(task.id) ?? [];
    expect(own.map(({ digest, path, holder }) => ({ digest, path, holder }))).toEqual(
      (this.#written.get(task.id) ?? []).map(({ digest, path }) => ({ digest, path, holder: task.id })),
    );
  }

  /** A stage whose needs are all met is followed by nothing but its resolution. */
  async #checkUnresolved(machine: string, tasks: ReadonlyMap<JobId, Task>): Promise<void> {
    const listed = (await this.#store.unresolved(machine, 1000)).map((task) => task.id);
    for (const task of tasks.values()) {
      const isWaiting = task.spec.stage !== undefined && task.state === "blocked" && task.follows === undefined;
      expect(task.isUnresolved).toBe(isWaiting);
      const isListed = listed.includes(task.id);
      const needsMet = task.spec.needs.every(
        ({ run, condition }) => judgeNeed(condition, tasks.get(run)?.state ?? "failed") === "met",
      );
      if (isWaiting && needsMet && task.machine === machine) expect(isListed).toBe(true);
      if (isListed) expect({ isWaiting, machine: task.machine }).toEqual({ isWaiting: true, machine });
    }
  }

  async #checkHits(
    key: string,
    machine: string,
    tasks: ReadonlyMap<JobId, Task>,
    outputs: ReadonlyMap<JobId, readonly RunOutput[]>,
  ): Promise<void> {
    const expected = [...tasks.values()]
      .filter((task) => task.state === "complete" && task.cacheKey === key && task.machine === machine)
      .filter((task) => (outputs.get(task.id) ?? []).every(({ state }) => state === "present"))
      .toSorted((a, b) => (b.endedAt ?? 0) - (a.endedAt ?? 0) || b.seq - a.seq);
    const hits = await this.#store.hits(key, machine, 1000);
    expect(hits).toEqual(expected.map(({ id }) => ({ run: id, outputs: outputs.get(id) ?? [] })));
  }

  async #checkAliases(tasks: ReadonlyMap<JobId, Task>): Promise<void> {
    for (const { run } of await this.#store.aliases()) expect(tasks.has(run), `${run} has an alias`).toBe(true);
  }
}
