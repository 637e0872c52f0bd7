import fc from "fast-check";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";

import type { QueueStore } from "../../src/queue/queue-store.ts";
import { openSqliteQueueStore } from "../../src/queue/sqlite/sqlite-queue-store.ts";
import { anyStep, History } from "../contract/model-cases.ts";
import { type QueueFixture, QueueKit } from "../contract/queue-kit.ts";
import { anyStageStep, StageHistory } from "../contract/stage-model-cases.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { openFixture } from "./fixture.ts";

async function openSqliteFixture(): Promise<QueueFixture> {
  const path = join(tempDir(), "aexp.db");
  let now = 1_800_000_000_000;
  const open = async () => await openSqliteQueueStore(path, { nowMs: () => now });
  const store = await open();
  onTestFinished(async () => await store[Symbol.asyncDispose]());
  const execute = async (sql: string) => {
    const raw = new DatabaseSync(path);
    raw.exec(sql);
    raw.close();
  };
  return { store, another: open, advance: (ms) => void (now += ms), execute };
}

/** Takes the same steps on both stores, each to its end. */
async function expectSameHistory(takeAll: (kit: QueueKit) => Promise<void>): Promise<void> {
  const kits = [new QueueKit(await openFixture()), new QueueKit(await openSqliteFixture())];
  for (const kit of kits) await takeAll(kit);
  const [postgres, sqlite] = await Promise.all(kits.map(async (kit) => await tellAll(kit.store)));

  expect(postgres).toEqual(sqlite);
}

/** Everything that a store tells, without the numbers of rows. */
async function tellAll(store: QueueStore): Promise<unknown> {
  const items = await store.takeOutbox(100_000, 0);
  return {
    tasks: await store.tasks({}),
    outputs: await store.outputs((await store.tasks({})).map((task) => task.id)),
    aliases: await store.aliases(),
    counts: await store.counts(),
    locks: await store.locks(),
    lanes: await store.lanes(),
    events: (await store.events(0, 100_000)).map(({ id: _id, ...event }) => event),
    outbox: items.map(({ topic, data: { id, ...data } }) => ({ topic, data, of: topic === "mark" ? id : undefined })),
  };
}

it("the same steps leave the same history in both stores", { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { minLength: 20, maxLength: 60 }), async (steps) => {
      await expectSameHistory(async (kit) => {
        const history = new History(kit);
        for (const next of steps) await history.take(next);
        await history.drain();
      });
    }),
    { numRuns: Number(process.env["AEXP_MODEL_RUNS"] ?? 25) },
  );
});

it("the same steps of stages leave the same history in both stores", { timeout: 300_000 }, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStageStep, { minLength: 20, maxLength: 60 }), async (steps) => {
      await expectSameHistory(async (kit) => {
        const history = new StageHistory(kit);
        for (const next of steps) await history.take(next);
        await history.drain();
      });
    }),
    { numRuns: Number(process.env["AEXP_MODEL_RUNS"] ?? 25) },
  );
});
