import { expect, it } from "vitest";

import { idOf, type OpenFixture, newTask, QueueKit } from "./queue-kit.ts";
import { stage } from "./stage-kit.ts";

const LONG_MS = 30_000;

/** How sleepers are woken by what other processes change. */
export function changeCases(open: OpenFixture): void {
  it("wakes a sleeper when another process queues a run", async () => {
    const kit = new QueueKit(await open());
    const other = await kit.fixture.another();
    await untilQuiet(kit);
    const slept = kit.store.waitForChange(LONG_MS);

    const begin = performance.now();
    await other.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [newTask("a")]);
    await slept;

    expect(performance.now() - begin).toBeLessThan(LONG_MS / 2);
  });

  it("wakes a sleeper when another process submits or opens a stage that is to be resolved", async () => {
    const kit = new QueueKit(await open());
    const other = await kit.fixture.another();
    await untilQuiet(kit);
    const begin = performance.now();

    const slept = kit.store.waitForChange(LONG_MS);
    await other.submit({ id: "grp", kind: "pipeline", name: "grp", caller: "ana" }, [newTask("a", stage())]);
    await slept;
    await other.resolve(idOf("a"), { problem: { code: "input_missing", message: "no data" } });
    await untilQuiet(kit);
    const sleptAgain = kit.store.waitForChange(LONG_MS);
    await other.retry([idOf("a")]);
    await sleptAgain;

    expect(await kit.store.unresolved("laptop", 10)).toHaveLength(1);
    expect(performance.now() - begin).toBeLessThan(LONG_MS / 2);
  });

  it("does not sleep over what happened while nobody slept", async () => {
    const kit = new QueueKit(await open());
    const other = await kit.fixture.another();
    await untilQuiet(kit);
    await other.submit({ id: "grp", kind: "batch", name: "grp", caller: "ana" }, [newTask("a")]);

    const begin = performance.now();
    await kit.store.waitForChange(LONG_MS);

    expect(performance.now() - begin).toBeLessThan(LONG_MS / 2);
  });

  it("sleeps no longer than it may, and not after its signal", async () => {
    const kit = new QueueKit(await open());
    await untilQuiet(kit);
    await kit.store.waitForChange(1);
    const given = new AbortController();
    const slept = kit.store.waitForChange(LONG_MS, given.signal);
    const begin = performance.now();
    given.abort();
    await slept;
    await kit.store.waitForChange(LONG_MS, given.signal);

    expect(performance.now() - begin).toBeLessThan(LONG_MS / 2);
  });
}

/** The first calls may come back at once: whoever asks to be told has missed what was before. */
async function untilQuiet(kit: QueueKit): Promise<void> {
  for (let n = 0; n < 5; n += 1) await kit.store.waitForChange(50);
}
