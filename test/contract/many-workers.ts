import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";

import type { NewTask, QueueStore } from "../../src/queue/queue-store.ts";
import type { Task } from "../../src/queue/task.ts";
import { idOf, newTask, type TaskOptions } from "./queue-kit.ts";
import { readAllEvents } from "./model-state.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const PROGRAMS = join(import.meta.dirname, "..", "fixtures", "programs");

/** A queue, and how other processes find it. */
export interface SharedQueue {
  readonly store: QueueStore;
  /** The path of a database, or `SCHEMA@URL` of one on a server. */
  readonly location: string;
}

/** A queue, and the log that its workers share. */
export class Arena {
  readonly store: QueueStore;
  readonly #location: string;
  readonly #log: string;
  #workers = 0;

  constructor({ store, location }: SharedQueue) {
    this.store = store;
    this.#location = location;
    this.#log = join(tempDir(), "log");
    writeFileSync(this.#log, "");
  }

  async submit(id: string, tasks: readonly NewTask[]): Promise<void> {
    await this.store.submit({ id, kind: "sweep", name: id, caller: "ana" }, tasks);
  }

  start(
    options: { readonly leaseMs?: number; readonly workMs?: number; readonly program?: string } = {},
  ): ChildProcess {
    const { leaseMs = 60_000, workMs = 3, program = "claim-tasks.ts" } = options;
    const name = `w${(this.#workers += 1)}`;
    const argv = [join(PROGRAMS, program), this.#location, this.#log, name, String(leaseMs), String(workMs)];
    const child = spawn(process.execPath, argv, { stdio: "inherit" });
    onTestFinished(() => void child.kill("SIGKILL"));
    return child;
  }

  /** When each attempt began and was over, by the workers' own clock; those that were killed in between have no end. */
  spans(): readonly Span[] {
    const spans = new Map<string, Span>();
    for (const line of readFileSync(this.#log, "utf8").split("\n")) {
      if (line === "") continue;
      const { event, id, attempt, at }: { event: string; id: string; attempt: number; at: number } = JSON.parse(line);
      const key = `${id} ${attempt}`;
      if (event === "begin" && spans.has(key)) throw new Error(`two began ${key}`);
      spans.set(key, { id, begin: spans.get(key)?.begin ?? at, end: event === "over" ? at : undefined });
    }
    return [...spans.values()];
  }
}

interface Span {
  readonly id: string;
  readonly begin: number;
  readonly end: number | undefined;
}

/** Waits for processes and gives their exit codes. */
export async function ended(children: readonly ChildProcess[]): Promise<readonly (number | null)[]> {
  return await Promise.all(
    children.map(async (child) => {
      if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
      return child.exitCode;
    }),
  );
}

/** How many of these were on their way at once, at most. */
function mostAtOnce(spans: readonly Span[]): number {
  const steps = spans.flatMap(({ begin, end }) => [
    { at: begin, step: 1 },
    { at: end ?? Infinity, step: -1 },
  ]);
  let now = 0;
  let most = 0;
  for (const { step } of steps.toSorted((a, b) => a.at - b.at || a.step - b.step)) {
    now += step;
    most = Math.max(most, now);
  }
  return most;
}

/** One stage of the key was executed to its end; all others that have not failed have its result. */
async function expectOneExecution(store: QueueStore, tasks: readonly Task[], key: string): Promise<void> {
  const own = tasks.filter((task) => task.spec.stage?.stage === key && task.state !== "failed");
  const leaders = own.filter((task) => task.state === "complete");
  expect(leaders).toHaveLength(1);
  const cached = own.filter((task) => task.id !== leaders[0]?.id);
  expect(cached.map(({ state, cachedFrom }) => ({ state, cachedFrom }))).toEqual(
    cached.map(() => ({ state: "cached", cachedFrom: leaders[0]?.id })),
  );
  const outputs = await store.outputs(own.map((task) => task.id));
  expect(outputs).toHaveLength(own.length);
  expect(new Set(outputs.map(({ digest, path, holder }) => `${digest} ${path} ${holder}`)).size).toBe(1);
}

/** What holds for many processes on one queue of any store. */
export function manyWorkerCases(open: () => Promise<SharedQueue>): void {
  it("execute every task once, within all caps and never two with one key", async () => {
    const arena = new Arena(await open());
    await arena.store.setLane("gpu", { maxRunning: 2 });
    await arena.store.setLane("cpu", { maxRunning: 5, maxPerCaller: 2 });
    const options = Array.from({ length: 300 }, (_, index): TaskOptions => ({
      lane: ["gpu", "cpu", "cpu", "default"][index % 4] ?? "default",
      caller: ["ana", "ben", "eve"][index % 3] ?? "ana",
      priority: index % 5,
      resources: [[], ["k0"], ["k1", "k0"], [], ["k1"], [], []][index % 7] ?? [],
    }));
    await arena.submit(
      "grp",
      options.map((option, index) => newTask(`t${index}`, option)),
    );

    const codes = await ended(Array.from({ length: 8 }, () => arena.start({ workMs: 20 })));

    expect(codes).toEqual(Array.from({ length: 8 }, () => 0));
    const tasks = new Map((await arena.store.tasks({})).map((task) => [String(task.id), task]));
    const spans = arena.spans();
    expect(spans.map(({ id }) => id).toSorted()).toEqual([...tasks.keys()].toSorted());
    const most = (matches: (task: Task) => boolean) =>
      mostAtOnce(
        spans.filter(({ id }) => {
          const task = tasks.get(id);
          return task !== undefined && matches(task);
        }),
      );
    expect(most(() => true)).toBeGreaterThan(2);
    expect(most((task) => task.spec.lane === "gpu")).toBeLessThanOrEqual(2);
    expect(most((task) => task.spec.lane === "cpu")).toBeLessThanOrEqual(5);
    for (const caller of ["ana", "ben", "eve"]) {
      expect(most((task) => task.spec.lane === "cpu" && task.caller === caller)).toBeLessThanOrEqual(2);
    }
    for (const key of ["k0", "k1"]) expect(most((task) => task.spec.resources.includes(key))).toBe(1);
  });

  it("queue the join of a diamond once and end its group once, when its sides end in the same moment", async () => {
    const arena = new Arena(await open());
    const rounds = Array.from({ length: 500 }, (_, round) => `d${round}`);
    for (const name of rounds) {
      await arena.submit(name, [
        newTask(`${name}-left`),
        newTask(`${name}-right`),
        newTask(`${name}-join`, { needs: [`${name}-left`, `${name}-right`] }),
      ]);
    }

    await ended(Array.from({ length: 4 }, () => arena.start({ workMs: 0 })));

    expect((await arena.store.tasks({ states: ["complete"] })).length).toBe(3 * rounds.length);
    const events = await readAllEvents(arena.store);
    const joins = new Set(rounds.map((name) => idOf(`${name}-join`)));
    const queued = events.filter(({ kind, runId }) => kind === "run.queued" && runId !== undefined && joins.has(runId));
    expect(queued).toHaveLength(rounds.length);
    const ends = events.filter(({ kind }) => kind === "group.ended").map(({ groupId }) => groupId ?? "");
    expect(ends.toSorted()).toEqual(rounds.toSorted());
  });

  it("compute once what many stages want, however many resolve them at once", async () => {
    const arena = new Arena(await open());
    const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
    for (let round = 0; round < 10; round += 1) {
      await arena.submit(
        `grp${round}`,
        keys.map((key) => newTask(`${key}-${round}`, { stage: { pipeline: "demo", stage: key } })),
      );
    }

    const codes = await ended(Array.from({ length: 6 }, () => arena.start({ program: "run-stages.ts", workMs: 20 })));

    expect(codes).toEqual(Array.from({ length: 6 }, () => 0));
    const tasks = await arena.store.tasks({});
    expect(arena.spans()).toHaveLength(keys.length);
    for (const key of keys) await expectOneExecution(arena.store, tasks, key);
  });

  it("leave no stage waiting for a leader whose worker was killed", async () => {
    const arena = new Arena(await open());
    const keys = Array.from({ length: 6 }, (_, index) => `key-${index}`);
    for (let round = 0; round < 10; round += 1) {
      await arena.submit(
        `grp${round}`,
        keys.map((key) => newTask(`${key}-${round}`, { stage: { pipeline: "demo", stage: key } })),
      );
    }
    const program = "run-stages.ts";
    for (let killed = 0; killed < 4; killed += 1) {
      // It is alone and takes weeks, so that it is killed with a leader in its hands.
      const doomed = arena.start({ program, leaseMs: 500, workMs: 2 ** 31 - 1 });
      await waitUntil("the next execution", () => arena.spans().length > killed);
      doomed.kill("SIGKILL");
      await ended([doomed]);
    }

    // Their own leases do not expire, however slow the machine is.
    const codes = await ended(Array.from({ length: 3 }, () => arena.start({ program, workMs: 30 })));

    expect(codes).toEqual([0, 0, 0]);
    const tasks = await arena.store.tasks({});
    const failed = tasks.filter((task) => task.state === "failed");
    expect(failed.map((task) => task.reason?.code)).toEqual(Array.from({ length: 4 }, () => "lost"));
    for (const key of keys) await expectOneExecution(arena.store, tasks, key);
  });

  it("come to the end of everything although some are killed at any point", async () => {
    const arena = new Arena(await open());
    await arena.store.setLane("default", { onLost: "requeue", maxRunning: 3 });
    const retry = { maxAttempts: 50, baseMs: 0 };
    const tasks = Array.from({ length: 400 }, (_, index) =>
      newTask(`t${index}`, {
        retry,
        resources: index % 10 === 0 ? ["k"] : [],
        needs: index > 5 ? [`t${index - 6}`] : [],
      }),
    );
    await arena.submit("grp", tasks);
    const options = { leaseMs: 700, workMs: 15 };
    let workers = Array.from({ length: 4 }, () => arena.start(options));
    let killed = 0;
    while (killed < 8) {
      await sleep(150 + ((killed * 7919) % 97));
      const [victim, ...others] = workers;
      if (victim?.exitCode === null) killed += 1;
      victim?.kill("SIGKILL");
      workers = [...others, arena.start(options)];
      if ((await arena.store.group("grp"))?.state !== "active") break;
    }

    await ended(workers);

    expect((await arena.store.tasks({ states: ["complete"] })).length).toBe(tasks.length);
    expect(killed).toBeGreaterThan(0);
    const events = await readAllEvents(arena.store);
    expect(events.filter(({ kind }) => kind === "run.ended")).toHaveLength(tasks.length);
    expect(events.filter(({ kind }) => kind === "group.ended")).toHaveLength(1);
    expect(await arena.store.locks()).toEqual([]);
    for (const { id } of tasks) {
      const attempts = await arena.store.attempts(id);
      expect(attempts.map(({ outcome }) => outcome === "complete")).toEqual(
        attempts.map((_, index) => index === attempts.length - 1),
      );
    }
  });
}
