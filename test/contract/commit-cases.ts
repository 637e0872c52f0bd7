import { expect, it } from "vitest";

import { FAILED, idOf, type OpenFixture, PORTABLE, QueueKit } from "./queue-kit.ts";

const ONE = "1".repeat(40);
const TWO = "2".repeat(40);

/** On which machines a run is executed that was submitted on "laptop". */
export function commitCases(open: OpenFixture): void {
  const start = async () => new QueueKit(await open());

  it("gives a run with a commit to its own machine, whatever that has to offer", async () => {
    const kit = await start();
    await kit.submit({ a: { commit: ONE } });

    const { task } = await kit.claim({ machine: "laptop" });

    expect(task).toMatchObject({ commit: ONE, portable: PORTABLE, target: undefined });
  });

  it("gives it to another machine only when that offers the commit, and there it stays", async () => {
    const kit = await start();
    await kit.submit({ a: { commit: ONE, retry: { maxAttempts: 3, baseMs: 0 } } });
    expect(await kit.claimsNothing({ machine: "cluster" })).toBe(true);
    expect(await kit.claimsNothing({ machine: "cluster", commits: [TWO] })).toBe(true);

    const claim = await kit.claim({ machine: "cluster", commits: [TWO, ONE] });

    expect(claim.task).toMatchObject({ machine: "laptop", target: "cluster" });
    await kit.store.finish(claim.task.id, claim.lease.token, { state: "failed", reason: FAILED }, 0);
    expect(await kit.claimsNothing({ machine: "laptop", commits: [ONE] })).toBe(true);
    const again = await kit.claim({ machine: "cluster" });
    expect(await kit.store.release(again.task.id, again.lease.token)).toBe(true);
    expect(await kit.claimsNothing({ machine: "laptop" })).toBe(true);
    expect((await kit.claim({ machine: "cluster" })).task.attempt).toBe(3);
  });

  it("keeps a run where it was executed before", async () => {
    const kit = await start();
    await kit.submit({ tried: { commit: ONE, lastAttempt: 1 }, released: { commit: ONE } });
    const claim = await kit.claim({ ids: [idOf("released")] });
    await kit.store.release(claim.task.id, claim.lease.token);

    expect(await kit.claimsNothing({ machine: "cluster", commits: [ONE] })).toBe(true);
    expect(new Set(await kit.claimAll())).toEqual(new Set(["released", "tried"]));
  });

  it("lets a target decide as well", async () => {
    const kit = await start();
    await kit.submit({ a: { commit: ONE, target: "cluster" } });

    expect(await kit.claimsNothing({ machine: "laptop", commits: [ONE] })).toBe(true);
    expect(await kit.claimsNothing({ machine: "gpu", commits: [ONE] })).toBe(true);
    expect(await kit.claimsNothing({ machine: "cluster" })).toBe(true);
    expect((await kit.claim({ machine: "cluster", commits: [ONE] })).task.target).toBe("cluster");
  });

  it("tells a machine which commits others want, and which machines there are", async () => {
    const kit = await start();
    await kit.submit({
      a: { commit: TWO },
      b: { commit: ONE },
      c: { commit: ONE },
      d: {},
      e: { commit: "3", needs: ["d"] },
    });

    expect(await kit.store.wantedCommits("laptop")).toEqual([]);
    expect(await kit.store.wantedCommits("cluster")).toEqual([ONE, TWO]);
    const { task, lease } = await kit.claim({ machine: "cluster", commits: [TWO] });
    expect(await kit.store.wantedCommits("cluster")).toEqual([ONE]);
    await kit.store.finish(task.id, lease.token, { state: "complete", reason: undefined }, 0);
    const worker = { pid: 1, startFingerprint: undefined, bootId: undefined, pools: "*=1", startedAt: 1 } as const;
    await kit.store.reportWorker({ ...worker, id: "w1", machine: "gpu", state: "up", commit: ONE, canCheckout: true });
    await kit.store.reportWorker({ ...worker, id: "w2", machine: "gpu", state: "up" });
    expect(await kit.store.machines()).toEqual(["cluster", "gpu", "laptop"]);
    expect(await kit.store.workers()).toMatchObject([{ commit: ONE, canCheckout: true }, { id: "w2" }]);
  });

  it("sends the marks of a run where it is, and its end where it was submitted as well", async () => {
    const kit = await start();
    await kit.submit({ a: { commit: ONE } });
    const claim = await kit.claim({ machine: "cluster", commits: [ONE] });
    await kit.succeed(claim);

    const marks = await kit.store.takeOutbox(10, 1000, "mark");

    expect(marks.map(({ dedupe }) => dedupe.split(":").slice(3))).toEqual([
      ["0", "queued"],
      ["1", "complete"],
      ["1", "complete", "left"],
    ]);
  });
}
