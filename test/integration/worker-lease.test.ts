import { existsSync, readFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import type { JobId } from "../../src/run/job-id.ts";
import { isRunning } from "../helpers/aexp-process.ts";
import { expectSettled, untilDelivered } from "../helpers/queue-audit.ts";
import { makeQueueProject, type QueueProject } from "../helpers/queue-project.ts";
import { queueRuns, type TestRun } from "../helpers/queue-runs.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { databaseOf, holdStill, startWorker, untilTold } from "../helpers/worker-process.ts";

/** Says which process it is, and does not end by itself but in later attempts. */
const LONG_AT_FIRST = 'echo $$ >> "$AEXP_JOB_WORKSPACE/pids"; [ "$AEXP_ATTEMPT" -gt 1 ] || exec sleep 300';

async function queueOne(
  project: QueueProject,
  run: Partial<TestRun> = {},
): Promise<{ id: JobId; untilPids: (count: number) => Promise<readonly number[]> }> {
  const all = { only: { command: LONG_AT_FIRST, graceMs: 200, retry: { maxAttempts: 2, baseMs: 1 }, ...run } };
  const { only } = await queueRuns(project.repo, project.ports.store, all);
  if (only === undefined) throw new Error("nothing was queued");
  const path = join(project.repo.runs.workspaceOf(only), "pids");
  return {
    id: only,
    untilPids: (count) =>
      waitUntil(`${count} programs`, () => {
        const pids = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1).map(Number) : [];
        return pids.length >= count && pids;
      }),
  };
}

describe("a worker that was stopped for longer than its lease", () => {
  it("finds its run settled by another worker, and writes nothing", async () => {
    const project = await makeQueueProject();
    const { store } = project.ports;
    const { id, untilPids } = await queueOne(project);
    const stopped = startWorker(project.root, { id: "stopped" });
    const [pid = 0] = await untilPids(1);
    await holdStill(project.root, stopped);

    const other = startWorker(project.root, { id: "other" });
    await untilTold(other, "recovered");
    expect((await other.ended).exitCode).toBe(0);
    const settled = await store.task(id);
    expect(settled).toMatchObject({ state: "failed", reason: { code: "lost" } });
    expect(isRunning(pid)).toBe(false);
    const document = project.repo.runs.read(id).document.facts;
    stopped.child.kill("SIGCONT");

    expect((await stopped.ended).exitCode).toBe(0);
    expect(stopped.told("lease_lost")).toMatchObject([{ jobId: id }]);
    expect(stopped.told("ended")).toEqual([]);
    expect(stopped.told("summary")).toMatchObject([{ complete: 0, failed: 0, leasesLost: 1 }]);
    expect(await store.task(id)).toEqual(settled);
    expect(project.repo.runs.read(id).document.facts).toEqual(document);
    await untilDelivered(project.root, project.ports.store);
    await expectSettled(project.repo, store);
  });

  it("leaves the next attempt alone, which another worker executes", async () => {
    const project = await makeQueueProject();
    const { store } = project.ports;
    await store.setLane("default", { onLost: "requeue" });
    const { id, untilPids } = await queueOne(project);
    const stopped = startWorker(project.root, { id: "stopped" });
    const [pid = 0] = await untilPids(1);
    await holdStill(project.root, stopped);

    const other = startWorker(project.root, { id: "other" });
    await untilPids(2);
    expect(isRunning(pid)).toBe(false);
    stopped.child.kill("SIGCONT");

    expect((await other.ended).exitCode).toBe(0);
    expect((await stopped.ended).exitCode).toBe(0);
    expect(stopped.told("lease_lost")).toMatchObject([{ jobId: id, attempt: 1 }]);
    expect(await untilPids(2)).toHaveLength(2);
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, store)).toMatchObject([{ state: "complete", attempt: 2 }]);
  });

  it("ends its program when the lease went to somebody who left it running", async () => {
    const project = await makeQueueProject();
    const { store } = project.ports;
    const { id, untilPids } = await queueOne(project);
    const stopped = startWorker(project.root, { id: "stopped" });
    const [pid = 0] = await untilPids(1);
    await holdStill(project.root, stopped);
    const before = await store.task(id);
    // What a worker does that cannot see this machine's processes.
    await store.adopt(id, before?.lease?.token ?? "", { workerId: "far", token: "far-token", leaseMs: 60_000 });
    stopped.child.kill("SIGCONT");

    await untilTold(stopped, "lease_lost");

    expect(isRunning(pid)).toBe(false);
    expect(await store.task(id)).toMatchObject({ state: "running", lease: { token: "far-token" }, attempt: 1 });
    expect(project.repo.runs.read(id).document.facts.status).toBe("running");
  });

  it("ends its program and says that it is lost when nobody took the lease", async () => {
    const project = await makeQueueProject();
    const { store } = project.ports;
    const { untilPids } = await queueOne(project);
    const stopped = startWorker(project.root, { id: "stopped" });
    const [pid = 0] = await untilPids(1);
    await holdStill(project.root, stopped);
    await waitUntil("the end of the lease", async () => (await store.expired(undefined, 1)).length === 1);
    stopped.child.kill("SIGCONT");

    expect((await stopped.ended).exitCode).toBe(0);
    expect(isRunning(pid)).toBe(false);
    expect(stopped.told("lease_lost")).toHaveLength(1);
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, store)).toMatchObject([
      { state: "failed", reason: { code: "lost" }, attempt: 1 },
    ]);
  });
});

describe("a worker that cannot write the database", () => {
  it("ends its programs while it is cut off, and the run is lost", async () => {
    const project = await makeQueueProject();
    const { id, untilPids } = await queueOne(project);
    const worker = startWorker(project.root, { id: "cut-off" });
    const [pid = 0] = await untilPids(1);
    await untilTold(worker, "started");
    const lock = new DatabaseSync(databaseOf(project.root), { timeout: 5000 });
    onTestFinished(() => lock.close());
    lock.exec("BEGIN IMMEDIATE");

    await waitUntil("the end of the program", () => !isRunning(pid));
    expect(await project.ports.store.task(id)).toMatchObject({ state: "running", attempt: 1 });
    lock.exec("ROLLBACK");

    expect((await worker.ended).exitCode).toBe(0);
    expect(worker.told("problem").map(({ message }) => message)).toContain(
      "no lease could be renewed in time: the programs that run are ended",
    );
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([
      { state: "failed", reason: { code: "lost" }, attempt: 1 },
    ]);
  });

  it("goes on where it was when that is over soon enough", async () => {
    const project = await makeQueueProject();
    const { id, untilPids } = await queueOne(project, {
      command: 'echo $$ >> "$AEXP_JOB_WORKSPACE/pids"; sleep 0.5',
    });
    const worker = startWorker(project.root, { id: "cut-off", env: { AEXP_LEASE_S: "60" } });
    await untilPids(1);
    await untilTold(worker, "started");
    const lock = new DatabaseSync(databaseOf(project.root), { timeout: 5000 });
    onTestFinished(() => lock.close());
    lock.exec("BEGIN IMMEDIATE");
    const end = join(project.repo.runs.workspaceOf(id), ".aexp", "attempt-1", "exit.json");
    await waitUntil("the end of the program", () => existsSync(end));
    lock.exec("ROLLBACK");

    expect((await worker.ended).exitCode).toBe(0);
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([{ state: "complete", attempt: 1 }]);
  });
});
