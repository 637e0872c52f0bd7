import { Client } from "pg";
import { describe, expect, inject, it, onTestFinished } from "vitest";

import type { QueueStore } from "../../src/queue/queue-store.ts";
import { idOf, newTask, QueueKit } from "../contract/queue-kit.ts";
import { Arena, ended } from "../contract/many-workers.ts";
import { readAllEvents } from "../contract/model-state.ts";
import { keyed, output, resolve, stage } from "../contract/stage-kit.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { execute, newSchema, openStore } from "./fixture.ts";
import { Proxy } from "./proxy.ts";
import { TestServer } from "./test-server.ts";

/** The statement alone, as it is sent: "READ COMMITTED" is none. */
const COMMIT = "COMMIT\u0000";

async function openProxy(): Promise<Proxy> {
  const proxy = await Proxy.open(inject("postgresUrl"));
  onTestFinished(() => proxy.close());
  return proxy;
}

function kitOf(store: QueueStore): QueueKit {
  return new QueueKit({
    store,
    another: async () => store,
    advance: () => {
      throw new Error("the server's clock is not ours to move");
    },
    execute: async () => {},
  });
}

/** A queue behind a network that can be broken, and the same queue beside it. */
async function openThroughProxy(patienceMs?: number): Promise<{ proxy: Proxy; far: QueueKit; near: QueueKit }> {
  const proxy = await openProxy();
  const schema = await newSchema();
  const near = await openStore({ schema });
  const far = await openStore({ schema, ...(patienceMs !== undefined && { patienceMs }) }, proxy.url);
  return { proxy, far: kitOf(far), near: kitOf(near) };
}

async function countComplete(store: QueueStore): Promise<number> {
  return (await store.counts()).find(({ state }) => state === "complete")?.count ?? 0;
}

async function kindsOf(store: QueueStore, name: string): Promise<readonly string[]> {
  return (await readAllEvents(store)).filter((event) => event.runId === idOf(name)).map((event) => event.kind);
}

describe("a server that dies", () => {
  it("is waited for by its workers, which lose nothing and do nothing twice", async () => {
    const server = await TestServer.make();
    onTestFinished(async () => await server.remove());
    await server.start();
    const store = await openStore({ schema: "aexp_test", patienceMs: 30_000 }, server.url);
    await store.setLane("default", { maxRunning: 3, onLost: "requeue" });
    const arena = new Arena({ store, location: `aexp_test@${server.url}` });
    const retry = { maxAttempts: 50, baseMs: 0 };
    const tasks = Array.from({ length: 300 }, (_, index) =>
      newTask(`t${index}`, {
        retry,
        resources: index % 10 === 0 ? ["k"] : [],
        needs: index > 5 ? [`t${index - 6}`] : [],
      }),
    );
    await arena.submit("grp", tasks);
    const workers = Array.from({ length: 4 }, () => arena.start({ workMs: 20 }));
    for (const share of [40, 120, 200]) {
      await waitUntil(`${share} tasks are complete`, async () => (await countComplete(store)) >= share);
      await server.kill();
      await server.start();
    }

    expect(await ended(workers)).toEqual([0, 0, 0, 0]);

    expect(await countComplete(store)).toBe(tasks.length);
    // The lease was long and every commit survived, so nobody had to take anything over.
    expect(arena.spans()).toHaveLength(tasks.length);
    const events = await readAllEvents(store);
    for (const kind of ["run.claimed", "attempt.ended", "run.ended"]) {
      expect(events.filter((event) => event.kind === kind)).toHaveLength(tasks.length);
    }
    expect(events.filter((event) => event.kind === "group.ended")).toHaveLength(1);
    expect(await store.locks()).toEqual([]);
  });

  it("is told of when it does not come back, without the password", async () => {
    const server = await TestServer.make();
    onTestFinished(async () => await server.remove());
    await server.start();
    const store = await openStore({ schema: "aexp_test", patienceMs: 200 }, server.url);
    await server.stop();

    const failure: unknown = await store.lanes().catch((error: unknown) => error);

    expect(failure).toMatchObject({ code: "queue.unreachable", message: expect.stringContaining("127.0.0.1") });
    expect(String(failure)).not.toContain(decodeURIComponent(new URL(server.url).password));
    await server.start();
    expect(await store.lanes()).toHaveLength(1);
  });
});

describe("a connection that is cut", () => {
  it("before a commit arrived is made again, and the transaction with it", async () => {
    const { proxy, far, near } = await openThroughProxy();
    await near.submit({ a: {}, b: {} });
    proxy.interfere({ kind: "cut_before", words: COMMIT });

    const claim = await far.claim();

    expect(claim.task).toMatchObject({ spec: { name: "a" }, attempt: 1 });
    expect(await near.states()).toEqual({ a: "running", b: "queued" });
    expect(await kindsOf(near.store, "a")).toEqual(["run.queued", "run.claimed"]);
  });

  it("after a commit arrived does not repeat the transaction", async () => {
    const { proxy, far, near } = await openThroughProxy();
    await near.submit({ first: { priority: 1 }, a: {}, b: {} });
    // From now on it expects to find work, and does not look before it asks.
    await far.succeed(await far.claim());
    proxy.interfere({ kind: "cut_after", words: COMMIT });

    const claim = await far.claim();

    expect(claim.task).toMatchObject({ spec: { name: "a" }, attempt: 1 });
    expect(await near.states()).toEqual({ first: "complete", a: "running", b: "queued" });
    proxy.interfere({ kind: "cut_after", words: COMMIT });
    expect(await far.succeed(claim)).toBe("complete");
    expect(await kindsOf(near.store, "a")).toEqual(["run.queued", "run.claimed", "attempt.ended", "run.ended"]);
    proxy.interfere({ kind: "cut_after", words: COMMIT });
    await far.submit({ c: {} });
    expect(await near.states()).toEqual({ first: "complete", a: "complete", b: "queued", c: "queued" });
  });

  it("after a commit arrived repeats nothing of stages, aliases and policies", async () => {
    const { proxy, far, near } = await openThroughProxy();
    await near.submit({ a: stage() });
    const cut = { kind: "cut_after", words: COMMIT } as const;

    proxy.interfere(cut);
    expect(await resolve(far, "a", keyed("k"))).toEqual({ kind: "queued" });
    expect(proxy.isArmed).toBe(false);
    proxy.interfere(cut);
    expect(await far.store.setAlias("best", { run: idOf("a") }, { caller: "ana", expect: 0 })).toEqual({
      kind: "set",
      version: 1,
    });
    expect(proxy.isArmed).toBe(false);
    const listener = { policy: "evaluate", machine: "laptop", owner: "ana", kind: "file", everyN: 1 };
    proxy.interfere(cut);
    await far.store.seeOutputs(listener);
    expect(proxy.isArmed).toBe(false);
    await near.succeed(await near.claim(), [output("1")]);
    proxy.interfere(cut);
    await far.store.seeOutputs(listener);
    expect(proxy.isArmed).toBe(false);
    const group = { id: "grp_evaluate", kind: "pipeline", name: "evaluate", caller: "ana" } as const;
    for (const pending of await near.store.pendingFires(listener, 10)) {
      proxy.interfere(cut);
      expect(await far.store.fire(pending, idOf("b"), group, [newTask("b")])).toBe(true);
      expect(proxy.isArmed).toBe(false);
    }

    expect(await near.store.aliasLog("best")).toHaveLength(1);
    expect(await near.store.policyFires("evaluate", "laptop")).toMatchObject([{ source: idOf("a"), run: idOf("b") }]);
    expect(await kindsOf(near.store, "a")).toEqual([
      "run.blocked",
      "run.queued",
      "run.claimed",
      "attempt.ended",
      "run.ended",
    ]);
    expect(await kindsOf(near.store, "b")).toEqual(["run.queued"]);
  });

  it("at any word of a transaction leaves one effect", async () => {
    const { proxy, far, near } = await openThroughProxy();
    const words = ["BEGIN", "aexp.now", "INSERT", "UPDATE", "pg_notify", COMMIT];
    const ways = words.flatMap((word) => [
      { kind: "cut_before" as const, words: word },
      { kind: "cut_after" as const, words: word },
    ]);

    for (const [index, way] of ways.entries()) {
      proxy.interfere(way);
      await far.submit({ [`t${index}`]: {} });
      proxy.interfere(way);
      const claim = await far.claim();
      proxy.interfere(way);
      expect(await far.succeed(claim)).toBe("complete");
    }

    for (const [index] of ways.entries()) {
      expect(await kindsOf(near.store, `t${index}`)).toEqual([
        "run.queued",
        "run.claimed",
        "attempt.ended",
        "run.ended",
      ]);
    }
  });

  it("for longer than a lease gives the task to others, and the result of the first is thrown away", async () => {
    const { proxy, far, near } = await openThroughProxy(100);
    await near.store.setLane("default", { onLost: "requeue" });
    await near.submit({ a: { resources: ["k"], retry: { maxAttempts: 2, baseMs: 0 } } });
    const lost = await far.claim({ workerId: "far", leaseMs: 300 });
    proxy.cut();
    await expect(far.store.renew("far", [lost.lease.token], 300)).rejects.toMatchObject({ code: "queue.unreachable" });
    const expired = await waitUntil("the lease has expired", async () => {
      const [task] = await near.store.expired("near", 10);
      return task;
    });
    expect(await near.store.settleLost(expired.id, lost.lease.token, 0)).toEqual({ state: "queued" });
    const second = await near.claim({ workerId: "near", token: "second" });
    proxy.mend();

    expect((await far.store.renew("far", [lost.lease.token], 300)).lost).toEqual([lost.lease.token]);
    expect(await far.succeed(lost)).toBeUndefined();

    expect(second.fences["k"]).toBeGreaterThan(lost.fences["k"] ?? 0);
    expect(await near.succeed(second)).toBe("complete");
    expect(await near.store.attempts(idOf("a"))).toMatchObject([
      { outcome: "failed", reason: { code: "lost" } },
      { outcome: "complete" },
    ]);
  });

  it("is not used by two transactions at once", async () => {
    const { far } = await openThroughProxy();
    await far.submit(Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`t${index}`, {}])));

    const claims = await Promise.all(Array.from({ length: 20 }, async () => await far.claim()));
    const ends = await Promise.all([
      ...claims.map(async (claim) => await far.succeed(claim)),
      ...claims.map(async () => (await far.store.lanes()).length),
    ]);

    expect(new Set(claims.map((claim) => claim.task.id)).size).toBe(20);
    expect(ends).toEqual([...claims.map(() => "complete"), ...claims.map(() => 1)]);
  });
});

describe("a session of somebody else that locks the tables", () => {
  it("is told of after some seconds, and nothing was changed", async () => {
    const schema = await newSchema();
    const kit = kitOf(await openStore({ schema }));
    await kit.submit({ a: {} });
    const rude = new Client({ connectionString: inject("postgresUrl") });
    onTestFinished(async () => await rude.end());
    await rude.connect();
    await rude.query(`BEGIN; LOCK TABLE ${schema}.tasks IN ACCESS EXCLUSIVE MODE`);

    await expect(kit.store.claim(kit.request())).rejects.toMatchObject({
      code: "queue.busy",
      message: expect.stringMatching(/^PostgreSQL at .* was locked by another process for too long/),
    });

    await rude.query("ROLLBACK");
    expect(await kit.states()).toEqual({ a: "queued" });
    expect((await kit.claim()).task.attempt).toBe(1);
  });
});

describe("a process that stops in its transaction", () => {
  it("does not keep the others waiting for ever, and goes on where it was", async () => {
    const { proxy, far, near } = await openThroughProxy();
    await near.submit({ a: {}, b: {} });
    proxy.interfere({ kind: "hold", words: COMMIT });
    const stopped = far.submit({ c: {} });
    await waitUntil("the process holds the lock", async () => {
      const held = await execute("SELECT 1 FROM pg_stat_activity WHERE state = 'idle in transaction'");
      return held.length > 0;
    });

    expect((await near.claim()).task.spec.name).toBe("a");

    proxy.cut();
    proxy.mend();
    await stopped;
    expect(await near.states()).toEqual({ a: "running", b: "queued", c: "queued" });
  });
});
