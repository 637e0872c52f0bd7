import { expect, it } from "vitest";

import { idOf, newTask, type OpenFixture, QueueKit } from "./queue-kit.ts";
import { lane } from "../helpers/tasks.ts";

const HIDE_MS = 30_000;

/** Side effects, lanes and workers. */
export function outboxCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("sends the public status with each change of it but for a beginning, which the worker itself writes", async () => {
    const kit = await start();
    await kit.submit({ a: { retry: { maxAttempts: 2, baseMs: 0 } }, b: { needs: ["a"] } });
    const first = await kit.claim();
    await kit.store.finalize(first.task.id, first.lease.token);
    await kit.fail(first);
    await kit.fail(await kit.claim());

    const marks = (await kit.store.takeOutbox(100, HIDE_MS)).filter((item) => item.topic === "mark");

    const of = (name: string) => marks.filter((item) => item.data["id"] === idOf(name)).map((item) => item.data);
    expect(of("a").map(({ status, attempt }) => [status, attempt])).toEqual([
      ["queued", 0],
      ["queued", 1],
      ["failed", 2],
    ]);
    expect(of("a").at(-1)).toMatchObject({ state: "failed", exitCode: 1, reason: { code: "exit_nonzero" } });
    expect(of("b").map(({ status }) => status)).toEqual(["queued", "abandoned"]);
    expect(of("b").at(-1)).toMatchObject({ state: "skipped", reason: { code: "needs_failed", because: idOf("a") } });
  });

  it("sends every event, in order", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    await kit.succeed(await kit.claim());
    const events = await kit.store.events(0, 100);

    const items = (await kit.store.takeOutbox(100, HIDE_MS)).filter((item) => item.topic === "event");

    expect(items.map((item) => item.data["id"])).toEqual(events.map((event) => event.id));
    expect(events.map((event) => event.kind)).toEqual([
      "run.queued",
      "run.claimed",
      "attempt.ended",
      "run.ended",
      "group.ended",
    ]);
    expect(await kit.store.events(events[2]?.id ?? 0, 1)).toEqual([events[3]]);
  });

  it("hides what was taken, and gives it again when nobody said that it is done", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    const [mark, event] = await kit.store.takeOutbox(100, HIDE_MS);
    const other = await kit.fixture.another();
    expect(await other.takeOutbox(100, HIDE_MS)).toEqual([]);
    await kit.store.outboxDone(mark?.id ?? 0);
    kit.fixture.advance(HIDE_MS);

    expect(await other.takeOutbox(100, HIDE_MS)).toEqual([event]);
    await kit.store.outboxDone([event?.id ?? 0]);
    expect(await kit.store.outboxCounts()).toEqual({ pending: 0, dead: 0 });
  });

  it("keeps the order of a run's events: none overtakes what is hidden or to be tried again", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    const [queued] = await kit.store.takeOutbox(100, HIDE_MS, "event");
    await kit.submit({ b: {} });
    await kit.succeed(await kit.claim());

    const visible = await kit.store.takeOutbox(100, 0, "event");

    expect(visible.flatMap((item) => item.data["runId"] ?? [])).toEqual([idOf("b")]);
    await kit.store.outboxDone(queued?.id ?? 0);
    const next = await kit.store.takeOutbox(100, 0, "event");
    expect(next.filter((item) => item.data["runId"] === idOf("a")).map((item) => item.data["kind"])).toEqual([
      "run.claimed",
      "attempt.ended",
      "run.ended",
    ]);
  });

  it("lets no mark wait for an earlier one, whose deliverer may be dead", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    await kit.store.takeOutbox(100, HIDE_MS, "mark");
    await kit.succeed(await kit.claim());

    const marks = await kit.store.takeOutbox(100, 0, "mark");

    expect(marks.map((item) => item.data["status"])).toEqual(["complete"]);
  });

  it("sends no mark of what the document says already", async () => {
    const kit = await start();
    await kit.store.submit({ id: "g", kind: "batch", name: "g", caller: "ana" }, [
      { ...newTask("a"), isMarked: true },
      { ...newTask("b", { needs: ["a"] }), isMarked: true },
    ]);

    expect(await kit.store.takeOutbox(100, 0, "mark")).toEqual([]);
    await kit.succeed(await kit.claim());
    const marks = (await kit.store.takeOutbox(100, 0, "mark")).map((item) => item.data["status"]);
    expect(marks).toEqual(["complete"]);
  });

  it("tries a failing side effect ten times with growing pauses, then leaves it for dead", async () => {
    const kit = await start();
    await kit.store.setLane("gpu", {});
    const pauses: number[] = [];
    for (let tries = 0; tries < 10; tries += 1) {
      const [item] = await kit.store.takeOutbox(1, HIDE_MS);
      expect(item?.tries).toBe(tries);
      await kit.store.outboxFailed(item?.id ?? 0, "no such host");
      pauses.push(await pauseUntilDue(kit));
    }

    expect(pauses.slice(0, 9)).toEqual(pauses.slice(0, 9).toSorted((a, b) => a - b));
    expect(pauses.at(-1)).toBe(Infinity);
    expect(await kit.store.outboxCounts()).toEqual({ pending: 0, dead: 1 });

    expect(await kit.store.reviveOutbox()).toBe(1);
    expect(await kit.store.takeOutbox(1, HIDE_MS)).toMatchObject([{ tries: 0 }]);
  });

  it("makes and changes lanes, and removes limits", async () => {
    const kit = await start();
    const fresh = lane({ name: "gpu" });

    expect(await kit.store.setLane("gpu", {})).toEqual(fresh);
    const patch = { maxRunning: 2, maxPerCaller: 1, onLost: "requeue", retainMs: 5, keepLast: 0, ageMs: 9 } as const;
    expect(await kit.store.setLane("gpu", patch)).toEqual({ ...fresh, ...patch });
    expect(await kit.store.setLane("gpu", { isPaused: true, maxRunning: null, ageMs: null })).toEqual({
      ...fresh,
      ...patch,
      isPaused: true,
      maxRunning: undefined,
      ageMs: undefined,
      executor: "local",
    });
    expect((await kit.store.lanes()).map(({ name }) => name)).toEqual(["default", "gpu"]);
    await kit.store.setLane("gpu", { isPaused: true });
    expect(await kit.events()).toEqual(["lane.changed", "lane.changed", "lane.changed"]);
  });

  it("remembers workers until they are removed", async () => {
    const kit = await start();
    const worker = {
      id: "w",
      machine: "laptop",
      pid: 7,
      startFingerprint: "123",
      bootId: "b",
      pools: "*=2",
      state: "up",
      startedAt: 5,
    } as const;
    await kit.store.reportWorker(worker);
    kit.fixture.advance(1000);
    await kit.store.reportWorker({ ...worker, state: "draining" });

    expect(await kit.store.workers()).toEqual([{ ...worker, state: "draining", beatAt: await kit.store.now() }]);
    await kit.store.removeWorker("w");
    expect(await kit.store.workers()).toEqual([]);
  });
}

/** Moves the clock on until something is due. */
async function pauseUntilDue(kit: QueueKit): Promise<number> {
  for (let waited = 0; waited <= 1_200_000; waited += 1000) {
    if ((await kit.store.takeOutbox(1, 0)).length > 0) return waited;
    kit.fixture.advance(1000);
  }
  return Infinity;
}
