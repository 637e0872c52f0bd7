import { expect, it } from "vitest";

import type { PolicyListener, SeenOutput } from "../../src/queue/policy.ts";
import type { NewOutput } from "../../src/queue/run-output.ts";
import type { StageSpec } from "../../src/queue/stage.ts";
import { idOf, newTask, type OpenFixture, QueueKit } from "./queue-kit.ts";
import { claimStage, keyed, MACHINE, output, resolve, stage } from "./stage-kit.ts";

const LISTENER: PolicyListener = {
  policy: "evaluate",
  machine: MACHINE,
  owner: "ana",
  kind: "file",
  everyN: 1,
};

/** What policies see, and that each output brings about one run. */
export function policyCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("passes over what was there first, and sees what comes after it once", async () => {
    const kit = await start();
    await compute(kit, "old", [output("1")]);
    expect(await see(kit)).toEqual([]);
    await compute(kit, "new", [output("2"), output("3", { name: "log", kind: "text" })]);

    expect(await see(kit)).toEqual(["new model"]);
    expect(await see(kit)).toEqual(["new model"]);
    expect(await kit.store.pendingFires(LISTENER, 100)).toEqual([
      {
        policy: "evaluate",
        source: idOf("new"),
        output: "model",
        item: "",
        digest: output("2").digest,
        position: 1,
        seenAt: await kit.store.now(),
      },
    ]);
  });

  it("listens anew when it listens to something else, but not when it only counts differently", async () => {
    const kit = await start();
    await see(kit);
    await compute(kit, "first", [output("1")]);
    await compute(kit, "text", [output("2", { kind: "text" })]);

    expect(await see(kit, { everyN: 2 })).toEqual(["first model"]);
    expect(await see(kit, { kind: "text" })).toEqual([]);
    await compute(kit, "second", [output("3", { kind: "text" })]);
    expect(await see(kit, { kind: "text" })).toEqual(["second model"]);
  });

  it.each([
    ["another machine", { machine: "desk" }],
    ["another user", { owner: "ben" }],
    ["another kind", { kind: "dataset" }],
    ["another pipeline", { pipeline: "other" }],
    ["another stage", { stage: "prepare" }],
    ["another experiment", { experiment: "E002" }],
  ])("does not hear %s", async (_, change) => {
    const kit = await start();
    const all = { pipeline: "demo", stage: "train", experiment: "E001" };
    await see(kit, change);
    await see(kit, { ...all, policy: "all" });
    await compute(kit, "a", [output("1")]);

    expect(await see(kit, change)).toEqual([]);
    expect(await see(kit, { ...all, policy: "all" })).toEqual(["a model"]);
  });

  it("hears nothing of outputs that came from the cache", async () => {
    const kit = await start();
    await see(kit);
    await kit.submit({ leader: stage(), follower: stage(), late: stage() });
    const claim = await claimStage(kit, "leader", keyed("k"));
    await resolve(kit, "follower", keyed("k"));
    await kit.succeed(claim, [output("1")]);
    await resolve(kit, "late", keyed("k", { hit: idOf("leader") }));
    expect(await kit.states()).toEqual({ leader: "complete", follower: "cached", late: "cached" });

    expect(await see(kit)).toEqual(["leader model"]);
  });

  it("hears nothing of runs that it has brought about itself, at however many removes", async () => {
    const kit = await start();
    await see(kit);
    await see(kit, { policy: "plot" });
    await compute(kit, "a", [output("1")], triggered(["evaluate"]));
    await compute(kit, "b", [output("2")], triggered(["evaluate", "plot"]));

    expect(await see(kit)).toEqual([]);
    expect(await see(kit, { policy: "plot" })).toEqual(["a model"]);
  });

  it("sees the items of a stream as they are registered, and never the folder of them", async () => {
    const kit = await start();
    await see(kit);
    await kit.submit({ a: stage({ stage: STREAMING }) });
    const claim = await claimStage(kit, "a", keyed("k"));
    const items = ["10", "9"].map((item) => output(item, { item }));

    await kit.store.addItems(idOf("a"), claim.lease.token, items);
    expect(await see(kit)).toEqual(["a model/9", "a model/10"]);
    await kit.succeed(claim, [output("all"), ...items, output("11", { item: "11" })]);
    expect(await see(kit)).toEqual(["a model/9", "a model/10", "a model/11"]);
    expect(await see(kit, { policy: "later" })).toEqual([]);
  });

  it("takes every n-th item in the order of their registration, however they come", async () => {
    const kit = await start();
    await see(kit, { everyN: 3 });
    await kit.submit({ a: stage({ stage: STREAMING }) });
    const claim = await claimStage(kit, "a", keyed("k"));
    const register = async (...names: readonly string[]) =>
      await kit.store.addItems(
        idOf("a"),
        claim.lease.token,
        names.map((item) => output(item, { item })),
      );

    await register("s8", "s7");
    expect(await see(kit, { everyN: 3 })).toEqual([]);
    kit.fixture.advance(5);
    await register("s1");
    kit.fixture.advance(5);
    await register("s3", "s2", "s10", "s9");
    expect(await see(kit, { everyN: 3 })).toEqual(["a model/s1", "a model/s9"]);
    // The end of the run registers all of them again.
    const all = ["s1", "s2", "s3", "s7", "s8", "s9", "s10", "s11"].map((item) => output(item, { item }));
    await kit.succeed(claim, [output("all"), ...all]);
    expect(await see(kit, { everyN: 3 })).toEqual(["a model/s1", "a model/s9"]);
  });

  it("sees other bytes under the same name as another output, and forgets the former", async () => {
    const kit = await start();
    await see(kit);
    await kit.submit({ a: stage({ stage: STREAMING }) });
    const claim = await claimStage(kit, "a", keyed("k"));
    const latest = async (content: string) =>
      await kit.store.addItems(idOf("a"), claim.lease.token, [output(content, { item: "latest" })]);

    await latest("1");
    await see(kit);
    await latest("2");
    await see(kit);

    const pending = await kit.store.pendingFires(LISTENER, 100);
    expect(pending.map(({ digest, position }) => ({ digest, position }))).toEqual([
      { digest: output("2").digest, position: 2 },
    ]);
    await kit.store.noteOutputs([{ run: idOf("a"), name: "model", item: "latest", state: "missing" }]);
    expect(await kit.store.pendingFires(LISTENER, 100)).toEqual([]);
  });

  it("submits one run for an output, whoever tries", async () => {
    const kit = await start();
    await see(kit);
    await compute(kit, "a", [output("1")]);
    await see(kit);
    const [pending] = await kit.store.pendingFires(LISTENER, 100);
    const stores = [kit.store, await kit.fixture.another(), await kit.fixture.another()];

    const outcomes = await Promise.all(
      stores.map(async (store, n) => await store.fire(some(pending), idOf(`run${n}`), GROUP, [newTask(`run${n}`)])),
    );

    expect(outcomes.filter(Boolean)).toHaveLength(1);
    const run = `run${outcomes.indexOf(true)}`;
    expect(await kit.states()).toEqual({ a: "complete", [run]: "queued" });
    expect(await kit.store.policyFires("evaluate", MACHINE)).toEqual([
      { ...pending, run: idOf(run), firedAt: await kit.store.now() },
    ]);
    expect(await kit.store.policyFires("evaluate", "desk")).toEqual([]);
    expect(await kit.store.pendingFires(LISTENER, 100)).toEqual([]);
  });

  it("notes nothing of a run that cannot be submitted, and submits nothing for what it does not know", async () => {
    const kit = await start();
    await see(kit);
    await compute(kit, "a", [output("1")]);
    await see(kit);
    const [pending] = await kit.store.pendingFires(LISTENER, 100);
    const unknown = { ...some(pending), policy: "other" };

    await expect(
      kit.store.fire(some(pending), idOf("run"), GROUP, [newTask("run", { lane: "nowhere" })]),
    ).rejects.toMatchObject({ code: "queue.unknown_lane" });
    expect(await kit.store.fire(unknown, idOf("run"), GROUP, [newTask("run")])).toBe(false);

    expect(await kit.states()).toEqual({ a: "complete" });
    expect(await see(kit)).toEqual(["a model"]);
    expect(await kit.store.fire(some(pending), idOf("run"), GROUP, [])).toBe(true);
    expect(await see(kit)).toEqual([]);
    expect(await kit.states()).toEqual({ a: "complete" });
  });

  it("asks for what was passed over, once, and by its count", async () => {
    const kit = await start();
    await kit.submit({ a: stage({ stage: STREAMING }) });
    const claim = await claimStage(kit, "a", keyed("k"));
    const items = ["1", "2", "3", "4"].map((item) => output(item, { item }));
    await kit.succeed(claim, [output("all"), ...items]);
    await compute(kit, "b", [output("b")]);
    const listener = { ...LISTENER, everyN: 2 };
    await see(kit, listener);
    const expected = ["a model/2", "a model/4", "b model"];

    expect(toWords(await kit.store.recallOutputs(listener, { dryRun: true }))).toEqual(expected);
    expect(await see(kit, listener)).toEqual([]);
    expect(toWords(await kit.store.recallOutputs(listener, { dryRun: false }))).toEqual(expected);
    expect(await see(kit, listener)).toEqual(expected);
    expect(await kit.store.recallOutputs(listener, { dryRun: false })).toEqual([]);
  });

  it("forgets what it saw of a run with the run", async () => {
    const kit = await start();
    await kit.store.setLane("default", { keepLast: 0 });
    await see(kit);
    await compute(kit, "a", [output("1")]);
    await see(kit);
    const [pending] = await kit.store.pendingFires(LISTENER, 100);
    await kit.store.fire(some(pending), idOf("run"), GROUP, []);
    const items = await kit.store.takeOutbox(1000, 0);
    await kit.store.outboxDone(items.map((item) => item.id));

    expect(await kit.store.purge({ dryRun: false, before: (await kit.store.now()) + 1 })).toEqual([idOf("a")]);

    expect(await kit.store.policyFires("evaluate", MACHINE)).toEqual([]);
  });
}

const GROUP = { id: "grp_evaluate", kind: "pipeline", name: "demo/evaluate", caller: "ana" } as const;
const STREAMING: StageSpec = {
  pipeline: "demo",
  stage: "train",
  outputs: [
    { name: "log", stream: false },
    { name: "model", stream: true },
  ],
};

function triggered(chain: readonly string[]): StageSpec {
  return { pipeline: "demo", stage: "score", triggered_by: { chain: [...chain] } };
}

/** Executes a stage that writes something. */
async function compute(
  kit: QueueKit,
  name: string,
  outputs: readonly NewOutput[],
  spec: StageSpec = { pipeline: "demo", stage: "train" },
): Promise<void> {
  await kit.submit({ [name]: { stage: spec } });
  await kit.succeed(await claimStage(kit, name, keyed(name)), outputs);
}

/** Lets a policy look, and gives what is to be fired for. */
async function see(kit: QueueKit, change: Partial<PolicyListener> = {}): Promise<readonly string[]> {
  const listener = { ...LISTENER, ...change };
  await kit.store.seeOutputs(listener);
  return toWords(await kit.store.pendingFires(listener, 100));
}

const NAMES = new Map(["a", "b", "old", "new", "first", "second", "text", "leader"].map((name) => [idOf(name), name]));

function toWords(outputs: readonly SeenOutput[]): readonly string[] {
  return outputs.map(
    ({ source, output: name, item }) => `${NAMES.get(source) ?? source} ${name}${item === "" ? "" : `/${item}`}`,
  );
}

function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("there is none");
  return value;
}
