import { expect, it } from "vitest";

import type { NewOutput } from "../../src/queue/run-output.ts";
import { idOf, type OpenFixture, QueueKit } from "./queue-kit.ts";
import { claimStage, execute, keyed, MACHINE, output, outputsOf, resolve, stage } from "./stage-kit.ts";

/** What runs wrote, and what keeps it. */
export function outputCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("registers what a run wrote when it is complete, and nothing of one that failed", async () => {
    const kit = await start();
    await kit.submit({ good: {}, bad: {} });
    const [good, bad] = [await kit.claim(), await kit.claim()];
    const now = await kit.store.now();

    await kit.succeed(good, [output("b", { name: "b" }), output("a", { name: "a", bytes: 2 ** 40, files: 2000 })]);
    await kit.store.finish(
      bad.task.id,
      bad.lease.token,
      { state: "failed", reason: { code: "output_missing", message: "no model" }, outputs: [output("x")] },
      1,
    );

    const outputs = await outputsOf(kit, "bad", "good", "good");
    expect(outputs.map(({ name }) => name)).toEqual(["a", "b"]);
    expect(outputs[0]).toEqual({
      ...output("a", { name: "a", bytes: 2 ** 40, files: 2000 }),
      run: idOf("good"),
      holder: idOf("good"),
      state: "present",
      machine: MACHINE,
      checkedAt: now,
    });
  });

  it("gives outputs in the order of submission, then by the bytes of name and item", async () => {
    const kit = await start();
    await kit.submit({ one: {}, two: {} });
    const names = ["é", "a", "B", "z"];
    await kit.succeed(
      await kit.claim(),
      names.flatMap((name) => [
        output(name, { name, item: "10" }),
        output(name, { name, item: "9" }),
        output(name, { name }),
      ]),
    );
    await kit.succeed(await kit.claim(), [output("x", { name: "a" })]);

    const outputs = await outputsOf(kit, "two", "one");

    expect(outputs.map(({ run, name, item }) => `${run === idOf("one") ? 1 : 2} ${name}/${item}`)).toEqual([
      ...["B", "a", "z", "é"].flatMap((name) => [`1 ${name}/`, `1 ${name}/10`, `1 ${name}/9`]),
      "2 a/",
    ]);
    expect(await kit.store.outputs([])).toEqual([]);
  });

  it("registers items of a stream while the run is under way, for its present attempt only", async () => {
    const kit = await start();
    await kit.submit({ a: { retry: { maxAttempts: 2, baseMs: 0 } } });
    const first = await kit.claim();

    expect(await kit.store.addItems(first.task.id, first.lease.token, [checkpoint("1"), checkpoint("2")])).toBe(true);
    expect(
      await kit.store.addItems(first.task.id, first.lease.token, [checkpoint("2", "again"), checkpoint("3")]),
    ).toBe(true);
    expect((await outputsOf(kit, "a")).map((one) => ({ name: one.item, digest: one.digest }))).toEqual([
      { name: "1", digest: output("1").digest },
      { name: "2", digest: output("again").digest },
      { name: "3", digest: output("3").digest },
    ]);
    await kit.fail(first);
    expect(await kit.store.addItems(first.task.id, first.lease.token, [checkpoint("4")])).toBe(false);
    expect(await outputsOf(kit, "a")).toHaveLength(3);

    await kit.succeed(await kit.claim(), [output("all"), checkpoint("1")]);

    expect((await outputsOf(kit, "a")).map((one) => one.item)).toEqual(["", "1"]);
  });

  it("registers the outputs of a job that a scheduler executes", async () => {
    const kit = await start();
    await kit.store.setLane("default", { executor: "slurm" });
    await kit.submit({ a: stage({ executor: "slurm" }), b: stage({ executor: "slurm" }) });
    await resolve(kit, "a", keyed("k"));
    await resolve(kit, "b", keyed("k"));
    const claim = await kit.claim({ executors: ["slurm"] });
    await kit.store.submitted(claim.task.id, claim.lease.token, "77");

    expect(await kit.store.addItems(claim.task.id, claim.lease.token, [output("1", { item: "1" })])).toBe(true);
    expect(await kit.succeed(claim, [output("k")])).toBe("complete");

    expect(await kit.states()).toEqual({ a: "complete", b: "cached" });
    expect(await outputsOf(kit, "a", "b")).toHaveLength(2);
  });

  it("forgets the outputs of a run that begins a new life", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: {} });
    await kit.succeed(await kit.claim(), [output("a")]);
    const b = await kit.claim();
    await kit.store.addItems(b.task.id, b.lease.token, [output("1", { item: "1" })]);
    await kit.fail(b);
    expect(await outputsOf(kit, "a", "b")).toHaveLength(2);

    await kit.submit({ a: { force: true } });
    await kit.store.retry([idOf("b")]);

    expect(await outputsOf(kit, "a", "b")).toEqual([]);
  });

  it("notes how an output was found for all who have it from the same place", async () => {
    const kit = await start();
    await kit.submit({ old: stage(), a: stage(), b: stage(), other: stage() });
    await execute(kit, "old", "k");
    await execute(kit, "other", "k9");
    for (const name of ["a", "b"]) await resolve(kit, name, keyed("k", { hit: idOf("old") }));
    const states = async () => (await outputsOf(kit, "old", "a", "b", "other")).map(({ state }) => state);
    kit.fixture.advance(5000);

    await kit.store.noteOutputs([{ run: idOf("a"), name: "model", item: "", state: "changed" }]);
    expect(await states()).toEqual(["changed", "changed", "changed", "present"]);
    expect((await outputsOf(kit, "old"))[0]?.checkedAt).toBe(await kit.store.now());
    expect(await kit.store.hits("k", MACHINE, 10)).toEqual([]);

    const known = { name: "model", item: "" } as const;
    await kit.store.noteOutputs([
      { run: idOf("b"), ...known, state: "missing" },
      { run: idOf("other"), ...known, state: "missing" },
      { run: idOf("old"), ...known, name: "nothing", state: "missing" },
      { run: idOf("old"), ...known, state: "present" },
    ]);
    expect(await states()).toEqual(["present", "present", "present", "missing"]);
    expect((await kit.store.hits("k", MACHINE, 10)).map((hit) => hit.run)).toEqual([idOf("old")]);
  });

  it("purges no run whose result a run that is kept has, and the outputs with those it purges", async () => {
    const kit = await start();
    await kit.store.setLane("default", { retainMs: 1000, keepLast: 0 });
    await kit.submit({ used: stage(), unused: stage() });
    await execute(kit, "used", "k");
    await execute(kit, "unused", "k9");
    kit.fixture.advance(1001);
    await kit.submit({ a: stage() });
    await resolve(kit, "a", keyed("k", { hit: idOf("used") }));
    await drainOutbox(kit);

    expect(await kit.store.purge({ dryRun: true })).toEqual([idOf("unused")]);
    expect(await kit.store.purge({ dryRun: false })).toEqual([idOf("unused")]);
    expect(await outputsOf(kit, "unused")).toEqual([]);

    kit.fixture.advance(1001);
    expect(await kit.store.purge({ dryRun: false })).toEqual([idOf("used"), idOf("a")]);
  });

  it("purges nothing that is followed", async () => {
    const kit = await start();
    await kit.store.setLane("default", { keepLast: 0 });
    await kit.submit({ lead: stage() });
    const claim = await claimStage(kit, "lead", keyed("k"));
    await kit.submit({ second: stage() });
    await resolve(kit, "second", keyed("k"));
    await drainOutbox(kit);

    expect(await kit.store.purge({ dryRun: false, before: (await kit.store.now()) + 1 })).toEqual([]);
    await expect(kit.fixture.execute(`DELETE FROM tasks WHERE id = '${idOf("lead")}'`)).rejects.toThrow(/./);
    await kit.succeed(claim, [output("k")]);
    await drainOutbox(kit);
    expect(await kit.store.purge({ dryRun: false, before: (await kit.store.now()) + 1 })).toHaveLength(2);
  });
}

/** An item of the stream `model`. */
function checkpoint(name: string, content = name): NewOutput {
  return output(content, { item: name, path: `outputs/1/model/${name}` });
}

async function drainOutbox(kit: QueueKit): Promise<void> {
  const items = await kit.store.takeOutbox(10_000, 0);
  await kit.store.outboxDone(items.map((item) => item.id));
}
