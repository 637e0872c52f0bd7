import { expect, it } from "vitest";

import { idOf, LEASE_MS, type OpenFixture, QueueKit } from "./queue-kit.ts";

/** Resource locks of runs and outsiders. */
export function lockCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("never lets two runs with one key run together, and frees it in the commit of the end", async () => {
    const kit = await start();
    await kit.submit({ a: { resources: ["db"] }, b: { resources: ["db"] }, c: {} });
    const a = await kit.claim();

    expect(a.fences).toEqual({ db: 1 });
    expect(await kit.claimAll()).toEqual(["c"]);
    expect(await kit.store.locks()).toMatchObject([{ key: "db", holderKind: "run", runId: idOf("a"), fence: 1 }]);
    await kit.fail(a);
    expect(await kit.store.locks()).toEqual([]);
    expect((await kit.claim()).fences).toEqual({ db: 2 });
  });

  it("takes all keys of a run or none", async () => {
    const kit = await start();
    await kit.submit({ ab: { resources: ["a", "b"] }, ba: { resources: ["b", "a"] }, c: { resources: ["c", "a"] } });
    const first = await kit.claim();

    expect(await kit.claimsNothing()).toBe(true);
    expect((await kit.store.locks()).map(({ key, runId }) => [key, runId])).toEqual([
      ["a", idOf("ab")],
      ["b", idOf("ab")],
    ]);
    await kit.succeed(first);
    expect(await kit.claimAll()).toEqual(["ba"]);
  });

  it("frees the keys of a run that is given back", async () => {
    const kit = await start();
    await kit.submit({ a: { resources: ["db"] } });
    const { task, lease } = await kit.claim();
    await kit.store.release(task.id, lease.token);

    expect(await kit.store.locks()).toEqual([]);
    expect((await kit.claim()).fences).toEqual({ db: 2 });
  });

  it("lets runs without the key of an outsider go ahead", async () => {
    const kit = await start();
    await kit.submit({ a: { resources: ["db"], priority: 9 }, b: {} });
    expect(await kit.store.acquireLock("db", "outsider", 1000, "backup on laptop")).toMatchObject({
      kind: "held",
      fence: 1,
    });

    expect(await kit.claimAll()).toEqual(["b"]);
    expect(await kit.store.releaseLock("db", "somebody")).toBe(false);
    expect(await kit.store.releaseLock("db", "outsider")).toBe(true);
    expect(await kit.claimAll()).toEqual(["a"]);
  });

  it("names the holder of a busy key", async () => {
    const kit = await start();
    await kit.submit({ a: { resources: ["db"] } });
    await kit.claim();
    const acquiredAt = await kit.store.now();

    expect(await kit.store.acquireLock("db", "outsider", 1000, "backup")).toMatchObject({
      kind: "busy",
      by: { key: "db", holderKind: "run", runId: idOf("a"), acquiredAt },
    });
    expect(await kit.store.acquireLock("other", "one", 1000, "first")).toMatchObject({ kind: "held" });
    expect(await kit.store.acquireLock("other", "two", 1000, "second")).toMatchObject({
      kind: "busy",
      by: { holder: "one", holderKind: "cli", note: "first" },
    });
    expect(await kit.store.acquireLock("other", "one", 1000, "first")).toMatchObject({ kind: "held", fence: 1 });
  });

  it("gives the key of a dead outsider away when its time is over, with a higher fence", async () => {
    const kit = await start();
    await kit.store.acquireLock("db", "dead", 1000, "backup");
    kit.fixture.advance(999);
    expect(await kit.store.renewLock("db", "dead", 1000)).toBe(true);
    kit.fixture.advance(1000);
    expect(await kit.store.locks()).toEqual([]);

    expect(await kit.store.acquireLock("db", "heir", 1000, "backup")).toMatchObject({ kind: "held", fence: 2 });
    expect(await kit.store.renewLock("db", "dead", 1000)).toBe(false);
    expect(await kit.store.releaseLock("db", "dead")).toBe(false);
  });

  it("keeps the keys of a run whose lease expired until it is settled: its processes may still live", async () => {
    const kit = await start();
    await kit.submit({ a: { resources: ["db"] }, b: { resources: ["db"] } });
    const { task, lease } = await kit.claim();
    kit.fixture.advance(LEASE_MS + 1);

    expect(await kit.claimsNothing()).toBe(true);
    expect(await kit.store.acquireLock("db", "outsider", 1000, "backup")).toMatchObject({ kind: "busy" });
    await kit.store.settleLost(task.id, lease.token, 0);
    expect((await kit.claim()).fences).toEqual({ db: 2 });
  });

  it("prolongs the locks of a run with its lease", async () => {
    const kit = await start();
    await kit.submit({ a: { resources: ["db"] } });
    const { lease } = await kit.claim();
    kit.fixture.advance(1000);

    const { expiresAt } = await kit.store.renew("worker-1", [lease.token], LEASE_MS);

    expect(await kit.store.locks()).toMatchObject([{ key: "db", expiresAt }]);
  });

  it("takes a broken lock from its holder, writes down who it was, and fails the next renewal", async () => {
    const kit = await start();
    await kit.store.acquireLock("db", "outsider", 1000, "backup on laptop");

    expect(await kit.store.breakLock("db")).toMatchObject({ holder: "outsider", note: "backup on laptop" });

    expect(await kit.store.breakLock("db")).toBeUndefined();
    expect(await kit.store.renewLock("db", "outsider", 1000)).toBe(false);
    expect(await kit.store.events(0, 10)).toMatchObject([
      { kind: "lock.broken", data: { key: "db", holder: "outsider", note: "backup on laptop" } },
    ]);
  });

  it("counts a run whose lock was broken as lost at its next renewal", async () => {
    const kit = await start();
    await kit.submit({ a: { resources: ["db", "gpu"] } });
    const { task, lease } = await kit.claim();
    await kit.store.breakLock("db");
    await kit.store.acquireLock("db", "outsider", 10 * LEASE_MS, "backup");

    expect((await kit.store.renew("worker-1", [lease.token], LEASE_MS)).lost).toEqual([lease.token]);
    kit.fixture.advance(LEASE_MS);
    expect((await kit.store.expired(undefined, 5)).map(({ id }) => id)).toEqual([task.id]);
    await kit.store.settleLost(task.id, lease.token, 0);
    expect((await kit.store.locks()).map(({ holder }) => holder)).toEqual(["outsider"]);
  });
}
