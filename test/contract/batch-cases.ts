import { expect, it } from "vitest";

import { idOf, LEASE_MS, type OpenFixture, QueueKit, STOPPED_BY_USER } from "./queue-kit.ts";

/** Tasks whose attempts a scheduler executes. */
export function batchCases(open: OpenFixture): void {
  const start = async () => {
    const kit = new QueueKit(await open());
    await kit.store.setLane("default", { executor: "slurm" });
    const claim = async () => await kit.claim({ executors: ["slurm"] });
    const jobs = async () => await kit.store.batchJobs("ana", "laptop");
    /** Claims the next task and hands it to the scheduler. */
    const submit = async (schedulerJobId: string) => {
      const { task, lease, fences } = await claim();
      expect(await kit.store.submitted(task.id, lease.token, schedulerJobId)).toBe(true);
      return { task, token: lease.token, fences };
    };
    return { kit, claim, jobs, submit };
  };
  const DONE = { state: "complete", reason: undefined, exitCode: 0 } as const;

  it("gives tasks of a scheduler's lane to nobody else, and others not to it", async () => {
    const { kit } = await start();
    await kit.store.setLane("here", {});
    await kit.submit({ a: { executor: "slurm" }, b: { lane: "here" } });

    expect(await kit.claimAll({ executors: ["local"] })).toEqual(["b"]);
    expect(await kit.claim({ executors: ["slurm"] })).toMatchObject({ task: { state: "submitting", attempt: 1 } });
  });

  it("drops the lease once the scheduler has the task, which stays active", async () => {
    const { kit, jobs, submit } = await start();
    await kit.submit({ a: { executor: "slurm" }, b: { executor: "slurm" } });
    await kit.store.setLane("default", { maxRunning: 1 });
    const { task, token } = await submit("17");

    expect(await kit.store.task(task.id)).toMatchObject({ state: "submitted", lease: undefined });
    expect(await jobs()).toMatchObject([
      { task: { id: task.id }, token, schedulerJobId: "17", missingSince: undefined },
    ]);
    expect(await kit.store.attempts(task.id)).toMatchObject([{ n: 1, schedulerJobId: "17" }]);
    kit.fixture.advance(LEASE_MS * 100);
    expect(await kit.store.expired(undefined, 10)).toEqual([]);
    expect(await kit.claimsNothing({ executors: ["slurm"] })).toBe(true);
  });

  it("submits once, and only with the lease", async () => {
    const { kit, claim } = await start();
    await kit.submit({ a: { executor: "slurm" } });
    const { task, lease } = await claim();
    kit.fixture.advance(LEASE_MS);
    const by = { workerId: "agent-2", token: "second", leaseMs: LEASE_MS };
    await kit.store.adopt(task.id, lease.token, by);

    expect(await kit.store.submitted(task.id, lease.token, "1")).toBe(false);
    expect(await kit.store.submitted(task.id, "second", "2")).toBe(true);
    expect(await kit.store.submitted(task.id, "second", "3")).toBe(false);
    expect(await kit.store.attempts(task.id)).toMatchObject([{ n: 1, schedulerJobId: "2" }]);
  });

  it("names the jobs of one user and one machine only", async () => {
    const { kit, submit } = await start();
    await kit.submit({ a: { executor: "slurm" } });
    await submit("1");

    expect(await kit.store.batchJobs("ben", "laptop")).toEqual([]);
    expect(await kit.store.batchJobs("ana", "elsewhere")).toEqual([]);
    expect(await kit.store.batchJobs("ana", "laptop")).toHaveLength(1);
  });

  it("follows a job from pending over running to its end, and back when it waits again", async () => {
    const { kit, submit, jobs } = await start();
    await kit.submit({ a: { executor: "slurm" } });
    const { task, token } = await submit("1");
    const now = await kit.store.now();
    kit.fixture.advance(60_000);
    const note = async (...args: readonly ["running" | "pending" | "finalizing"]) => {
      const [kind] = args;
      await kit.store.noteJob(task.id, token, kind === "running" ? { kind, startedAt: now + 20_000 } : { kind });
      return await kit.stateOf("a");
    };

    expect(await note("pending")).toBe("submitted");
    expect(await note("running")).toBe("running");
    expect((await kit.store.task(task.id))?.startedAt).toBe(now + 20_000);
    expect(await note("running")).toBe("running");
    expect(await note("pending")).toBe("submitted");
    expect(await note("running")).toBe("running");
    expect(await note("finalizing")).toBe("finalizing");
    const end = { ...DONE, endedAt: now + 30_000 };
    expect(await kit.store.finish(task.id, token, end, 1)).toEqual({ state: "complete" });

    expect(await kit.store.task(task.id)).toMatchObject({ startedAt: now + 20_000, endedAt: now + 30_000 });
    expect(await kit.store.attempts(task.id)).toMatchObject([{ startedAt: now + 20_000, endedAt: now + 30_000 }]);
    expect(await jobs()).toEqual([]);
    expect((await kit.events("a")).filter((kind) => kind === "run.started")).toHaveLength(2);
  });

  it("ends a job that nobody has seen running, with its own times", async () => {
    const { kit, submit } = await start();
    await kit.submit({ a: { executor: "slurm" }, b: { executor: "slurm", needs: ["a"] } });
    const { task, token } = await submit("1");
    const now = await kit.store.now();
    kit.fixture.advance(60_000);

    await kit.store.finish(task.id, token, { ...DONE, startedAt: now + 1000, endedAt: now + 2000 }, 1);

    expect(await kit.states()).toEqual({ a: "complete", b: "queued" });
    expect(await kit.store.attempts(task.id)).toMatchObject([{ startedAt: now + 1000, endedAt: now + 2000 }]);
  });

  it("never believes a scheduler's clock that is ahead, nor an end before the start", async () => {
    const { kit, submit } = await start();
    await kit.submit({ a: { executor: "slurm" }, b: { executor: "slurm" } });
    const a = await submit("1");
    const b = await submit("2");
    const now = await kit.store.now();

    await kit.store.finish(a.task.id, a.token, { ...DONE, startedAt: now + 5000, endedAt: now + 9000 }, 1);
    await kit.store.finish(b.task.id, b.token, { ...DONE, startedAt: now - 10, endedAt: now - 5000 }, 1);

    expect(await kit.store.task(a.task.id)).toMatchObject({ startedAt: now, endedAt: now });
    expect(await kit.store.task(b.task.id)).toMatchObject({ startedAt: now - 10, endedAt: now - 10 });
  });

  it("changes nothing for an attempt that is over", async () => {
    const { kit, submit } = await start();
    await kit.submit({ a: { executor: "slurm", retry: { maxAttempts: 2, baseMs: 0 } } });
    const first = await submit("1");
    const reason = { code: "exit_nonzero", message: "exit 1" } as const;
    await kit.store.finish(first.task.id, first.token, { state: "failed", reason, exitCode: 1 }, 0);
    const second = await submit("2");
    const before = await kit.store.task(first.task.id);

    expect(await kit.store.finish(first.task.id, first.token, DONE, 0)).toBeUndefined();
    expect(await kit.store.noteJob(first.task.id, first.token, { kind: "running", startedAt: 1 })).toBe(false);
    expect(await kit.store.release(first.task.id, first.token)).toBe(false);
    expect(await kit.store.task(first.task.id)).toEqual(before);
    expect(await kit.store.finish(second.task.id, second.token, DONE, 0)).toEqual({ state: "complete" });
    expect(await kit.store.attempts(first.task.id)).toMatchObject([
      { n: 1, schedulerJobId: "1", outcome: "failed" },
      { n: 2, schedulerJobId: "2", outcome: "complete" },
    ]);
  });

  it("remembers since when a job is missing, until it is there again", async () => {
    const { kit, jobs, submit } = await start();
    await kit.submit({ a: { executor: "slurm" } });
    const { task, token } = await submit("1");
    const since = await kit.store.now();
    const missingSince = async () => (await jobs())[0]?.missingSince;

    await kit.store.noteJob(task.id, token, { kind: "missing" });
    kit.fixture.advance(5000);
    await kit.store.noteJob(task.id, token, { kind: "missing" });
    expect(await missingSince()).toBe(since);

    await kit.store.noteJob(task.id, token, { kind: "pending" });
    expect(await missingSince()).toBeUndefined();
  });

  it("takes another job of the same attempt for the one that was noted", async () => {
    const { kit, jobs, submit } = await start();
    await kit.submit({ a: { executor: "slurm" } });
    const { task, token } = await submit("1");

    await kit.store.noteJob(task.id, token, { kind: "replaced", schedulerJobId: "2" });

    expect(await jobs()).toMatchObject([{ schedulerJobId: "2", token }]);
  });

  it("keeps the locks of an attempt until it ends, however long that takes", async () => {
    const { kit, submit } = await start();
    await kit.submit({ a: { executor: "slurm", resources: ["gpu"] } });
    const { task, token, fences } = await submit("1");
    expect(fences).toEqual({ gpu: 1 });
    kit.fixture.advance(LEASE_MS * 1000);

    expect(await kit.store.acquireLock("gpu", "me", 1000, "ana")).toMatchObject({ kind: "busy" });
    expect(await kit.store.locks()).toMatchObject([{ key: "gpu", runId: task.id }]);
    await kit.store.finish(task.id, token, DONE, 0);
    expect(await kit.store.acquireLock("gpu", "me", 1000, "ana")).toMatchObject({ kind: "held", fence: 2 });
  });

  it("ends a job that was asked to stop as stopped, unless it had succeeded", async () => {
    const { kit, submit } = await start();
    await kit.submit({ a: { executor: "slurm" }, b: { executor: "slurm" }, c: { executor: "slurm" } });
    const a = await submit("1");
    const b = await submit("2");
    await kit.store.requestStop([idOf("a"), idOf("b"), idOf("c")], "graceful", STOPPED_BY_USER);

    await kit.store.finish(a.task.id, a.token, { state: "failed", reason: { code: "signal", message: "x" } }, 0);
    await kit.store.finish(b.task.id, b.token, DONE, 0);

    expect(await kit.states()).toEqual({ a: "stopped", b: "complete", c: "abandoned" });
  });

  it("gives a job back uncounted", async () => {
    const { kit, jobs, submit } = await start();
    await kit.submit({ a: { executor: "slurm" } });
    const { task, token } = await submit("1");

    expect(await kit.store.release(task.id, token)).toBe(true);

    expect(await kit.store.task(task.id)).toMatchObject({ state: "queued", failures: 0 });
    expect(await jobs()).toEqual([]);
  });

  it("moves what waits when a lane gets another executor, and leaves what is under way", async () => {
    const { kit, submit } = await start();
    await kit.submit({ a: { executor: "slurm" }, b: { executor: "slurm" } });
    await submit("1");

    await kit.store.setLane("default", { executor: "local" });

    expect(await kit.store.task(idOf("a"))).toMatchObject({ executor: "slurm", state: "submitted" });
    expect(await kit.claimAll({ executors: ["local"] })).toEqual(["b"]);
    expect((await kit.store.lanes()).find(({ name }) => name === "default")).toMatchObject({ executor: "local" });
  });
}
