import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { work } from "../../src/app/work.ts";
import { readQueueStats, QueueStatsReader } from "../../src/app/read-queue-stats.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { startAexp } from "../helpers/aexp-process.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";
import { makeQueueProject, type QueueProject } from "../helpers/queue-project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** Queues one run. */
async function addOne(project: QueueProject, ...flags: string[]): Promise<JobId> {
  const [id] = await project.add(...flags);
  if (id === undefined) throw new Error("nothing was queued");
  return id;
}

/** What the program prints without the parts that differ from call to call. */
function why(project: QueueProject, id: JobId): Promise<unknown> {
  return runCliJson(project.root, ["why", id]);
}

describe("aexp queue list", () => {
  it("filters, orders and prints as text, JSON, lines of JSON and CSV", async () => {
    const project = await makeQueueProject();
    const { root, add, repo, ports, workerOptions } = project;
    const [done] = await add("--sp", "n=0", "--tag", "night", "--command", "true");
    await work(repo, ports, workerOptions());
    const ids = await add("--sweep", "n=1..2", "--tag", "night", "--command", "true");
    const [other] = await add("--sp", "n=3", "--tag", "day", "--priority", "5", "--command", "true");

    const list = async (...flags: string[]): Promise<unknown> => runCliJson(root, ["queue", "list", ...flags]);

    expect(await list()).toMatchObject([
      { job_id: other, state: "queued", effective_priority: 5, waits_for: { kind: "worker" } },
      { job_id: ids[0], tag: "night" },
      { job_id: ids[1] },
      { job_id: done, state: "complete", exit_code: 0 },
    ]);
    expect(await list("--tag", "night", "--state", "queued")).toHaveLength(2);
    expect(await list("--state", "complete,failed")).toHaveLength(1);
    expect(await list("--lane", "gpu")).toEqual([]);
    expect(await list("--experiment", "E002")).toEqual([]);
    expect(await list("--sort", "-sp.n", "--limit", "1")).toMatchObject([{ job_id: other }]);
    const lines = (await runCli(root, ["queue", "list", "--ndjson"])).stdout.trimEnd().split("\n");
    expect(lines.map((line): unknown => JSON.parse(line))).toHaveLength(4);
    const csv = (await runCli(root, ["queue", "list", "--csv", "--columns", "id,sp.n,state"])).stdout;
    expect(csv.split("\r\n")[1]).toBe(`${other},3,queued`);
    expect((await runCli(root, ["queue", "list"])).stdout).toContain("3 queued, 1 complete");
  });

  it("refuses words that it does not know, naming the nearest", async () => {
    const { root } = await makeQueueProject();

    const state = await runCli(root, ["queue", "list", "--state", "compleet"]);
    const column = await runCli(root, ["queue", "list", "--columns", "id,stat"]);

    expect([state.exitCode, column.exitCode]).toEqual([2, 2]);
    expect(state.stderr).toContain('Did you mean "complete"?');
    expect(column.stderr).toContain('Did you mean "state"?');
  });

  it("goes on until Ctrl-C, and ends well", async () => {
    const project = await makeQueueProject();
    const id = await addOne(project, "--sp", "n=1", "--command", "true");
    const { repo, ports, root, workerOptions } = project;
    const watcher = startAexp(root, ["queue", "list", "--watch"]);
    await waitUntil("the first line", () => watcher.printed.stdout.includes("queued"));
    await work(repo, ports, workerOptions());
    await waitUntil("the change", () => watcher.printed.stdout.includes("complete"));

    watcher.child.kill("SIGINT");

    expect(await watcher.ended).toEqual({ exitCode: 0, signal: null });
    expect(watcher.printed.stdout).toMatch(new RegExp(`Z ${id.slice(0, 8)} E001 complete\n$`));
  });

  it("makes no database where nothing was ever queued", async () => {
    const { root } = await makeProject();

    expect((await runCli(root, ["queue", "list"])).stdout).toBe("Nothing is queued.\n");
    expect(await runCliJson(root, ["queue", "list"])).toEqual([]);
    expect(await runCliJson(root, ["status"])).toMatchObject({ queue: null });
    expect((await runCli(root, ["doctor"])).stdout).toContain("nothing was ever queued here");
    expect(existsSync(join(root, ".aexp", "state"))).toBe(false);
  });
});

describe("aexp why", () => {
  it("says what a run waits for", async () => {
    const project = await makeQueueProject();
    const { ports } = project;
    await ports.store.setLane("gpu", { maxRunning: 0 });
    const first = await addOne(project, "--sp", "n=1", "--lane", "gpu", "--command", "true");
    const second = await addOne(project, "--sp", "n=2", "--needs", first, "--command", "true");
    const third = await addOne(project, "--sp", "n=3", "--resource", "db", "--command", "true");

    expect(await why(project, first)).toMatchObject({
      status: "queued",
      state: "queued",
      why: "its lane gpu lets nothing run; `aexp lane set gpu --max-running 1` changes that",
      waits_for: { kind: "lane_closed", lane: "gpu" },
    });
    expect(await why(project, second)).toMatchObject({
      status: "queued",
      state: "blocked",
      why: `it waits for ${first.slice(0, 8)} (queued)`,
      waits_for: { kind: "needs", runs: [first] },
    });
    expect(await why(project, third)).toMatchObject({ waits_for: { kind: "worker" } });
    const [key = ""] = (await ports.store.task(third))?.spec.resources ?? [];
    await ports.store.acquireLock(key, "me", 60_000, "ana on laptop");
    expect(await why(project, third)).toMatchObject({ waits_for: { kind: "lock", key, holder: "ana on laptop" } });
    await ports.store.setLane("gpu", { maxRunning: 1, isPaused: true });
    expect((await runCli(project.root, ["why", first])).stdout).toBe(
      `Run ${first.slice(0, 8)} is queued: its lane gpu is paused; \`aexp queue resume gpu\` lets it go on.\n`,
    );
  });

  it("says why a run ran, failed or was skipped", async () => {
    const project = await makeQueueProject();
    const { repo, ports, root, workerOptions } = project;
    const good = await addOne(project, "--sp", "n=1", "--command", "true");
    const bad = await addOne(project, "--sp", "n=2", "--command", "exit 3");
    const skipped = await addOne(project, "--sp", "n=3", "--needs", bad, "--command", "true");
    const removed = await addOne(project, "--sp", "n=4", "--command", "true");
    await runCli(root, ["queue", "remove", removed]);
    await work(repo, ports, workerOptions());

    expect(await why(project, good)).toMatchObject({
      status: "complete",
      why: expect.stringMatching(/^\S+ queued it in the batch E001, and ended well after 0\.\d s$/),
    });
    expect(await why(project, bad)).toMatchObject({ why: expect.stringMatching(/^exit 3 after 0\.\d s$/) });
    expect(await why(project, skipped)).toMatchObject({
      status: "abandoned",
      state: "skipped",
      why: expect.stringContaining(`skipped because ${bad.slice(0, 8)}, which it needs, failed (exit 3)`),
    });
    expect(await why(project, removed)).toMatchObject({ why: "removed from the queue" });
  });

  it("says when a failed run is tried again, and when no attempts are left", async () => {
    const project = await makeQueueProject();
    const { repo, ports, root, workerOptions } = project;
    const id = await addOne(project, "--sp", "n=1", "--command", "exit 3");
    await runCli(root, ["queue", "remove", id]);
    const removed = await ports.store.task(id);
    if (removed === undefined) throw new Error("nothing was queued");
    const { spec, groupId, target: _, ...task } = removed;
    const retry = { ...spec.retry, maxAttempts: 2, baseMs: 4000 };
    await ports.store.submit({ id: groupId, kind: "batch", name: "E001", caller: "ana" }, [
      { ...task, spec: { ...spec, retry } },
    ]);
    const worker = work(repo, ports, workerOptions());
    await waitUntil("the first failure", async () => (await ports.store.task(id))?.failures === 1);

    expect(await why(project, id)).toMatchObject({
      status: "queued",
      why: expect.stringMatching(/^it failed once and is tried again at .*Z; the last attempt ended with: exit 3$/),
      waits_for: { kind: "time", failures: 1 },
    });
    await worker;
    expect(await why(project, id)).toMatchObject({ why: expect.stringMatching(/in attempt 2; no attempts are left$/) });
  });

  it("knows runs that the queue does not", async () => {
    const { root, repo } = await makeProject();
    await runCli(root, ["runs", "new", "--experiment", "E001", "--sp", "n=1"]);
    const [id = ""] = repo.runs.listJobIds();

    expect(await runCliJson(root, ["why", id])).toMatchObject({ status: "created" });
    await runCli(root, ["run", "--experiment", "E001", "--sp", "n=1", "--", "false"]);
    expect(await runCliJson(root, ["why", id])).toEqual({ job_id: id, status: "failed", why: "exit 1" });
    expect((await runCli(root, ["why", "ffff0000"])).exitCode).toBe(2);
  });
});

describe("aexp queue show, runs show and runs list", () => {
  it("tell needs, locks and attempts, and what a run waits for", async () => {
    const project = await makeQueueProject();
    const { root, repo, ports, workerOptions } = project;
    const first = await addOne(project, "--sp", "n=1", "--command", "exit 3");
    const second = await addOne(
      project,
      "--sp",
      "n=2",
      "--needs",
      `${first}?`,
      "--resource",
      "db",
      "--command",
      "true",
    );

    const waiting = await runCli(root, ["queue", "show", second]);
    expect(waiting.stdout).toContain(`◌ blocked: it waits for ${first.slice(0, 8)} (queued)`);
    expect(waiting.stdout).toContain(`Needs\n  ${first.slice(0, 8)}  ◷ queued, any end will do`);
    expect(waiting.stdout).toContain("  free");
    expect((await runCli(root, ["runs", "list"])).stdout).toContain(`◷ queued, waits for ${first.slice(0, 8)}`);
    expect((await runCli(root, ["runs", "show", second])).stdout).toMatch(
      new RegExp(`waits for +${first.slice(0, 8)}\n`),
    );
    expect(await runCliJson(root, ["runs", "show", second])).toMatchObject({
      status: "queued",
      waits_for: { kind: "needs", runs: [first] },
    });
    await work(repo, ports, workerOptions());

    expect(await runCliJson(root, ["queue", "show", first])).toMatchObject({
      job_id: first,
      state: "failed",
      reason: { code: "exit_nonzero", message: "exit 3" },
      command: "exit 3",
      dependents: [second],
      attempts: [{ n: 1, outcome: "failed", exit_code: 3, counted: true }],
    });
    expect((await runCli(root, ["queue", "show", first])).stdout).toMatch(/\n +1 +failed +\S+Z +0\.\d s +\S+ +exit 3/);
  });

  it("shows when a running run was last heard of", async () => {
    const project = await makeQueueProject();
    const { root, repo } = project;
    const id = await addOne(project, "--sp", "n=1", "--command", "while ! test -e go; do sleep 0.05; done");
    const runner = startAexp(root, ["queue", "run"], { AEXP_HEARTBEAT_S: "0.05" });
    await waitUntil("a heartbeat", () => repo.attempts.heartbeat(id, 1));

    expect((await runCli(root, ["runs", "show", id])).stdout).toMatch(/\n {2}last seen +\S+Z\n/);
    expect(await why(project, id)).toMatchObject({
      why: expect.stringMatching(/^attempt 1 on \S+ started .*last seen /),
    });
    writeFileSync(join(root, "go"), "");
    await runner.ended;
  });
});

describe("aexp queue stats, events, status and doctor", () => {
  it("count by lane, and read each event once", async () => {
    const project = await makeQueueProject();
    const { root, repo, ports, add, workerOptions } = project;
    await add(
      "--sweep",
      "n=1..3",
      "--retries",
      "1",
      "--command",
      "test {n} != 2 || test -e .runs/workspace/{job_id}/x",
    );
    const reader = new QueueStatsReader(ports.store);
    expect((await reader.read()).lanes).toMatchObject([{ lane: "default", queued: 3, attempts: 0 }]);
    const worker = work(repo, ports, workerOptions({ isUntilEmpty: true }));
    await waitUntil("the retry", async () =>
      (await ports.store.events(0, 1000)).some((one) => one.kind === "run.retrying"),
    );
    const [failed] = await ports.store.tasks({ states: ["queued"] });
    await runCli(root, ["queue", "remove", failed?.id ?? ""]);
    await worker;

    const stats = await readQueueStats(ports.store);

    expect(await reader.read()).toEqual({ ...stats, lanes: [expect.objectContaining({ attempts: 3 })] });
    expect(stats.lanes).toMatchObject([
      {
        queued: 0,
        active: 0,
        attempts: 3,
        retries: 1,
        leasesLost: 0,
        tasks: { complete: 2, abandoned: 1 },
        claimMs: { count: 3 },
        runMs: { count: 3 },
      },
    ]);
    expect(await runCliJson(root, ["queue", "stats"])).toMatchObject({
      lanes: [{ lane: "default", attempts: 3, retries: 1, oldest_wait_s: null }],
      outbox: { pending: 0, dead: 0 },
    });
    expect((await runCli(root, ["queue", "stats"])).stdout).toMatch(/^lane +queued +blocked +active/);
  });

  it("counts what waits for locks", async () => {
    const project = await makeQueueProject();
    const { ports } = project;
    const id = await addOne(project, "--sp", "n=1", "--resource", "db", "--command", "true");
    await addOne(project, "--sp", "n=2", "--command", "true");
    const [key = ""] = (await ports.store.task(id))?.spec.resources ?? [];
    await ports.store.acquireLock(key, "me", 60_000, "ana");

    expect((await readQueueStats(ports.store)).lanes).toMatchObject([{ queued: 2, lockWaits: 1 }]);
  });

  it("tells events in order, of one run, behind a number, and as they happen", async () => {
    const project = await makeQueueProject();
    const { root, repo, ports, add, workerOptions } = project;
    const [first, second] = await add("--sweep", "n=1..2", "--command", "true");
    const follower = startAexp(root, ["queue", "events", "--follow", "--ndjson", "--run", `${second}`]);
    await waitUntil("the first event", () => follower.printed.stdout.includes("run.queued"));
    await work(repo, ports, workerOptions());
    await waitUntil("the end", () => follower.printed.stdout.includes("run.ended"));
    follower.child.kill("SIGINT");

    expect((await follower.ended).exitCode).toBe(0);
    const followed = follower.printed.stdout.trimEnd().split("\n");
    const kinds = ["run.queued", "run.claimed", "run.started", "attempt.ended", "run.ended"];
    expect(followed.map((line): unknown => JSON.parse(line))).toMatchObject(
      kinds.map((kind) => ({ kind, run: second })),
    );
    expect(await runCliJson(root, ["queue", "events", "--run", `${first}`])).toMatchObject(
      kinds.map((kind) => ({ kind, run: first })),
    );
    const all = await runCliJson(root, ["queue", "events"]);
    const rest = await runCliJson(root, ["queue", "events", "--after", "3"]);
    expect(rest).toEqual(Array.isArray(all) ? all.slice(3) : []);
    const text = (await runCli(root, ["queue", "events", "--limit", "1"])).stdout;
    expect(text).toMatch(/^\S+Z group\.ended grp_\w+ state=complete epoch=1 kind=sweep name=E001\n$/);
  });

  it("have lines for the queue", async () => {
    const project = await makeQueueProject();
    const { root, ports } = project;
    const first = await addOne(project, "--sp", "n=1", "--command", "true");
    await addOne(project, "--sp", "n=2", "--needs", first, "--command", "true");
    await runCli(root, ["install", "--no-kb", "--yes"]);

    expect((await runCli(root, ["status"])).stdout).toContain("queue     1 queued, 1 waiting for others, 0 workers\n");
    expect(await runCliJson(root, ["status"])).toMatchObject({
      queue: { queued: 1, running: 0, waiting: 1, workers: 0, outbox: { dead: 0 } },
      next: "aexp worker start --until-empty",
    });
    expect((await runCli(root, ["doctor"])).stdout).toMatch(/✓ queue +2 runs are waiting\n/);
    await ports.store.setLane("default", { maxRunning: 0 });
    expect((await runCli(root, ["doctor"])).stdout).toContain("aexp lane set default --max-running 1");
  });

  it("say that changes could not be delivered", async () => {
    const project = await makeQueueProject();
    const { root, ports } = project;
    await addOne(project, "--sp", "n=1", "--command", "true");
    await runCli(root, ["queue", "clear", "--yes"]);
    await runCli(root, ["install", "--no-kb", "--yes"]);
    const id = await addOne(project, "--sp", "n=2", "--command", "true");
    await ports.store.requestStop([id], "graceful", { code: "removed", message: "x" });
    const [item] = await ports.store.takeOutbox(1, 60_000);
    for (let tries = 0; tries < 10; tries += 1) await ports.store.outboxFailed(item?.id ?? 0, "no space");

    expect((await runCli(root, ["status"])).stdout).toContain("✗ 1 change could not be delivered");
    const doctor = await runCli(root, ["doctor"]);
    expect(doctor.exitCode).toBe(1);
    expect(doctor.stdout).toContain("a change could not be delivered");
  });

  it("say that the database cannot be opened", async () => {
    const project = await makeQueueProject();
    await project.ports.store[Symbol.asyncDispose]();
    writeFileSync(
      join(project.root, ".aexp", "state", "aexp.db"),
      "this is no database at all, and long enough for one",
    );

    const checks = await runCliJson(project.root, ["doctor"]);

    expect(checks).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "queue", state: "bad", hint: expect.stringContaining("--rebuild") }),
      ]),
    );
  });
});
