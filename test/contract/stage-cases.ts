import { expect, it } from "vitest";

import { idOf, type OpenFixture, QueueKit, STOPPED_BY_USER } from "./queue-kit.ts";
import {
  claimStage,
  execute,
  keyed,
  MACHINE,
  output,
  outputsOf,
  resolve,
  stage,
  taskOf,
  unresolved,
} from "./stage-kit.ts";

/** Stages: how they are resolved, and found in the cache. */
export function stageCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("keeps a stage that needs nothing until it is resolved", async () => {
    const kit = await start();
    await kit.submit({ a: stage(), plain: {}, far: stage({ machine: "box" }) });

    expect(await kit.states()).toEqual({ a: "blocked", plain: "queued", far: "blocked" });
    expect(await unresolved(kit)).toEqual(["a"]);
    expect(await unresolved(kit, "box")).toEqual(["far"]);
    expect(await kit.claimAll()).toEqual(["plain"]);
    expect(await taskOf(kit, "a")).toMatchObject({ isUnresolved: true, spec: { stage: stage().stage } });
    expect(await taskOf(kit, "plain")).toMatchObject({ isUnresolved: false });
  });

  it("lets a stage be resolved once its last need is met, the oldest first, and not before", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: {}, join: stage({ needs: ["a", "b?"] }), other: stage({ needs: ["a"] }) });
    const [a, b] = [await kit.claim(), await kit.claim()];
    await kit.fail(b);

    expect(await resolve(kit, "join", keyed("k"))).toBeUndefined();
    expect(await unresolved(kit)).toEqual([]);
    await kit.succeed(a);

    expect(await unresolved(kit)).toEqual(["join", "other"]);
    expect((await kit.store.unresolved(MACHINE, 1)).map((task) => task.spec.name)).toEqual(["join"]);
    expect(await kit.claimsNothing()).toBe(true);
  });

  it("skips a stage whose need has failed, whatever it waits for", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: stage({ needs: ["a"] }) });

    await kit.fail(await kit.claim());

    expect(await taskOf(kit, "b")).toMatchObject({ state: "skipped", isUnresolved: false });
    expect(await unresolved(kit)).toEqual([]);
  });

  it("queues what has to be executed, with its key and its inputs, and is resolved once", async () => {
    const kit = await start();
    await kit.submit({ a: stage() });
    const inputs = { data: [1.5, "ü\u2028", null], nested: { b: 1, a: true } };

    expect(await resolve(kit, "a", keyed("k", { inputs }))).toEqual({ kind: "queued" });

    expect(await taskOf(kit, "a")).toMatchObject({ state: "queued", isUnresolved: false, cacheKey: "k", inputs });
    expect(await resolve(kit, "a", keyed("other"))).toBeUndefined();
    expect(await unresolved(kit)).toEqual([]);
    const claim = await kit.claim();
    expect(claim.task).toMatchObject({ cacheKey: "k", inputs });
    expect(await kit.succeed(claim, [output("k")])).toBe("complete");
    expect(await taskOf(kit, "a")).toMatchObject({ cacheKey: "k", inputs, cachedFrom: undefined });
    expect(await kit.events("a")).toEqual(["run.blocked", "run.queued", "run.claimed", "attempt.ended", "run.ended"]);
  });

  it("resolves neither what is no stage nor what has ended", async () => {
    const kit = await start();
    await kit.submit({ plain: {}, a: stage() });
    await kit.store.requestStop([idOf("a")], "graceful", STOPPED_BY_USER);

    expect(await resolve(kit, "plain", keyed("k"))).toBeUndefined();
    expect(await resolve(kit, "a", keyed("k"))).toBeUndefined();
    expect(await resolve(kit, "nobody", keyed("k"))).toBeUndefined();
    expect(await kit.states()).toEqual({ plain: "queued", a: "abandoned" });
  });

  it("fails what can never be executed, and all that hangs on it", async () => {
    const kit = await start();
    const group = await kit.submit({ a: stage(), b: stage({ needs: ["a"] }) });
    const problem = { code: "input_missing", message: "data/raw.csv is not there" } as const;

    expect(await resolve(kit, "a", { problem })).toEqual({ kind: "failed" });

    expect(await taskOf(kit, "a")).toMatchObject({ state: "failed", reason: problem, attempt: 0 });
    expect(await taskOf(kit, "b")).toMatchObject({ state: "skipped", reason: { because: idOf("a") } });
    expect(await kit.store.group(group)).toMatchObject({ state: "failed" });
    expect(await kit.events("a")).toEqual(["run.blocked", "run.ended"]);
  });

  it("takes the result of a hit, and goes on with all that hangs on it", async () => {
    const kit = await start();
    await kit.submit({ old: stage() });
    await execute(kit, "old", "k");
    const group = await kit.submit({ a: stage(), b: stage({ needs: ["a"] }) });

    expect(await resolve(kit, "a", keyed("k", { hit: idOf("old") }))).toEqual({ kind: "cached", from: idOf("old") });

    expect(await taskOf(kit, "a")).toMatchObject({
      state: "cached",
      cachedFrom: idOf("old"),
      cacheKey: "k",
      inputs: { data: "k" },
      reason: { code: "cache_hit" },
      startedAt: undefined,
    });
    const [original] = await outputsOf(kit, "old");
    expect(original).toMatchObject({ ...output("k"), run: idOf("old"), holder: idOf("old"), state: "present" });
    expect(await outputsOf(kit, "a")).toEqual([{ ...original, run: idOf("a") }]);
    expect(await unresolved(kit)).toEqual(["b"]);
    await resolve(kit, "b", keyed("k", { hit: idOf("old") }));
    expect(await kit.store.group(group)).toMatchObject({ state: "complete" });
    const ends = (await kit.store.events(0, 1000)).filter((event) => event.kind === "run.ended");
    expect(ends.map((event) => event.data["from"])).toEqual([undefined, idOf("old"), idOf("old")]);
  });

  it("gives as hits what was executed under the key on the machine, the newest first", async () => {
    const kit = await start();
    await kit.submit({
      first: stage(),
      second: stage(),
      cached: stage(),
      failed: stage(),
      otherKey: stage(),
      unknown: stage(),
      nothing: stage(),
      far: stage({ machine: "box" }),
    });
    await execute(kit, "first", "k");
    kit.fixture.advance(1000);
    await kit.succeed(await claimStage(kit, "second", keyed("k", { mode: "refresh" })), [output("k2")]);
    await resolve(kit, "cached", keyed("k", { hit: idOf("first") }));
    await kit.fail(await claimStage(kit, "failed", keyed("k", { mode: "refresh" })));
    await execute(kit, "otherKey", "k9");
    await execute(kit, "far", "k");
    kit.fixture.advance(1000);
    await kit.succeed(await claimStage(kit, "unknown", keyed("k", { mode: "refresh" })));
    await kit.succeed(await claimStage(kit, "nothing", keyed("k", { mode: "refresh" })), []);

    const hits = await kit.store.hits("k", MACHINE, 10);

    expect(hits.map((hit) => hit.run)).toEqual(["nothing", "second", "first"].map(idOf));
    expect(hits.map((hit) => hit.outputs)).toEqual([[], await outputsOf(kit, "second"), await outputsOf(kit, "first")]);
    expect(await kit.store.hits("k", MACHINE, 1)).toEqual(hits.slice(0, 1));
    expect((await kit.store.hits("k", "box", 10)).map((hit) => hit.run)).toEqual([idOf("far")]);
  });

  it("executes a stage whose hit is none any more", async () => {
    const kit = await start();
    await kit.submit({ gone: stage(), cached: stage(), far: stage({ machine: "box" }), other: stage() });
    await execute(kit, "gone", "k");
    await execute(kit, "far", "k");
    await execute(kit, "other", "k9");
    await resolve(kit, "cached", keyed("k", { hit: idOf("gone") }));
    await kit.store.noteOutputs([{ run: idOf("cached"), name: "model", item: "", state: "missing" }]);
    expect(await kit.store.hits("k", MACHINE, 10)).toEqual([]);

    for (const hit of ["gone", "cached", "far", "other", "nobody"]) {
      await kit.submit({ [`after-${hit}`]: stage() });
      expect(await resolve(kit, `after-${hit}`, keyed("k", { hit: idOf(hit) }))).toEqual({ kind: "queued" });
      await kit.store.requestStop([idOf(`after-${hit}`)], "graceful", STOPPED_BY_USER);
    }
  });

  it("forgets everything of a cached stage that is submitted again", async () => {
    const kit = await start();
    await kit.submit({ old: stage(), a: stage() });
    await execute(kit, "old", "k");
    await resolve(kit, "a", keyed("k", { hit: idOf("old") }));

    await kit.submit({ a: stage({ force: true }) });

    expect(await taskOf(kit, "a")).toMatchObject({ isUnresolved: true, cachedFrom: undefined, cacheKey: undefined });
    expect(await outputsOf(kit, "a")).toEqual([]);
    expect(await outputsOf(kit, "old")).toHaveLength(1);
  });

  it("executes what is to be refreshed beside the leader, and what uses no cache without a key", async () => {
    const kit = await start();
    await kit.submit({ lead: stage(), fresh: stage(), off: stage(), unkeyed: stage(), second: stage() });
    await resolve(kit, "lead", keyed("k"));

    expect(await resolve(kit, "fresh", keyed("k", { mode: "refresh", hit: idOf("lead") }))).toEqual({ kind: "queued" });
    expect(await resolve(kit, "off", keyed("k", { mode: "off" }))).toEqual({ kind: "queued" });
    expect(await resolve(kit, "unkeyed", { cacheKey: undefined, inputs: null, mode: "on" })).toEqual({
      kind: "queued",
    });
    expect(await resolve(kit, "second", keyed("k"))).toEqual({ kind: "follows", leader: idOf("lead") });

    expect((await kit.store.tasks({})).map((task) => task.cacheKey)).toEqual(["k", "k", undefined, undefined, "k"]);
    expect(await taskOf(kit, "unkeyed")).toMatchObject({ inputs: undefined });
    for (const name of ["fresh", "off", "unkeyed"]) {
      await kit.succeed(await kit.claim({ ids: [idOf(name)] }), [output(name)]);
    }
    expect((await kit.store.hits("k", MACHINE, 10)).map((hit) => hit.run)).toEqual([idOf("fresh")]);
    expect(await kit.stateOf("second")).toBe("blocked");
  });
}
