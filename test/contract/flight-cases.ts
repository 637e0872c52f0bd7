import { expect, it } from "vitest";

import type { ReasonCode } from "../../src/run/run-status.ts";
import { idOf, type OpenFixture, QueueKit, STOPPED_BY_USER } from "./queue-kit.ts";
import { claimStage, keyed, MACHINE, output, outputsOf, resolve, stage, taskOf, unresolved } from "./stage-kit.ts";

const OWN_FAILURES: readonly ReasonCode[] = ["exit_nonzero", "timeout", "oom", "output_missing", "output_invalid"];
const OTHER_FAILURES: readonly ReasonCode[] = [
  // Cancelled by somebody: no program died of it.
  "signal",
  "lost",
  "spawn_error",
  "scheduler_unknown",
  "interrupted",
  "input_missing",
  "disk_full",
];

/** Equal work that is in flight: it is computed once, and whoever waits for it comes to an end. */
export function flightCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  /** A leader that is under way, and two that wait for its result. */
  const startFlight = async () => {
    const kit = await start();
    const group = await kit.submit({ lead: stage(), second: stage(), third: stage(), after: { needs: ["second"] } });
    const claim = await claimStage(kit, "lead", keyed("k"));
    await resolve(kit, "third", keyed("k"));
    await resolve(kit, "second", keyed("k", { inputs: { second: true } }));
    return { kit, group, claim };
  };

  it("computes the same once, and gives the result to all who wait for it", async () => {
    const { kit, group, claim } = await startFlight();

    expect(await kit.states()).toEqual({ lead: "running", second: "blocked", third: "blocked", after: "blocked" });
    expect(await taskOf(kit, "second")).toMatchObject({ follows: idOf("lead"), isUnresolved: false, cacheKey: "k" });
    expect(await kit.claimsNothing()).toBe(true);
    const told = (await kit.store.events(0, 1000)).filter((event) => event.data["follows"] !== undefined);
    expect(told.map(({ kind, runId, data }) => ({ kind, runId, data }))).toEqual(
      ["third", "second"].map((name) => ({ kind: "run.blocked", runId: idOf(name), data: { follows: idOf("lead") } })),
    );

    await kit.succeed(claim, [output("k"), output("log", { name: "log" })]);

    expect(await kit.states()).toEqual({ lead: "complete", second: "cached", third: "cached", after: "queued" });
    for (const name of ["second", "third"]) {
      expect(await taskOf(kit, name)).toMatchObject({ cachedFrom: idOf("lead"), follows: undefined });
      expect(await outputsOf(kit, name)).toEqual(
        (await outputsOf(kit, "lead")).map((one) => ({ ...one, run: idOf(name) })),
      );
    }
    expect(await taskOf(kit, "second")).toMatchObject({ inputs: { second: true } });
    await kit.succeed(await kit.claim());
    expect(await kit.store.group(group)).toMatchObject({ state: "complete", epoch: 1 });
  });

  it.each(OWN_FAILURES.map((code) => ({ code })))(
    "lets nobody repeat what failed by itself: $code",
    async ({ code }) => {
      const { kit, group, claim } = await startFlight();

      await kit.fail(claim, { code, message: "no luck" });

      expect(await kit.states()).toEqual({ lead: "failed", second: "skipped", third: "skipped", after: "skipped" });
      const reason = {
        code: "needs_failed",
        message: `${idOf("lead").slice(0, 8)} computes the same and failed`,
        because: idOf("lead"),
      };
      expect(await taskOf(kit, "third")).toMatchObject({ reason, cacheKey: "k", follows: undefined });
      expect(await taskOf(kit, "after")).toMatchObject({ reason });
      expect(await kit.store.group(group)).toMatchObject({ state: "failed" });
    },
  );

  it.each(OTHER_FAILURES.map((code) => ({ code })))(
    "lets the oldest follower compute what nobody knows: $code",
    async ({ code }) => {
      const { kit, claim } = await startFlight();

      await kit.fail(claim, { code, message: "no luck" });

      expect(await kit.states()).toEqual({ lead: "failed", second: "queued", third: "blocked", after: "blocked" });
      expect(await taskOf(kit, "third")).toMatchObject({ follows: idOf("second") });
      await kit.succeed(await kit.claim(), [output("k")]);
      expect(await kit.states()).toMatchObject({ second: "complete", third: "cached", after: "queued" });
      expect(await taskOf(kit, "third")).toMatchObject({ cachedFrom: idOf("second") });
    },
  );

  it.each([
    { signal: "SIGSEGV", second: "skipped" },
    { signal: "SIGABRT", second: "skipped" },
    { signal: "SIGTERM", second: "queued" },
    { signal: "SIGKILL", second: "queued" },
  ] as const)("tells $signal that a program brings upon itself from one that is sent", async ({ signal, second }) => {
    const { kit, claim } = await startFlight();

    const reason = { code: "signal", message: `killed by ${signal}` } as const;
    await kit.store.finish(claim.task.id, claim.lease.token, { state: "failed", reason, signal }, 0);

    expect(await kit.states()).toMatchObject({ lead: "failed", second });
  });

  it("has the caller look again when the leader has succeeded meanwhile", async () => {
    const { kit, claim } = await startFlight();
    await kit.submit({ late: stage() });
    expect(await kit.store.hits("k", MACHINE, 10)).toEqual([]);
    await kit.succeed(claim, [output("k")]);

    expect(await resolve(kit, "late", keyed("k"))).toEqual({ kind: "overlooked" });

    expect(await taskOf(kit, "late")).toMatchObject({ state: "blocked", isUnresolved: true });
    expect(await resolve(kit, "late", keyed("k", { hit: idOf("lead") }))).toEqual({
      kind: "cached",
      from: idOf("lead"),
    });
  });

  it("hands over when the leader is stopped, or its outputs are not known", async () => {
    const { kit, claim } = await startFlight();
    await kit.store.requestStop([idOf("lead")], "graceful", STOPPED_BY_USER);
    await kit.fail(claim);
    expect(await kit.states()).toMatchObject({ lead: "stopped", second: "queued", third: "blocked" });

    await kit.succeed(await kit.claim());

    expect(await kit.states()).toMatchObject({ second: "complete", third: "queued", after: "queued" });
    expect(await taskOf(kit, "second")).toMatchObject({ cacheKey: undefined });
    expect(await kit.store.hits("k", MACHINE, 10)).toEqual([]);
  });

  it("hands over when the leader is abandoned before it starts", async () => {
    const kit = await start();
    await kit.submit({ lead: stage(), second: stage(), third: stage() });
    for (const name of ["lead", "second", "third"]) await resolve(kit, name, keyed("k"));

    await kit.store.requestStop([idOf("lead")], "graceful", STOPPED_BY_USER);
    expect(await kit.states()).toEqual({ lead: "abandoned", second: "queued", third: "blocked" });

    await kit.store.requestStop([idOf("second"), idOf("third")], "graceful", STOPPED_BY_USER);
    expect(await kit.states()).toEqual({ lead: "abandoned", second: "abandoned", third: "abandoned" });
  });

  it("keeps the followers of a leader that is tried again or given back", async () => {
    const kit = await start();
    await kit.submit({ lead: stage({ retry: { maxAttempts: 3, baseMs: 0 } }), second: stage() });
    const first = await claimStage(kit, "lead", keyed("k"));
    await resolve(kit, "second", keyed("k"));

    expect(await kit.fail(first)).toBe("queued");
    const again = await kit.claim();
    expect(again.task).toMatchObject({ id: idOf("lead"), cacheKey: "k", inputs: { data: "k" } });
    expect(await kit.store.release(again.task.id, again.lease.token)).toBe(true);
    expect(await taskOf(kit, "second")).toMatchObject({ state: "blocked", follows: idOf("lead") });

    await kit.succeed(await kit.claim(), [output("k")]);
    expect(await kit.stateOf("second")).toBe("cached");
  });

  it("lets a follower go without touching the others", async () => {
    const { kit, claim } = await startFlight();

    await kit.store.requestStop([idOf("second")], "graceful", STOPPED_BY_USER);

    expect(await kit.states()).toEqual({ lead: "running", second: "abandoned", third: "blocked", after: "skipped" });
    expect(await taskOf(kit, "second")).toMatchObject({ follows: undefined });
    await kit.succeed(claim, [output("k")]);
    expect(await kit.stateOf("third")).toBe("cached");
  });

  it("abandons a whole flight that is stopped at once", async () => {
    const { kit, group, claim } = await startFlight();

    await kit.store.requestStop(["lead", "second", "third", "after"].map(idOf), "graceful", STOPPED_BY_USER);
    await kit.fail(claim);

    expect(await kit.states()).toEqual({
      lead: "stopped",
      second: "abandoned",
      third: "abandoned",
      after: "abandoned",
    });
    expect(await kit.store.group(group)).toMatchObject({ state: "stopped", epoch: 1 });
  });

  it("opens the followers again with the leader that failed, and resolves them anew", async () => {
    const { kit, claim } = await startFlight();
    await kit.fail(claim);

    const retried = await kit.store.retry([idOf("lead")]);

    expect(retried.map((task) => task.spec.name)).toEqual(["lead", "second", "third", "after"]);
    expect(await unresolved(kit)).toEqual(["lead", "second", "third"]);
    for (const name of ["lead", "second"]) {
      expect(await taskOf(kit, name)).toMatchObject({
        state: "blocked",
        isUnresolved: true,
        cacheKey: undefined,
        follows: undefined,
        inputs: undefined,
        reason: undefined,
      });
    }
    expect(await resolve(kit, "third", keyed("k"))).toEqual({ kind: "queued" });
    expect(await resolve(kit, "lead", keyed("k"))).toEqual({ kind: "follows", leader: idOf("third") });
  });

  it("opens a follower alone", async () => {
    const { kit, claim } = await startFlight();
    await kit.fail(claim);

    expect((await kit.store.retry([idOf("second")])).map((task) => task.spec.name)).toEqual(["second", "after"]);

    expect(await resolve(kit, "second", keyed("k"))).toEqual({ kind: "queued" });
    expect(await kit.states()).toEqual({ lead: "failed", second: "queued", third: "skipped", after: "blocked" });
  });

  it("knows one leader for each key and machine, whoever writes", async () => {
    const kit = await start();
    await kit.submit({ lead: stage(), fresh: stage(), far: stage({ machine: "box" }) });
    await resolve(kit, "lead", keyed("k"));
    await resolve(kit, "fresh", keyed("k", { mode: "refresh" }));

    expect(await resolve(kit, "far", keyed("k"))).toEqual({ kind: "queued" });
    await expect(kit.fixture.execute(`UPDATE tasks SET is_leader = 1 WHERE id = '${idOf("fresh")}'`)).rejects.toThrow(
      /./,
    );
  });
}
