import { expect, it } from "vitest";

import { idOf, type OpenFixture, QueueKit } from "./queue-kit.ts";
import { output } from "./stage-kit.ts";

const BY_ANA = { caller: "ana" };

/** Names that move on. */
export function aliasCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("keeps every version of an alias, and gives the newest", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    await kit.succeed(await kit.claim(), [output("k"), output("item", { item: "1" })]);
    const now = await kit.store.now();
    const { digest } = output("k");

    expect(await kit.store.setAlias("baseline", { run: idOf("a"), output: "model" }, BY_ANA)).toEqual({
      kind: "set",
      version: 1,
    });
    kit.fixture.advance(10);
    await kit.store.setAlias("baseline", { run: idOf("ledger"), output: "model", digest }, { caller: "ben" });
    await kit.store.setAlias("Other", { run: idOf("a") }, BY_ANA);

    const first = { name: "baseline", run: idOf("a"), output: "model", digest, version: 1, caller: "ana", setAt: now };
    const second = { ...first, run: idOf("ledger"), version: 2, caller: "ben", setAt: now + 10 };
    expect(await kit.store.alias("baseline")).toEqual(second);
    expect(await kit.store.aliasLog("baseline")).toEqual([first, second]);
    expect(await kit.store.aliases()).toEqual([
      { ...first, name: "Other", output: undefined, digest: undefined, setAt: now + 10 },
      second,
    ]);
    expect(await kit.store.alias("nobody")).toBeUndefined();
    expect(await kit.store.aliasLog("nobody")).toEqual([]);
  });

  it("refuses to move an alias that somebody else has moved", async () => {
    const kit = await start();
    const set = async (run: string, expected: number) =>
      await kit.store.setAlias("best", { run: idOf(run) }, { caller: "ana", expect: expected });

    expect(await set("a", 1)).toEqual({ kind: "conflict", version: 0 });
    expect(await set("a", 0)).toEqual({ kind: "set", version: 1 });
    expect(await set("b", 0)).toEqual({ kind: "conflict", version: 1 });
    expect(await set("b", 1)).toEqual({ kind: "set", version: 2 });
    expect(await set("c", 1)).toEqual({ kind: "conflict", version: 2 });

    expect(await kit.store.alias("best")).toMatchObject({ run: idOf("b"), version: 2 });
    expect(await kit.store.aliasLog("best")).toHaveLength(2);
  });

  it("lets one of many set the same version", async () => {
    const kit = await start();
    const others = await Promise.all(Array.from({ length: 4 }, async () => await kit.fixture.another()));

    const outcomes = await Promise.all(
      others.map(
        async (store, n) => await store.setAlias("best", { run: idOf(`r${n}`) }, { caller: `c${n}`, expect: 0 }),
      ),
    );

    expect(outcomes.filter(({ kind }) => kind === "set")).toHaveLength(1);
    expect(await kit.store.aliasLog("best")).toHaveLength(1);
  });

  it("purges no run that an alias stands for", async () => {
    const kit = await start();
    await kit.store.setLane("default", { keepLast: 0 });
    await kit.submit({ a: {}, b: { needs: ["a"] }, c: {} });
    for (let n = 0; n < 3; n += 1) await kit.succeed(await kit.claim());
    const items = await kit.store.takeOutbox(1000, 0);
    await kit.store.outboxDone(items.map((item) => item.id));
    await kit.store.setAlias("best", { run: idOf("c") }, BY_ANA);
    await kit.store.setAlias("best", { run: idOf("b") }, BY_ANA);
    const before = (await kit.store.now()) + 1;

    expect(await kit.store.purge({ dryRun: true, before })).toEqual([idOf("c")]);
    expect(await kit.store.purge({ dryRun: false, before })).toEqual([idOf("c")]);
    await kit.store.setAlias("best", { run: idOf("c") }, BY_ANA);
    expect(await kit.store.purge({ dryRun: false, before })).toEqual(["a", "b"].map(idOf));
  });
}
