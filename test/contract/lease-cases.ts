import { expect, it } from "vitest";

import { FAILED, idOf, LEASE_MS, type OpenFixture, QueueKit, STOPPED_BY_USER } from "./queue-kit.ts";

const OTHER = { workerId: "worker-2", token: "token-of-2", leaseMs: LEASE_MS };

/** Leases, attempts, retries and recovery. */
export function leaseCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("changes nothing for a worker whose lease was taken over", async () => {
    const kit = await start();
    await kit.submit({ a: { retry: { maxAttempts: 2, baseMs: 0 } } });
    await kit.store.setLane("default", { onLost: "requeue" });
    const { task, lease } = await kit.claim();
    kit.fixture.advance(LEASE_MS + 1);
    await kit.store.settleLost(task.id, lease.token, 0);
    const second = await kit.claim({ workerId: "worker-2" });
    const before = await kit.store.task(task.id);

    expect(await kit.store.recordProcess(task.id, lease.token, PROCESS)).toBe(false);
    expect(await kit.store.finalize(task.id, lease.token)).toBe(false);
    expect(await kit.succeed({ ...second, lease })).toBeUndefined();
    expect(await kit.store.release(task.id, lease.token)).toBe(false);
    expect(await kit.store.settleLost(task.id, lease.token, 0)).toBeUndefined();
    expect(await kit.store.adopt(task.id, lease.token, OTHER)).toBeUndefined();
    expect((await kit.store.renew("worker-1", [lease.token], LEASE_MS)).lost).toEqual([lease.token]);
    expect(await kit.store.task(task.id)).toEqual(before);
    expect(await kit.succeed(second)).toBe("complete");
  });

  it("records the program of an attempt once, with its end where nobody did it before", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: {} });
    const [a, b] = [await kit.claim(), await kit.claim()];
    await kit.store.recordProcess(a.task.id, a.lease.token, PROCESS);

    for (const { task, lease } of [a, b]) {
      const result = { state: "complete", reason: undefined, exitCode: 0, process: PROCESS } as const;
      expect(await kit.store.finish(task.id, lease.token, result, 1)).toEqual({ state: "complete" });
    }

    const of = async (name: string) =>
      (await kit.store.events(0, 100)).filter(({ runId }) => runId === idOf(name)).map(({ kind }) => kind);
    const whole = ["run.queued", "run.claimed", "run.started", "attempt.ended", "run.ended"];
    expect([await of("a"), await of("b")]).toEqual([whole, whole]);
    expect(await kit.store.attempts(idOf("b"))).toMatchObject([PROCESS]);
  });

  it("prolongs the leases of one worker together, and names those that are lost", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: {}, c: {} });
    const [a, b] = [await kit.claim(), await kit.claim()];
    const foreign = await kit.claim({ workerId: "worker-2" });
    await kit.succeed(b);
    kit.fixture.advance(LEASE_MS - 1);
    const now = await kit.store.now();

    const renewal = await kit.store.renew(
      "worker-1",
      [a.lease.token, b.lease.token, foreign.lease.token, "never"],
      LEASE_MS,
    );

    expect(renewal).toEqual({
      expiresAt: now + LEASE_MS,
      lost: [b.lease.token, foreign.lease.token, "never"],
      stops: [],
    });
    expect((await kit.store.task(a.task.id))?.lease?.expiresAt).toBe(now + LEASE_MS);
    expect((await kit.store.task(foreign.task.id))?.lease?.expiresAt).toBe(now + 1);
  });

  it("finds expired leases without any worker row, but never the asker's own", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: {} });
    await kit.claim();
    await kit.claim({ workerId: "worker-2" });
    expect(await kit.store.expired(undefined, 10)).toEqual([]);
    kit.fixture.advance(LEASE_MS);

    const namesFor = async (worker: string | undefined, limit = 10) =>
      (await kit.store.expired(worker, limit)).map((task) => task.spec.name);

    expect(await kit.store.workers()).toEqual([]);
    expect(await namesFor(undefined)).toEqual(["a", "b"]);
    expect(await namesFor("worker-1")).toEqual(["b"]);
    expect(await namesFor(undefined, 1)).toHaveLength(1);
  });

  it("settles a lost task once, however many find it", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    const { task, lease } = await kit.claim();
    expect(await kit.store.settleLost(task.id, lease.token, 0)).toBeUndefined();
    kit.fixture.advance(LEASE_MS);
    const other = await kit.fixture.another();

    const settled = await Promise.all([
      kit.store.settleLost(task.id, lease.token, 0),
      other.settleLost(task.id, lease.token, 0),
    ]);

    expect(settled.filter((end) => end !== undefined)).toEqual([{ state: "failed" }]);
    expect(await kit.store.task(task.id)).toMatchObject({
      state: "failed",
      reason: { code: "lost" },
      lease: undefined,
    });
    expect((await kit.events()).filter((kind) => kind === "lease.lost")).toHaveLength(1);
    expect(await kit.store.attempts(task.id)).toMatchObject([{ outcome: "failed", reason: { code: "lost" } }]);
  });

  it("queues lost tasks again only where the lane says so, and what was waiting is not touched", async () => {
    const kit = await start();
    await kit.store.setLane("again", { onLost: "requeue" });
    const retry = { maxAttempts: 2, baseMs: 0 };
    await kit.submit({ a: { retry }, b: { lane: "again", retry }, c: { priority: -1 } });
    const claims = [await kit.claim(), await kit.claim()];
    kit.fixture.advance(LEASE_MS);

    for (const { task, lease } of claims) await kit.store.settleLost(task.id, lease.token, 0);

    expect(await kit.states()).toEqual({ a: "failed", b: "queued", c: "queued" });
  });

  it("ends a task that kills its workers after as many attempts as it may have", async () => {
    const kit = await start();
    await kit.store.setLane("default", { onLost: "requeue" });
    await kit.submit({ a: { retry: { maxAttempts: 3, baseMs: 0 } } });

    for (let n = 1; n <= 3; n += 1) {
      const { task, lease } = await kit.claim();
      expect(task).toMatchObject({ attempt: n, failures: n - 1 });
      kit.fixture.advance(LEASE_MS);
      await kit.store.settleLost(task.id, lease.token, 0);
    }

    expect(await kit.store.task(idOf("a"))).toMatchObject({ state: "failed", reason: { code: "lost" }, failures: 3 });
    expect(await kit.claimsNothing()).toBe(true);
  });

  it("does not count an attempt that was given back", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    const first = await kit.claim();
    expect(await kit.store.release(first.task.id, first.lease.token)).toBe(true);
    expect(await kit.store.task(first.task.id)).toMatchObject({ state: "queued", failures: 0, startedAt: undefined });

    const second = await kit.claim();

    expect(second.task).toMatchObject({ attempt: 2, failures: 0 });
    expect(await kit.store.attempts(first.task.id)).toMatchObject([
      { n: 1, outcome: "released", isCounted: false },
      { n: 2, outcome: undefined, isCounted: true },
    ]);
    expect(await kit.succeed(second)).toBe("complete");
  });

  it.each([
    { jitter: 0, gaps: [5000, 10_000, 17_500] },
    { jitter: 1, gaps: [10_000, 20_000, 35_000] },
  ])("pauses twice as long before each retry up to the cap, with jitter $jitter", async ({ jitter, gaps }) => {
    const kit = await start();
    await kit.submit({ a: { retry: { maxAttempts: 4, baseMs: 10_000, capMs: 35_000 } } });

    for (const gap of gaps) {
      expect(await kit.fail(await kit.claim(), FAILED, jitter)).toBe("queued");
      expect((await kit.store.task(idOf("a")))?.notBefore).toBe((await kit.store.now()) + gap);
      kit.fixture.advance(gap);
    }
    expect(await kit.fail(await kit.claim())).toBe("failed");
    expect((await kit.events("a")).filter((kind) => kind === "run.retrying")).toHaveLength(3);
  });

  it("does not retry a failure that the policy does not name", async () => {
    const kit = await start();
    await kit.submit({ a: { retry: { maxAttempts: 5, on: ["timeout"] } } });

    expect(await kit.fail(await kit.claim())).toBe("failed");
  });

  it("keeps exit code, signal and reason of an end", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    const { task, lease } = await kit.claim();
    const reason = { code: "signal", message: "killed by SIGSEGV" } as const;

    await kit.store.finish(task.id, lease.token, { state: "failed", reason, exitCode: 139, signal: "SIGSEGV" }, 0);

    const end = { reason, exitCode: 139, signal: "SIGSEGV" };
    expect(await kit.store.task(task.id)).toMatchObject({ state: "failed", lease: undefined, ...end });
    expect(await kit.store.attempts(task.id)).toMatchObject([{ outcome: "failed", ...end }]);
  });

  it("hands a living attempt to another worker under the same number", async () => {
    const kit = await start();
    await kit.submit({ a: { resources: ["gpu"] } });
    const { task, lease, fences } = await kit.claim();
    await kit.store.recordProcess(task.id, lease.token, PROCESS);

    const adopted = await kit.store.adopt(task.id, lease.token, OTHER);

    expect(adopted).toMatchObject({ task: { attempt: 1, state: "running" }, lease: { workerId: "worker-2" }, fences });
    expect(await kit.store.attempts(task.id)).toMatchObject([{ n: 1, token: OTHER.token, ...PROCESS }]);
    expect((await kit.store.renew("worker-1", [lease.token], LEASE_MS)).lost).toEqual([lease.token]);
    expect((await kit.store.renew("worker-2", [OTHER.token], LEASE_MS)).lost).toEqual([]);
    expect(await kit.store.finish(task.id, OTHER.token, { state: "complete", reason: undefined }, 0)).toEqual({
      state: "complete",
    });
    expect(await kit.store.locks()).toEqual([]);
  });

  it("says once that an attempt has started, when its process is known", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    const { task, lease } = await kit.claim();

    expect(await kit.store.recordProcess(task.id, lease.token, PROCESS)).toBe(true);
    expect(await kit.store.recordProcess(task.id, lease.token, { ...PROCESS, pid: 5 })).toBe(true);

    expect(await kit.events("a")).toEqual(["run.queued", "run.claimed", "run.started"]);
    expect(await kit.store.attempts(task.id)).toMatchObject([PROCESS]);
  });

  it("tells a worker at its renewal which tasks are to stop, and how hard", async () => {
    const kit = await start();
    await kit.submit({ a: {}, b: {} });
    const { task, lease } = await kit.claim();
    const other = await kit.claim();
    const ask = async (mode: "graceful" | "kill") => await kit.store.requestStop([task.id], mode, STOPPED_BY_USER);
    const stops = async () =>
      (await kit.store.renew("worker-1", [lease.token, other.lease.token], LEASE_MS)).stops.map(({ mode }) => mode);

    expect(await ask("graceful")).toEqual([{ id: task.id, outcome: "requested" }]);
    expect(await stops()).toEqual(["graceful"]);
    await ask("kill");
    expect(await stops()).toEqual(["kill"]);
    await ask("graceful");
    expect(await stops()).toEqual(["kill"]);
    expect((await kit.events("a")).filter((kind) => kind === "stop.requested")).toHaveLength(2);
  });

  it("ends a task that was asked to stop as stopped, unless it had succeeded before", async () => {
    const kit = await start();
    await kit.submit({ failing: { retry: { maxAttempts: 9 } }, clean: {}, released: {}, lost: {} });
    await kit.store.setLane("default", { onLost: "requeue" });
    const [failing, clean, released, lost] = [
      await kit.claim(),
      await kit.claim(),
      await kit.claim(),
      await kit.claim(),
    ];
    await kit.store.requestStop(["failing", "clean", "released", "lost"].map(idOf), "graceful", STOPPED_BY_USER);

    expect(await kit.fail(failing)).toBe("stopped");
    expect(await kit.succeed(clean)).toBe("complete");
    expect(await kit.store.release(released.task.id, released.lease.token)).toBe(true);
    kit.fixture.advance(LEASE_MS);
    expect(await kit.store.settleLost(lost.task.id, lost.lease.token, 0)).toEqual({ state: "stopped" });

    expect(await kit.states()).toEqual({ failing: "stopped", clean: "complete", released: "stopped", lost: "stopped" });
    expect(await kit.store.task(idOf("failing"))).toMatchObject({ reason: STOPPED_BY_USER, exitCode: 1 });
    for (const name of ["failing", "clean", "released", "lost"]) {
      expect((await kit.events(name)).filter((kind) => kind === "run.ended")).toHaveLength(1);
    }
  });

  it("changes nothing about a task that has ended when it is asked to stop", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    await kit.succeed(await kit.claim());
    const before = await kit.store.task(idOf("a"));

    expect(await kit.store.requestStop([idOf("a"), idOf("unknown")], "kill", STOPPED_BY_USER)).toEqual([
      { id: idOf("a"), outcome: "ended" },
    ]);
    expect(await kit.store.task(idOf("a"))).toEqual(before);
  });

  it("never ends a task before it started, even when the clock is set back", async () => {
    const kit = await start();
    await kit.submit({ a: {} });
    const claim = await kit.claim();
    kit.fixture.advance(-3_600_000);

    expect(await kit.succeed(claim)).toBe("complete");

    const task = await kit.store.task(idOf("a"));
    expect(task?.endedAt).toBe(task?.startedAt);
    expect(await kit.store.attempts(idOf("a"))).toMatchObject([{ endedAt: task?.startedAt }]);
  });
}

const PROCESS = { pid: 4711, startFingerprint: "77", bootId: "b" };
