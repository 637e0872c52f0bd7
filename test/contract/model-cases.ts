import fc from "fast-check";
import { expect, it } from "vitest";

import type { Claim } from "../../src/queue/queue-store.ts";
import { isTerminalState } from "../../src/queue/task.ts";
import { FAILED, idOf, LEASE_MS, newTask, type OpenFixture, QueueKit, STOPPED_BY_USER } from "./queue-kit.ts";
import { type StepPermit, Watcher } from "./model-state.ts";

/** One step of a history; numbers choose among what is there. */
type Step =
  | { readonly kind: "submit"; readonly edges: readonly number[]; readonly flavour: number }
  | { readonly kind: "claim"; readonly worker: number }
  | { readonly kind: "finish"; readonly which: number; readonly end: "complete" | "failed" | "stopped" }
  | {
      readonly kind: "finalize" | "release" | "settle" | "adopt" | "stale" | "stop" | "retry" | "again";
      readonly which: number;
    }
  | { readonly kind: "advance"; readonly ms: number }
  | { readonly kind: "lane"; readonly cap: number | null; readonly perCaller: number | null; readonly again: boolean }
  | { readonly kind: "lock"; readonly way: "acquire" | "release" | "break" }
  | { readonly kind: "renew" | "age" | "purge" };

const which = fc.nat(99);
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("submit" as const),
      edges: fc.array(fc.nat(4095), { minLength: 1, maxLength: 6 }),
      flavour: fc.nat(999),
    }),
  },
  { weight: 9, arbitrary: fc.record({ kind: fc.constant("claim" as const), worker: fc.nat(1) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("finish" as const),
      which,
      end: fc.constantFrom("complete" as const, "complete" as const, "failed" as const, "stopped" as const),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constantFrom("finalize", "release", "settle", "adopt", "stale", "stop", "retry", "again" as const),
      which,
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant("advance" as const), ms: fc.constantFrom(-90_000, 500, 30_000, 61_000) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("lane" as const),
      cap: fc.constantFrom(null, 0, 1, 3),
      perCaller: fc.constantFrom(null, 1, 2),
      again: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant("lock" as const),
      way: fc.constantFrom("acquire" as const, "release" as const, "break" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom("renew" as const, "age" as const, "purge" as const) }) },
);

/** Random graphs under random histories: the laws hold after every step, and in the end nothing is stuck. */
export function modelCases(open: OpenFixture): void {
  it("keeps every law, and leaves nothing stuck", { timeout: 240_000 }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 60 }), async (steps) => {
        const history = new History(new QueueKit(await open()));
        for (const next of steps) await history.take(next);
        await history.drain();
      }),
      { numRuns: Number(process.env["AEXP_MODEL_RUNS"] ?? 60) },
    );
  });
}

class History {
  readonly #kit: QueueKit;
  readonly #watcher: Watcher;
  readonly #names: string[] = [];
  #counter = 0;
  #held: Claim[] = [];
  #stale: Claim[] = [];

  constructor(kit: QueueKit) {
    this.#kit = kit;
    this.#watcher = new Watcher(kit.store);
  }

  async take(step: Step): Promise<void> {
    await this.#watcher.check(await this.#perform(step));
  }

  /** Opens every gate and executes whatever is left. */
  async drain(): Promise<void> {
    const { store, fixture } = this.#kit;
    await store.setLane("default", { maxRunning: null, maxPerCaller: null, isPaused: false });
    await store.breakLock("k0");
    await store.breakLock("k1");
    for (let rounds = 0; rounds < 500; rounds += 1) {
      fixture.advance(700_000);
      for (const task of await store.expired(undefined, 100)) {
        if (task.lease !== undefined) await store.settleLost(task.id, task.lease.token, 0);
        await this.#watcher.check();
      }
      if ((await store.tasks({})).every((task) => isTerminalState(task.state))) return;
      const claim = await store.claim(this.#kit.request());
      if (claim === undefined) continue;
      await this.#watcher.check({ claimed: claim.task.id });
      await this.#kit.succeed(claim);
      await this.#watcher.check();
    }
    expect(await this.#kit.states()).toBe("ended");
  }

  async #perform(step: Step): Promise<StepPermit> {
    const { store, fixture } = this.#kit;
    switch (step.kind) {
      case "submit":
        await this.#submit(step.edges, step.flavour);
        return {};
      case "claim":
        return await this.#claim(step.worker);
      case "finish": {
        const claim = this.#pick(step.which);
        if (claim === undefined) return {};
        const reason = step.end === "complete" ? undefined : step.end === "failed" ? FAILED : STOPPED_BY_USER;
        const end = await store.finish(claim.task.id, claim.lease.token, { state: step.end, reason }, 0.5);
        expect(end).toBeDefined();
        this.#retire(claim);
        return {};
      }
      case "finalize":
      case "release":
      case "settle":
      case "adopt":
        return await this.#write(step.kind, step.which);
      case "stale":
        return await this.#tryStale(step.which);
      case "stop": {
        const ids = this.#some(step.which).map(idOf);
        await store.requestStop(ids, step.which % 2 === 0 ? "graceful" : "kill", STOPPED_BY_USER);
        return {};
      }
      case "retry":
        await store.retry(this.#some(step.which).map(idOf));
        return { reopens: "any" };
      case "again":
        return await this.#submitAgain(step.which);
      case "advance":
        fixture.advance(step.ms);
        return {};
      case "lane":
        await store.setLane("default", {
          maxRunning: step.cap,
          maxPerCaller: step.perCaller,
          onLost: step.again ? "requeue" : "fail",
          retainMs: 1000,
          keepLast: 1,
        });
        return {};
      case "lock":
        if (step.way === "acquire") await store.acquireLock("k0", "outsider", 10_000, "test");
        if (step.way === "release") await store.releaseLock("k0", "outsider");
        if (step.way === "break") await store.breakLock("k0");
        return {};
      case "renew":
        await this.#renew();
        return {};
      case "age":
        await store.age();
        return {};
      case "purge":
        await this.#purge();
        return {};
    }
  }

  /** A group of new runs; the bits of a number say which of the last twelve runs each of them needs, and how. */
  async #submit(edges: readonly number[], flavour: number): Promise<void> {
    const tasks = edges.map((bits, index) => {
      const name = `r${(this.#counter += 1)}`;
      const earlier = this.#names.slice(-6);
      this.#names.push(name);
      const needs = earlier.flatMap((need, place) => {
        const two = (bits >> (2 * place)) & 3;
        return two === 1 ? [need] : two === 3 && place % 2 === 0 ? [`${need}?`] : [];
      });
      return newTask(name, {
        needs,
        priority: (flavour + index) % 3,
        caller: (flavour + index) % 2 === 0 ? "ana" : "ben",
        resources: [[], [], ["k0"], ["k1"], ["k0", "k1"]][(flavour + bits) % 5] ?? [],
        retry: { maxAttempts: 1 + ((flavour + bits) % 3), baseMs: 400 },
      });
    });
    const id = `grp_${this.#counter}`;
    await this.#kit.store.submit({ id, kind: "sweep", name: id, caller: "ana" }, tasks.toReversed());
  }

  async #submitAgain(choice: number): Promise<StepPermit> {
    const name = this.#names[choice % Math.max(1, this.#names.length)];
    const task = name === undefined ? undefined : await this.#kit.store.task(idOf(name));
    if (name === undefined || task === undefined || !isTerminalState(task.state)) return {};
    const id = `grp_again_${(this.#counter += 1)}`;
    const again = newTask(name, { force: true, needs: [] });
    await this.#kit.store.submit({ id, kind: "batch", name: id, caller: "ana" }, [again]);
    return { reopens: [task.id] };
  }

  async #claim(worker: number): Promise<StepPermit> {
    const claim = await this.#kit.store.claim(this.#kit.request({ workerId: `w${worker}` }));
    if (claim === undefined) return {};
    this.#held.push(claim);
    return { claimed: claim.task.id };
  }

  async #write(kind: "finalize" | "release" | "settle" | "adopt", choice: number): Promise<StepPermit> {
    const { store } = this.#kit;
    const claim = this.#pick(choice);
    if (claim === undefined) return {};
    const { id } = claim.task;
    const { token } = claim.lease;
    switch (kind) {
      case "finalize":
        expect(await store.finalize(id, token)).toBe(true);
        return {};
      case "release":
        expect(await store.release(id, token)).toBe(true);
        this.#retire(claim);
        return {};
      case "settle":
        if ((await store.settleLost(id, token, 0)) !== undefined) this.#retire(claim);
        return {};
      case "adopt": {
        const { token: newToken } = this.#kit.request();
        const adopted = await store.adopt(id, token, { workerId: "w2", token: newToken, leaseMs: LEASE_MS });
        expect(adopted?.task.attempt).toBe(claim.task.attempt);
        this.#retire(claim);
        if (adopted !== undefined) this.#held.push(adopted);
        return {};
      }
    }
  }

  /** Whatever a worker does that lost its lease, nothing comes of it. */
  async #tryStale(choice: number): Promise<StepPermit> {
    const claim = this.#stale[choice % Math.max(1, this.#stale.length)];
    if (claim === undefined) return {};
    const { store } = this.#kit;
    const before = await store.tasks({});
    expect(await store.release(claim.task.id, claim.lease.token)).toBe(false);
    expect(await store.finalize(claim.task.id, claim.lease.token)).toBe(false);
    expect(await this.#kit.succeed(claim)).toBeUndefined();
    expect(await store.settleLost(claim.task.id, claim.lease.token, 0)).toBeUndefined();
    expect((await store.renew(claim.lease.workerId, [claim.lease.token], LEASE_MS)).lost).toHaveLength(1);
    expect(await store.tasks({})).toEqual(before);
    return {};
  }

  async #renew(): Promise<void> {
    for (const workerId of ["w0", "w1", "w2"]) {
      const tokens = this.#held.map((claim) => claim.lease).filter((lease) => lease.workerId === workerId);
      await this.#kit.store.renew(
        workerId,
        tokens.map((lease) => lease.token),
        LEASE_MS,
      );
    }
  }

  async #purge(): Promise<void> {
    const { store } = this.#kit;
    const items = await store.takeOutbox(10_000, 0);
    await store.outboxDone(items.map((item) => item.id));
    for (const id of await store.purge({ dryRun: false })) {
      this.#names.splice(
        this.#names.findIndex((name) => idOf(name) === id),
        1,
      );
      expect(await store.task(id)).toBeUndefined();
    }
  }

  #pick(choice: number): Claim | undefined {
    return this.#held[choice % Math.max(1, this.#held.length)];
  }

  #some(choice: number): readonly string[] {
    return this.#names.filter((_, index) => (index * 7 + choice) % 5 < 2);
  }

  #retire(claim: Claim): void {
    this.#held = this.#held.filter((held) => held !== claim);
    this.#stale.push(claim);
  }
}
