import { expect, it } from "vitest";

import { idOf, type OpenFixture, QueueKit } from "./queue-kit.ts";

/** Which tasks are claimed, and in which order. */
export function claimCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("claims by priority, and the older of two first", async () => {
    const kit = await start();
    await kit.submit({ low: { priority: 0 }, older: { priority: 5 }, newer: { priority: 5 } });

    expect(await kit.claimAll()).toEqual(["older", "newer", "low"]);
  });

  it("gives a claim its attempt, its lease and its start", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    const now = await kit.store.now();

    const { task, lease } = await kit.claim({ token: "secret", workerId: "w7" });

    expect(lease).toEqual({ token: "secret", workerId: "w7", expiresAt: now + 60_000 });
    expect(task).toMatchObject({ state: "running", attempt: 1, startedAt: now, lease });
    expect(await kit.store.attempts(task.id)).toEqual([
      expect.objectContaining({ n: 1, token: "secret", workerId: "w7", startedAt: now, outcome: undefined }),
    ]);
    expect(await kit.store.task(task.id)).toEqual(task);
  });

  it("counts attempts on from the last one that is known", async () => {
    const kit = await start();
    await kit.submit({ a: { lastAttempt: 4 } });

    expect((await kit.claim()).task.attempt).toBe(5);
  });

  it("serves only the kinds of a pool, and with none at all nothing", async () => {
    const kit = await start();
    await kit.submit({ p: { kind: "parse" }, s: { kind: "store" }, x: { kind: "other" } });

    expect(await kit.claimsNothing({ filter: { mode: "only", kinds: [] } })).toBe(true);
    expect(await kit.claimsNothing({ filter: { mode: "except", kinds: ["parse", "store", "other"] } })).toBe(true);
    expect(await kit.claimAll({ filter: { mode: "except", kinds: ["parse", "store"] } })).toEqual(["x"]);
    expect(await kit.claimAll({ filter: { mode: "only", kinds: ["store"] } })).toEqual(["s"]);
    expect(await kit.claimAll()).toEqual(["p"]);
  });

  it("serves only the lanes, the tasks and the executors that are asked for", async () => {
    const kit = await start();
    await kit.store.setLane("gpu", {});
    await kit.submit({ a: {}, b: { lane: "gpu" }, c: {} });

    expect(await kit.claimsNothing({ executors: ["slurm"] })).toBe(true);
    expect(await kit.claimsNothing({ lanes: [] })).toBe(true);
    expect(await kit.claimsNothing({ lanes: ["cpu"] })).toBe(true);
    expect(await kit.claimAll({ lanes: ["gpu"] })).toEqual(["b"]);
    expect(await kit.claimAll({ ids: [idOf("c"), idOf("b")] })).toEqual(["c"]);
  });

  it("never lets more tasks of a lane run than its cap", async () => {
    const kit = await start();
    await kit.store.setLane("gpu", { maxRunning: 2 });
    await kit.submit({ a: { lane: "gpu" }, b: { lane: "gpu" }, c: { lane: "gpu" }, d: { priority: -1 } });
    const first = await kit.claim();

    expect(await kit.claimAll()).toEqual(["b", "d"]);
    await kit.store.finalize(first.task.id, first.lease.token);
    expect(await kit.claimsNothing()).toBe(true);
    await kit.succeed(first);
    expect(await kit.claimAll()).toEqual(["c"]);
  });

  it("claims nothing from a lane with a cap of 0", async () => {
    const kit = await start();
    await kit.store.setLane("off", { maxRunning: 0 });
    await kit.submit({ a: { lane: "off" } });

    expect(await kit.claimsNothing()).toBe(true);
    await kit.store.setLane("off", { maxRunning: null });
    expect(await kit.claimAll()).toEqual(["a"]);
  });

  it("waits for active tasks to end when a cap is lowered below them", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: {}, c: {} });
    const claims = [await kit.claim(), await kit.claim()];
    await kit.store.setLane("default", { maxRunning: 1 });

    for (const claim of claims) {
      expect(await kit.claimsNothing()).toBe(true);
      expect(await kit.succeed(claim)).toBe("complete");
    }
    expect(await kit.claimAll()).toEqual(["c"]);
  });

  it("takes turns between callers of one priority", async () => {
    const kit = await start();
    const many = Object.fromEntries(Array.from({ length: 400 }, (_, index) => [`a${index}`, { caller: "ana" }]));
    await kit.submit({ ...many, b0: { caller: "ben" } });
    await kit.claim();

    expect((await kit.claim()).task.caller).toBe("ben");
    expect((await kit.claim()).task.spec.name).toBe("a1");
  });

  it("never lets more tasks of one caller run than the lane allows, those that are finalizing counted", async () => {
    const kit = await start();
    await kit.store.setLane("default", { maxPerCaller: 1 });
    await kit.submit({ a: { caller: "ana" }, b: { caller: "ana" }, c: { caller: "ben" } });
    const first = await kit.claim();
    await kit.store.finalize(first.task.id, first.lease.token);

    expect(await kit.claimAll()).toEqual(["c"]);
    await kit.succeed(first);
    expect(await kit.claimAll()).toEqual(["b"]);
  });

  it("claims nothing from a paused lane until it is resumed", async () => {
    const kit = await start();
    await kit.store.setLane("default", { isPaused: true });
    await kit.submit({ a: {} });

    expect(await kit.claimsNothing()).toBe(true);
    await kit.store.setLane("default", { isPaused: false });
    expect(await kit.claimAll()).toEqual(["a"]);
  });

  it("raises what has waited above what came later, by one for each period", async () => {
    const kit = await start();
    await kit.store.setLane("default", { ageMs: 1000 });
    await kit.submit({ old: { priority: 0 } });
    kit.fixture.advance(2999);
    expect(await kit.store.age()).toBe(1);
    expect(await kit.store.age()).toBe(0);
    await kit.submit({ higher: { priority: 3 }, same: { priority: 2 }, lower: { priority: 1 } });

    expect(await kit.claimAll()).toEqual(["higher", "old", "same", "lower"]);
  });

  it("never takes back what waiting has earned, and raises nothing where lanes do not age", async () => {
    const kit = await start();
    await kit.store.setLane("default", { ageMs: 1000 });
    await kit.store.setLane("still", {});
    await kit.submit({ a: { priority: 1 }, b: { lane: "still" } });
    kit.fixture.advance(5000);
    await kit.store.age();
    kit.fixture.advance(-3000);
    await kit.store.age();

    expect(await kit.store.task(idOf("a"))).toMatchObject({ effectivePriority: 6 });
    expect(await kit.store.task(idOf("b"))).toMatchObject({ effectivePriority: 0 });
  });

  it("passes over a task whose time has not come", async () => {
    const kit = await start();
    await kit.submit({ a: { priority: 9, retry: { maxAttempts: 2, baseMs: 5000 } }, b: {} });
    await kit.fail(await kit.claim());

    expect(await kit.claimAll()).toEqual(["b"]);
    kit.fixture.advance(4999);
    expect(await kit.claimsNothing()).toBe(true);
    kit.fixture.advance(1);
    expect(await kit.claimAll()).toEqual(["a"]);
  });

  it("leaves tasks of other users and other machines alone", async () => {
    const kit = await start();
    await kit.submit({ a: { owner: "ben" }, b: { target: "cluster" }, c: { target: "laptop" } });

    expect(await kit.claimAll()).toEqual(["c"]);
    expect(await kit.claimAll({ machine: "cluster" })).toEqual(["b"]);
    expect(await kit.claimAll({ owner: "ben" })).toEqual(["a"]);
  });

  it("keeps a frozen order under its name, whoever asks again", async () => {
    const kit = await start();
    const order = [idOf("b"), idOf("a")];

    expect(await kit.store.freeze("array-7", order)).toEqual(order);
    expect(await kit.store.freeze("array-7", [idOf("c")])).toEqual(order);
    expect(await kit.store.freeze("array-8", [])).toEqual([]);
    expect(await kit.store.freeze("array-8", [idOf("c")])).toEqual([idOf("c")]);
  });
}
