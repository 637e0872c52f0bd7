import { expect, it } from "vitest";

import { idOf, newTask, type OpenFixture, QueueKit, STOPPED_BY_USER } from "./queue-kit.ts";

/** The graph of needs, groups, retry and purge. */
export function needCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("queues a dependent in the moment its last need ends, whatever else still runs", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: {}, c: { needs: ["a"] }, d: { needs: ["b"] } });
    await kit.claim();
    const b = await kit.claim();

    await kit.succeed(b);

    expect(await kit.states()).toEqual({ a: "running", b: "complete", c: "blocked", d: "queued" });
    expect(await kit.store.needs(idOf("d"))).toEqual([{ run: idOf("b"), condition: "success", state: "complete" }]);
    expect(await kit.store.dependents(idOf("a"))).toEqual([idOf("c")]);
  });

  it.each([
    {
      problem: "a cycle",
      tasks: { a: { needs: ["c"] }, b: { needs: ["a"] }, c: { needs: ["b"] } },
      code: "queue.cycle",
    },
    { problem: "a need of itself", tasks: { a: { needs: ["a"] } }, code: "queue.cycle" },
    { problem: "an unknown need", tasks: { a: {}, b: { needs: ["nobody"] } }, code: "queue.unknown_need" },
    { problem: "an unknown lane", tasks: { a: {}, b: { lane: "defautl" } }, code: "queue.unknown_lane" },
    { problem: "nothing to do", tasks: {}, code: "queue.empty_group" },
  ])("refuses $problem before anything is stored", async ({ tasks, code }) => {
    const kit = await start();

    await expect(kit.submit(tasks, "grp")).rejects.toMatchObject({ code });

    expect(await kit.states()).toEqual({});
    expect(await kit.store.group("grp")).toBeUndefined();
    expect(await kit.events()).toEqual([]);
  });

  it("names the runs of a cycle in order", async () => {
    const kit = await start();

    await expect(kit.submit({ x: { needs: ["a"] }, a: { needs: ["b"] }, b: { needs: ["a"] } })).rejects.toThrow(
      "a → b → a",
    );
  });

  it("refuses a run twice, and one that is on its way", async () => {
    const kit = await start();
    const group = { id: "grp", kind: "sweep", name: "twice", caller: "ana" } as const;
    await expect(kit.store.submit(group, [newTask("a"), newTask("a")])).rejects.toMatchObject({
      code: "queue.duplicate_task",
    });
    await kit.submit({ a: {} });

    await expect(kit.submit({ a: {} })).rejects.toMatchObject({ code: "queue.duplicate_task" });
    await kit.succeed(await kit.claim());
    await expect(kit.submit({ a: {} })).rejects.toMatchObject({ code: "queue.duplicate_task" });
  });

  it("gives a run that had ended a new life with its new spec", async () => {
    const kit = await start();
    await kit.submit({ a: { resources: ["gpu"] }, b: {} });
    await kit.fail(await kit.claim());
    await kit.succeed(await kit.claim());

    const group = await kit.submit({ a: { priority: 7, needs: ["b"] }, b: { force: true } });

    expect(await kit.states()).toEqual({ a: "blocked", b: "queued" });
    await kit.succeed(await kit.claim());
    const again = await kit.claim();
    expect(again.task).toMatchObject({ attempt: 2, failures: 0, groupId: group, spec: { priority: 7 } });
    expect(again.fences).toEqual({});
    expect(await kit.succeed(again)).toBe("complete");
  });

  it("skips all that hang on a failure, and says which", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: { needs: ["a"] }, c: { needs: ["b"] }, d: { needs: ["c", "b"] }, e: {} });
    const now = await kit.store.now();

    await kit.fail(await kit.claim());

    for (const name of ["b", "c", "d"]) {
      expect(await kit.store.task(idOf(name))).toMatchObject({
        state: "skipped",
        reason: { code: "needs_failed", because: idOf("a") },
        startedAt: undefined,
        endedAt: now,
      });
    }
    expect(await kit.stateOf("e")).toBe("queued");
  });

  it("skips the dependents of a run that was stopped or abandoned", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: { needs: ["a"] }, c: {}, d: { needs: ["c"] } });
    const a = await kit.claim();
    await kit.store.requestStop([idOf("a"), idOf("c")], "graceful", STOPPED_BY_USER);
    await kit.fail(a);

    expect(await kit.states()).toEqual({ a: "stopped", b: "skipped", c: "abandoned", d: "skipped" });
    expect((await kit.store.task(idOf("d")))?.reason?.because).toBe(idOf("c"));
  });

  it("runs what only needs an end when the end is a failure or a skip", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: { needs: ["a"] }, afterA: { needs: ["a?"] }, afterBoth: { needs: ["a?", "b?"] } });

    await kit.fail(await kit.claim());

    expect(await kit.states()).toEqual({ a: "failed", b: "skipped", afterA: "queued", afterBoth: "queued" });
  });

  it("counts needs that ended before the submission", async () => {
    const kit = await start();
    await kit.submit({ good: {}, bad: {} });
    await kit.succeed(await kit.claim());
    await kit.fail(await kit.claim());

    await kit.submit({
      a: { needs: ["good"] },
      b: { needs: ["bad"] },
      c: { needs: ["b"] },
      d: { needs: ["bad?", "c?"] },
    });

    expect(await kit.states()).toMatchObject({ a: "queued", b: "skipped", c: "skipped", d: "queued" });
    expect((await kit.store.task(idOf("c")))?.reason?.because).toBe(idOf("bad"));
  });

  it("abandons all waiting runs of a stopped group and skips none", async () => {
    const kit = await start();
    const group = await kit.submit({ a: {}, b: { needs: ["a"] }, c: {}, d: { needs: ["c"] } });
    const a = await kit.claim();

    const outcomes = await kit.store.requestStop(["d", "c", "b", "a"].map(idOf), "graceful", STOPPED_BY_USER);

    expect(outcomes.map(({ outcome }) => outcome)).toEqual(["abandoned", "abandoned", "abandoned", "requested"]);
    await kit.fail(a);
    expect(await kit.states()).toEqual({ a: "stopped", b: "abandoned", c: "abandoned", d: "abandoned" });
    expect(await kit.store.group(group)).toMatchObject({ state: "stopped", epoch: 1 });
  });

  it("retries what failed with what it skipped, and keeps what was done", async () => {
    const kit = await start();
    const group = await kit.submit({ a: {}, b: { needs: ["a"] }, c: { needs: ["b", "a"] }, d: { needs: ["b?"] } });
    await kit.succeed(await kit.claim());
    await kit.fail(await kit.claim());
    await kit.succeed(await kit.claim());
    expect(await kit.states()).toEqual({ a: "complete", b: "failed", c: "skipped", d: "complete" });

    const retried = await kit.store.retry(["a", "b", "c", "d"].map(idOf));

    expect(retried.map((task) => task.spec.name)).toEqual(["b", "c"]);
    expect(await kit.states()).toEqual({ a: "complete", b: "queued", c: "blocked", d: "complete" });
    expect(await kit.store.task(idOf("b"))).toMatchObject({ failures: 0, reason: undefined, endedAt: undefined });
    expect(await kit.store.group(group)).toMatchObject({ state: "active", epoch: 2 });
    expect(await kit.claimAll()).toEqual(["b"]);
  });

  it("does not retry what would still need a failed run", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: {}, c: { needs: ["a", "b"] }, d: { needs: ["c"] } });
    await kit.fail(await kit.claim());
    await kit.fail(await kit.claim());

    expect((await kit.store.retry([idOf("a")])).map((task) => task.spec.name)).toEqual(["a"]);
    expect(await kit.store.retry([idOf("c")])).toEqual([]);
    expect(await kit.states()).toEqual({ a: "queued", b: "failed", c: "skipped", d: "skipped" });
    expect((await kit.store.retry([idOf("b")])).map((task) => task.spec.name)).toEqual(["b", "c", "d"]);
  });

  it("ends a group once in each epoch", async () => {
    const kit = await start();
    const group = await kit.submit({ a: {}, b: {} });
    await kit.succeed(await kit.claim());
    expect(await kit.store.group(group)).toMatchObject({ state: "active", endedAt: undefined });
    await kit.fail(await kit.claim());
    expect(await kit.store.group(group)).toMatchObject({ state: "failed", epoch: 1, endedAt: expect.any(Number) });

    await kit.submit({ c: {} }, group);
    expect(await kit.store.group(group)).toMatchObject({ state: "active", epoch: 2 });
    await kit.succeed(await kit.claim());
    await kit.store.retry([idOf("b")]);
    await kit.succeed(await kit.claim());

    const ends = (await kit.store.events(0, 1000)).filter((event) => event.kind === "group.ended");
    expect(ends.map(({ groupId, data }) => [groupId, data["epoch"], data["state"]])).toEqual([
      [group, 1, "failed"],
      [group, 2, "failed"],
      [group, 3, "complete"],
    ]);
    const items = await kit.store.takeOutbox(1000, 0);
    expect(items.filter((item) => item.dedupe.startsWith("group.ended:"))).toHaveLength(3);
  });

  it("ends a group at once when nothing in it can start", async () => {
    const kit = await start();
    await kit.submit({ bad: {} });
    await kit.fail(await kit.claim());

    const group = await kit.submit({ a: { needs: ["bad"] } });

    expect(await kit.store.group(group)).toMatchObject({ state: "failed", epoch: 1 });
  });

  it("purges ended runs by age, but never the newest, nor what something kept needs", async () => {
    const kit = await start();
    await kit.store.setLane("default", { retainMs: 1000, keepLast: 1 });
    await kit.submit({ a: {}, b: { needs: ["a"] }, c: {}, d: {}, e: {} });
    for (let n = 0; n < 5; n += 1) await kit.succeed(await kit.claim());
    await kit.submit({ f: { needs: ["b"] }, g: { needs: ["f"] } });
    await drainOutbox(kit);
    expect(await kit.store.purge({ dryRun: false })).toEqual([]);
    kit.fixture.advance(1001);

    const planned = await kit.store.purge({ dryRun: true });
    const purged = await kit.store.purge({ dryRun: false });

    expect(purged).toEqual(planned);
    expect(purged).toEqual([idOf("c"), idOf("d")]);
    expect(Object.keys(await kit.states())).toEqual(["a", "b", "e", "f", "g"]);
    expect(await kit.events("d")).toEqual([]);
  });

  it("purges nothing whose side effects are still to come, and takes an age when told", async () => {
    const kit = await start();
    await kit.store.setLane("default", { keepLast: 0 });
    await kit.submit({ a: {} });
    await kit.succeed(await kit.claim());
    const before = (await kit.store.now()) + 1;
    expect(await kit.store.purge({ dryRun: false, before })).toEqual([]);
    await drainOutbox(kit);
    expect(await kit.store.purge({ dryRun: false })).toEqual([]);

    expect(await kit.store.purge({ dryRun: false, before })).toEqual([idOf("a")]);

    await kit.submit({ a: {} });
    const marks = (await kit.store.takeOutbox(10, 0)).filter((item) => item.topic === "mark");
    expect(marks.map((item) => item.data["status"])).toEqual(["queued"]);
  });

  it("filters tasks and counts them by lane and state", async () => {
    const kit = await start();
    await kit.store.setLane("gpu", {});
    const group = await kit.submit({ a: { tag: "x" }, b: { lane: "gpu" }, c: { needs: ["a"] } });
    await kit.claim({ ids: [idOf("b")] });
    const names = async (query: Parameters<typeof kit.store.tasks>[0]) =>
      (await kit.store.tasks(query)).map((task) => task.spec.name);

    expect(await names({})).toEqual(["a", "b", "c"]);
    expect(await names({ limit: 2, groupId: group, experimentId: "E001" })).toEqual(["a", "b"]);
    expect(await names({ tag: "x" })).toEqual(["a"]);
    expect(await names({ lane: "gpu", states: ["running", "queued"] })).toEqual(["b"]);
    expect(await names({ ids: [idOf("c"), idOf("z")], states: [] })).toEqual([]);
    expect(await kit.store.counts()).toMatchObject([
      { lane: "default", state: "blocked", count: 1 },
      { lane: "default", state: "queued", count: 1 },
      { lane: "gpu", state: "running", count: 1 },
    ]);
  });
}

async function drainOutbox(kit: QueueKit): Promise<void> {
  const items = await kit.store.takeOutbox(10_000, 0);
  await kit.store.outboxDone(items.map((item) => item.id));
}
