import { expect, it } from "vitest";

import type { Lane } from "../../src/queue/lane.ts";
import { type OpenFixture, QueueKit } from "./queue-kit.ts";

/** Lanes that a project's configuration declares, and that people change by hand. */
export function laneCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("makes declared lanes, and leaves what is set by hand until the declaration says something new about it", async () => {
    const kit = await start();
    await kit.store.declareLanes({ gpu: { maxRunning: 2, onLost: "requeue" }, cpu: {} });
    expect(await laneOf(kit, "gpu")).toMatchObject({ maxRunning: 2, onLost: "requeue", keepLast: 3 });
    expect(await laneOf(kit, "cpu")).toMatchObject({ maxRunning: undefined, onLost: "fail" });

    await kit.store.setLane("gpu", { maxRunning: 1, keepLast: 9, isPaused: true });
    await kit.store.declareLanes({ gpu: { maxRunning: 2, onLost: "requeue" } });
    expect(await laneOf(kit, "gpu")).toMatchObject({ maxRunning: 1, keepLast: 9, isPaused: true });

    await kit.store.declareLanes({ gpu: { maxRunning: 3 } });
    expect(await laneOf(kit, "gpu")).toMatchObject({ maxRunning: 3, onLost: "fail", keepLast: 9, isPaused: true });
    await kit.store.declareLanes({ gpu: {} });
    expect(await laneOf(kit, "gpu")).toMatchObject({ maxRunning: undefined, keepLast: 9 });
  });

  it("leaves lanes without a section alone, and takes over the first section of one that is there", async () => {
    const kit = await start();
    await kit.store.setLane("mine", { maxRunning: 4, ageMs: 1000 });
    await kit.store.declareLanes({ other: {} });
    expect(await laneOf(kit, "mine")).toMatchObject({ maxRunning: 4, ageMs: 1000 });

    await kit.store.declareLanes({ mine: { maxRunning: 5 }, default: { maxRunning: 0 } });
    expect(await laneOf(kit, "mine")).toMatchObject({ maxRunning: 5, ageMs: 1000 });
    expect(await laneOf(kit, "default")).toMatchObject({ maxRunning: 0 });
  });

  it("tells of a change once, however many declare it", async () => {
    const kit = await start();
    const other = await kit.fixture.another();
    await Promise.all([kit.store, other, kit.store].map((store) => store.declareLanes({ gpu: { maxRunning: 2 } })));

    const events = await kit.store.events(0, 100);
    expect(events.filter(({ kind }) => kind === "lane.changed").map(({ data }) => data)).toMatchObject([
      { name: "gpu", maxRunning: 2 },
    ]);
  });
}

async function laneOf(kit: QueueKit, name: string): Promise<Lane | undefined> {
  return (await kit.store.lanes()).find((lane) => lane.name === name);
}
