import fc from "fast-check";
import { expect, it } from "vitest";

import type { AttemptResult, Claim } from "../../src/queue/queue-store.ts";
import type { NewOutput } from "../../src/queue/run-output.ts";
import type { CacheMode } from "../../src/queue/stage.ts";
import { isTerminalState, type Task } from "../../src/queue/task.ts";
import { type StepPermit, Watcher } from "./model-state.ts";
import { idOf, newTask, type OpenFixture, QueueKit, STOPPED_BY_USER, type TaskOptions } from "./queue-kit.ts";
import { keyed, output } from "./stage-kit.ts";
import { KEYS, MACHINES, StageWatcher } from "./stage-watcher.ts";

const ENDS = ["complete", "unknown", "exit_nonzero", "output_missing", "lost", "spawn_error", "stopped"] as const;
type End = (typeof ENDS)[number];

/** One step of a history; numbers choose among what is there. */
type Step =
  | { readonly kind: "submit"; readonly shapes: readonly number[] }
  | { readonly kind: "resolve"; readonly which: number; readonly way: number }
  | { readonly kind: "finish"; readonly which: number; readonly end: End }
  | { readonly kind: "release" | "settle" | "items"; readonly which: number }
  | { readonly kind: "stop" | "retry" | "again" | "note" | "alias"; readonly which: number }
  | { readonly kind: "claim" | "purge" };

const which = fc.nat(999);
/** Any step of any history of stages. */
export const anyStageStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      shapes: fc.array(fc.nat(99_999), { minLength: 1, maxLength: 5 }),
    }),
  },
  { weight: 12, arbitrary: fc.record({ kind: fc.constant("resolve" as const), which, way: fc.nat(19) }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant("finish" as const),
      which,
      end: fc.constantFrom(...ENDS, "complete" as const, "complete" as const),
    }),
  },
  { weight: 7, arbitrary: fc.record({ kind: fc.constant("claim" as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom("release" as const, "settle" as const, "items" as const), which }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constantFrom("stop" as const, "retry" as const, "again" as const, "note" as const, "alias" as const),
      which,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("purge" as const) }) },
);

/** Random pipelines with few keys under random histories: the laws hold after every step, and in the end nothing is stuck. */
export function stageModelCases(open: OpenFixture): void {
  it("computes once what is the same, and leaves nobody waiting", { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStageStep, { minLength: 20, maxLength: 60 }), async (steps) => {
        const history = new StageHistory(new QueueKit(await open()));
        for (const next of steps) await history.take(next);
        await history.drain();
      }),
      { numRuns: Number(process.env["AEXP_MODEL_RUNS"] ?? 60) },
    );
  });
}

/** What users and workers do with stages. */
export class StageHistory {
  readonly #kit: QueueKit;
  readonly #watcher: Watcher;
  readonly #stages: StageWatcher;
  readonly #keys = new Map<string, string>();
  #counter = 0;
  #held: Claim[] = [];

  constructor(kit: QueueKit) {
    this.#kit = kit;
    this.#watcher = new Watcher(kit.store);
    this.#stages = new StageWatcher(kit.store);
  }

  async take(step: Step): Promise<void> {
    const permit = await this.#perform(step);
    await this.#watcher.check(permit);
    await this.#stages.check();
  }

  /** Resolves and executes whatever is left. */
  async drain(): Promise<void> {
    const { store, fixture } = this.#kit;
    for (let rounds = 0; rounds < 300; rounds += 1) {
      fixture.advance(700_000);
      for (const task of await store.expired(undefined, 100)) {
        await store.settleLost(task.id, task.lease?.token ?? "", 0);
        await this.#watcher.check();
      }
      this.#held = [];
      if ((await store.tasks({})).every((task) => isTerminalState(task.state))) {
        await this.#stages.check();
        return;
      }
      if (rounds % 3 === 2) await this.#purge();
      for (const task of await this.#unresolved()) await this.#resolve(task, "on", 1);
      await this.#watcher.check();
      const claim = await store.claim(this.#kit.request());
      await this.#watcher.check(claim && { claimed: claim.task.id });
      if (claim !== undefined) await this.#finish(claim, "complete");
      await this.#watcher.check();
      await this.#stages.check();
    }
    expect(await this.#kit.states()).toBe("ended");
  }

  async #perform(step: Step): Promise<StepPermit> {
    const { store } = this.#kit;
    switch (step.kind) {
      case "submit":
        await this.#submit(step.shapes);
        return {};
      case "resolve": {
        const tasks = await this.#unresolved();
        const task = tasks[step.which % Math.max(1, tasks.length)];
        const mode = step.way < 14 ? "on" : step.way < 16 ? "off" : "refresh";
        if (task !== undefined) await this.#resolve(task, mode, step.way);
        return {};
      }
      case "claim": {
        const claim = await store.claim(this.#kit.request());
        if (claim === undefined) return {};
        this.#held.push(claim);
        return { claimed: claim.task.id };
      }
      case "finish":
      case "release":
      case "settle":
      case "items":
        await this.#work(step);
        return {};
      case "stop":
        await store.requestStop(this.#some(step.which).map(idOf), "graceful", STOPPED_BY_USER);
        return {};
      case "retry":
        await store.retry(this.#some(step.which).map(idOf));
        return { reopens: "any" };
      case "again":
        return await this.#submitAgain(step.which);
      case "note": {
        const outputs = await store.outputs((await store.tasks({})).map((task) => task.id));
        const one = outputs[step.which % Math.max(1, outputs.length)];
        const state = (["missing", "changed", "present"] as const)[step.which % 3] ?? "missing";
        if (one !== undefined) await store.noteOutputs([{ run: one.run, name: one.name, item: one.item, state }]);
        return {};
      }
      case "alias": {
        const name = this.#pickName(step.which);
        if (name !== undefined) await store.setAlias(`a${step.which % 2}`, { run: idOf(name) }, { caller: "ana" });
        return {};
      }
      case "purge":
        await this.#purge();
        return {};
    }
  }

  /** Digits of a number say what each task is: a stage or not, where, of which key, and what it needs. */
  async #submit(shapes: readonly number[]): Promise<void> {
    const id = `grp_${(this.#counter += 1)}`;
    const tasks = shapes.map((shape) => {
      const name = `r${(this.#counter += 1)}`;
      const earlier = [...this.#keys.keys()].slice(-4);
      const needs = earlier.flatMap((need, place) => {
        const digit = Math.floor(shape / 10 ** place) % 10;
        return digit === 1 ? [need] : digit === 2 ? [`${need}?`] : [];
      });
      this.#keys.set(name, KEYS[shape % 3] ?? "k0");
      return newTask(name, this.#toOptions(shape, needs));
    });
    await this.#kit.store.submit({ id, kind: "pipeline", name: id, caller: "ana" }, tasks.toReversed());
  }

  #toOptions(shape: number, needs: readonly string[]): TaskOptions {
    return {
      needs,
      retry: { maxAttempts: 1 + (shape % 2), baseMs: 0 },
      machine: MACHINES[shape % 11 === 0 ? 1 : 0],
      ...(shape % 7 > 0 && { stage: { pipeline: "demo", stage: `s${shape}` } }),
    };
  }

  async #unresolved(): Promise<readonly Task[]> {
    const lists = await Promise.all(MACHINES.map(async (machine) => await this.#kit.store.unresolved(machine, 100)));
    return lists.flat();
  }

  /** @param way 0 cannot be executed, of some the key is not known, and some take for a hit what is none */
  async #resolve(task: Task, mode: CacheMode, way: number): Promise<void> {
    const { store } = this.#kit;
    const key = this.#keys.get(task.spec.name ?? "") ?? "k0";
    if (way === 0) {
      const problem = { code: "input_missing", message: "no input" } as const;
      expect(await store.resolve(task.id, { problem })).toEqual({ kind: "failed" });
      return;
    }
    const [best] = await store.hits(key, task.machine, 1);
    const hit = way === 2 ? idOf(this.#pickName(way) ?? "") : best?.run;
    const resolution = {
      ...keyed(key, { mode, ...(hit !== undefined && { hit }) }),
      ...(way === 3 && { cacheKey: undefined }),
    };
    const resolved = await store.resolve(task.id, resolution);
    expect(resolved).toBeDefined();
    if (mode === "on" && way !== 2 && way !== 3 && best !== undefined) {
      expect(resolved).toEqual({ kind: "cached", from: best.run });
    }
    this.#stages.resolved(task.id, mode);
    expect(await store.resolve(task.id, resolution)).toBeUndefined();
  }

  async #work(step: Extract<Step, { kind: "finish" | "release" | "settle" | "items" }>): Promise<void> {
    const { store } = this.#kit;
    const claim = this.#held[step.which % Math.max(1, this.#held.length)];
    if (claim === undefined) return;
    const { id } = claim.task;
    const { token } = claim.lease;
    if (step.kind === "items") {
      expect(await store.addItems(id, token, [output("item", { item: `i${step.which % 3}` })])).toBe(true);
      return;
    }
    this.#held = this.#held.filter((held) => held !== claim);
    if (step.kind === "finish") await this.#finish(claim, step.end);
    if (step.kind === "release") expect(await store.release(id, token)).toBe(true);
    if (step.kind === "settle") {
      this.#kit.fixture.advance(61_000);
      expect(await store.settleLost(id, token, 0)).toBeDefined();
    }
  }

  /** Equal work writes equal bytes. */
  async #finish({ task, lease }: Claim, end: End): Promise<void> {
    const key = this.#keys.get(task.spec.name ?? "") ?? "k0";
    const outputs = [
      output(key, { path: `outputs/${task.attempt}/model` }),
      output(`${key} table`, { name: "table", path: `outputs/${task.attempt}/table` }),
    ];
    const ended = await this.#kit.store.finish(task.id, lease.token, toResult(end, outputs), 0);
    expect(ended).toBeDefined();
    if (ended?.state !== "complete") return;
    if (end === "complete") this.#stages.wrote(task.id, outputs);
    else this.#stages.wrote(task.id, await this.#kit.store.outputs([task.id]));
  }

  async #submitAgain(choice: number): Promise<StepPermit> {
    const name = this.#pickName(choice);
    const task = name === undefined ? undefined : await this.#kit.store.task(idOf(name));
    if (name === undefined || task === undefined || !isTerminalState(task.state)) return {};
    const group = { id: task.groupId, kind: "pipeline", name: "again", caller: "ana" } as const;
    await this.#kit.store.submit(group, [newTask(name, { ...this.#toOptions(choice, []), force: true })]);
    expect(await this.#kit.store.outputs([task.id])).toEqual([]);
    return { reopens: [task.id] };
  }

  async #purge(): Promise<void> {
    const { store } = this.#kit;
    await store.setLane("default", { keepLast: 0 });
    const items = await store.takeOutbox(10_000, 0);
    await store.outboxDone(items.map((item) => item.id));
    const before = (await store.now()) + 1;
    const planned = await store.purge({ dryRun: true, before });
    const purged = await store.purge({ dryRun: false, before });
    expect(purged).toEqual(planned);
    for (const name of this.#keys.keys()) if (purged.includes(idOf(name))) this.#keys.delete(name);
  }

  #pickName(choice: number): string | undefined {
    const names = [...this.#keys.keys()];
    return names[choice % Math.max(1, names.length)];
  }

  #some(choice: number): readonly string[] {
    return [...this.#keys.keys()].filter((_, index) => (index * 7 + choice) % 5 < 2);
  }
}

function toResult(end: End, outputs: readonly NewOutput[]): AttemptResult {
  switch (end) {
    case "complete":
      return { state: "complete", reason: undefined, outputs };
    case "unknown":
      return { state: "complete", reason: undefined };
    case "stopped":
      return { state: "stopped", reason: STOPPED_BY_USER };
    case "exit_nonzero":
    case "output_missing":
    case "lost":
    case "spawn_error":
      return { state: "failed", reason: { code: end, message: `it was ${end}` } };
  }
}
