import { spawn } from "node:child_process";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import type { WorkerInfo } from "../../src/queue/queue-store.ts";
import { type AexpProcess, isRunning, startAexp } from "../helpers/aexp-process.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeQueueProject, type QueueProject } from "../helpers/queue-project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const FAST = { AEXP_POLL_S: "0.02" };

function start(project: QueueProject, ...flags: readonly string[]): AexpProcess {
  return startAexp(project.root, ["worker", "start", ...flags], FAST);
}

/** Waits until so many attempts are under way, and gives the worker that has them. */
async function untilRunning(project: QueueProject, count: number): Promise<WorkerInfo> {
  const { store } = project.ports;
  return await waitUntil(`${count} running`, async () => {
    const running = await store.tasks({ states: ["running"] });
    const started = running.filter(({ id }) => project.repo.runs.read(id).document.facts.status === "running");
    return started.length === count && (await store.workers()).at(-1);
  });
}

async function statesOf(project: QueueProject): Promise<readonly string[]> {
  return (await project.ports.store.tasks({})).map(({ state }) => state);
}

/** What a worker in the background has told about itself. The test ends it. */
async function detach(project: QueueProject, ...flags: readonly string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await startAndWait(project, "--detach", "--json", ...flags);
  const told: Record<string, unknown> = JSON.parse(stdout || stderr);
  const { pid } = told;
  onTestFinished(() => {
    if (typeof pid === "number" && isRunning(pid)) process.kill(pid, "SIGKILL");
  });
  return told;
}

async function startAndWait(project: QueueProject, ...flags: readonly string[]) {
  const worker = start(project, ...flags);
  const { exitCode } = await worker.ended;
  return { ...worker.printed, exitCode };
}

describe("aexp worker start", () => {
  it("executes a sweep until nothing is left, a line for each start and end, and sums up", async () => {
    const project = await makeQueueProject();
    const ids = await project.add("--sweep", "seed=0..2", "--command", "test {seed} != 1");

    const { stdout, stderr, exitCode } = await startAndWait(
      project,
      "--until-empty",
      "--slots",
      "2",
      "--name",
      "night",
    );

    expect(stderr).toBe("");
    expect(exitCode).toBe(1);
    const lines = stdout.trimEnd().split("\n");
    const instant = String.raw`^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ `;
    expect(lines[0]).toMatch(new RegExp(`${instant}worker night-[0-9a-f]{6} \\(process \\d+\\) serves \\*=2$`));
    for (const id of ids) {
      const own = lines.slice(1, 7).filter((line) => line.includes(id.slice(0, 8)));
      expect(own).toEqual([
        expect.stringMatching(new RegExp(`${instant}${id.slice(0, 8)} E001 started$`)),
        expect.stringMatching(new RegExp(`${instant}${id.slice(0, 8)} E001 (complete|failed) after`)),
      ]);
    }
    const failed = ids[1]?.slice(0, 8);
    expect(lines.slice(7)).toEqual([
      expect.stringMatching(/^2 complete, 1 failed in /),
      `  ${failed} E001: exit 1`,
      `Why: aexp runs show ${failed}   Again: aexp queue retry ${failed}`,
      "Results: aexp runs compare --experiment E001",
    ]);
    expect(await project.ports.store.workers()).toEqual([]);
  });

  it("prints one document under --json, and a document a line under --ndjson", async () => {
    const project = await makeQueueProject();
    const [bad] = await project.add("--sp", "n=1", "--command", "exit 3");
    const first = await startAndWait(project, "--until-empty", "--json");
    expect(JSON.parse(first.stdout)).toMatchObject({
      worker_id: expect.stringMatching(/^[\w.-]+-[0-9a-f]{6}$/),
      complete: 0,
      failed: 1,
      ended: "empty",
      failed_runs: [{ job_id: bad, attempt: 1, reason: { code: "exit_nonzero", message: "exit 3" } }],
    });
    expect(first.stderr).toContain("failed after");
    expect(first.exitCode).toBe(1);

    const [good] = await project.add("--sp", "n=2", "--command", "true");
    const second = await startAndWait(project, "--until-empty", "--ndjson");
    const events = second.stdout
      .trimEnd()
      .split("\n")
      .map((line): unknown => JSON.parse(line));
    expect(events).toEqual([
      expect.objectContaining({ event: "up", pools: "*=1" }),
      expect.objectContaining({ event: "started", job_id: good, attempt: 1, adopted: false }),
      expect.objectContaining({ event: "ended", job_id: good, status: "complete", exit_code: 0 }),
      expect.objectContaining({ event: "summary", complete: 1, failed: 0 }),
    ]);
    expect([second.stderr, second.exitCode]).toEqual(["", 0]);
  });

  it("at a first signal starts no more and waits, and at a second one gives back what runs", async () => {
    const project = await makeQueueProject();
    await project.add("--sweep", "n=0..2", "--command", "sleep 600");
    const worker = start(project, "--slots", "2");
    await untilRunning(project, 2);

    worker.child.kill("SIGTERM");
    await waitUntil("the worker to drain", () => worker.printed.stdout.includes("ending: 2 attempts still run"));
    await waitUntil("its report", async () => (await project.ports.store.workers())[0]?.state === "draining");
    expect(await statesOf(project)).toEqual(["running", "running", "queued"]);
    worker.child.kill("SIGINT");

    expect(await worker.ended).toMatchObject({ exitCode: 130 });
    expect(await statesOf(project)).toEqual(["queued", "queued", "queued"]);
    expect(worker.printed.stdout).toContain("0 complete, 2 given back in ");
    expect(worker.printed.stdout).toContain("What is left stays queued: aexp worker start goes on with it");
  });

  it("gives back what still runs after --drain, with exit code 0", async () => {
    const project = await makeQueueProject();
    await project.add("--sp", "n=1", "--command", "sleep 600");
    const worker = start(project, "--drain", "300ms");
    await untilRunning(project, 1);
    worker.child.kill("SIGHUP");
    expect(await worker.ended).toMatchObject({ exitCode: 0 });
    expect(await statesOf(project)).toEqual(["queued"]);
  });

  it("serves statistics on this machine while it works", async () => {
    const project = await makeQueueProject();
    await project.add("--sp", "n=1", "--command", "sleep 600");
    const worker = start(project, "--metrics-port", "0", "--drain", "1ms");
    await untilRunning(project, 1);
    const url = /http:\/\/127\.0\.0\.1:\d+\/metrics/.exec(worker.printed.stdout)?.[0] ?? "";
    expect(await (await fetch(url)).text()).toContain('aexp_queue_tasks{lane="default",state="running"} 1\n');
    worker.child.kill("SIGTERM");
    await worker.ended;
    await expect(fetch(url)).rejects.toThrow("fetch failed");
  });

  it.each([
    [["--pools", "trian=1"], "queue.pools_invalid", 'there is no kind "trian". Did you mean "train"?'],
    [["--pools", "train=0"], "queue.pools_invalid", '"train=0" is no pool'],
    [["--lanes", "defualt"], "queue.unknown_lane", 'there is no lane "defualt". Did you mean "default"?'],
    [["--slots", "2", "--pools", "*=1"], "cli.usage", "--pools"],
    [["--drain", "soon"], "cli.usage", '"soon" is not a duration'],
    [["--name", "a/b"], "cli.usage", '"a/b" is no name for a worker'],
  ])("refuses %j", async (flags, code, message) => {
    const project = await makeQueueProject();
    await project.add("--sp", "n=1", "--kind", "train", "--command", "true");
    const { stdout, exitCode } = await runCli(project.root, ["worker", "start", ...flags, "--json"]);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code, message: expect.stringContaining(message) } });
    expect(exitCode).toBe(2);
    expect(await statesOf(project)).toEqual(["queued"]);
  });

  it("refuses to start inside a run", async () => {
    const project = await makeQueueProject();
    const env = { AEXP_WORKER: "night-1a2b3c" };
    for (const flags of [[], ["--detach"]]) {
      const { stderr, exitCode } = await runCli(project.root, ["worker", "start", ...flags], { env });
      expect(stderr).toContain("this is a run of worker night-1a2b3c, and a run starts no workers");
      expect(exitCode).toBe(2);
    }
  });
});

describe("a worker in the background", () => {
  it("is listed, keeps a log, and ends when it is told to", async () => {
    const project = await makeQueueProject();
    const { root } = project;
    const [id] = await project.add("--sp", "n=1", "--command", "sleep 600");
    const told = await detach(project, "--name", "night");
    expect(told).toMatchObject({ state: "up", machine: project.repo.machineLabel });
    const { worker_id: workerId, pid, log } = told;
    const running = await untilRunning(project, 1);
    expect(running).toMatchObject({ id: workerId, pid });

    expect(await runCliJson(root, ["worker", "list"])).toMatchObject([
      { worker_id: workerId, pid, pools: "*=1", state: "up", alive: true, running: [id] },
    ]);
    expect((await runCli(root, ["worker", "list"])).stdout).toMatch(/^night-[0-9a-f]{6} .* up .*$/m);
    await waitUntil("its log", async () =>
      (await runCli(root, ["worker", "logs", "nig"])).stdout.includes("E001 started"),
    );
    expect(String(log)).toContain(join(".aexp", "state"));

    const asked = await runCli(root, ["worker", "stop", "night"]);
    expect(asked.stdout).toBe(`${String(workerId)} starts nothing more, and ends after what it runs\n`);
    await waitUntil("draining", async () => (await project.ports.store.workers())[0]?.state === "draining");
    const again = await runCli(root, ["worker", "stop", "night"]);
    expect(again.stdout).toBe(`${String(workerId)} is ending already; --now stops what it runs\n`);
    expect(await statesOf(project)).toEqual(["running"]);

    const follower = startAexp(root, ["worker", "logs", "night", "--follow"]);
    expect(await runCliJson(root, ["worker", "stop", "night", "--now"])).toEqual([
      { worker_id: workerId, outcome: "asked" },
    ]);
    expect(await follower.ended).toMatchObject({ exitCode: 0 });
    expect(follower.printed.stdout).toContain("1 given back");
    expect(await statesOf(project)).toEqual(["queued"]);
    expect((await runCli(root, ["worker", "list"])).stdout).toBe("No workers. `aexp worker start` starts one.\n");
    expect(await runCliJson(root, ["worker", "logs", "night"])).toMatchObject({ worker_id: workerId, path: log });
  });

  it("tells at its start what it cannot do, and at once what it has done", async () => {
    const project = await makeQueueProject();
    expect(await detach(project, "--lanes", "gpu")).toMatchObject({
      error: { code: "worker.start_failed", message: 'the worker could not work: there is no lane "gpu".' },
    });
    const nothing = await detach(project, "--until-empty");
    expect(["up", "ended"]).toContain(nothing["state"]);
    await waitUntil("its end", async () => (await project.ports.store.workers()).length === 0);
  });

  it("leaves no more logs than the last twenty", async () => {
    const project = await makeQueueProject();
    const { openWorkerLogs } = await import("../../src/wiring/open-worker-logs.ts");
    const logs = openWorkerLogs(project.repo);
    for (let n = 10; n < 40; n += 1) logs.create(`w-${n}`, { newest: 20, workerIds: ["w-10"] });
    const kept = readdirSync(join(project.root, ".aexp", "state")).filter((name) => name.startsWith("worker-"));
    expect(kept).toHaveLength(21);
    expect(kept).toContain("worker-w-10.log");
    expect(() => logs.create("w-39", { newest: 20, workerIds: [] })).toThrow("EEXIST");
  });
});

/** Reports a worker whose process is that of the test, unless the patch says otherwise. */
async function report(project: QueueProject, patch: Partial<WorkerInfo>): Promise<void> {
  const { pid, start_fingerprint: startFingerprint, boot_id: bootId } = project.ports.executor.self;
  const machine = project.repo.machineLabel;
  const startedAt = Date.now() - 3_600_000;
  const info = { id: "w-1", machine, pid, startFingerprint, bootId, pools: "*=1", state: "up", startedAt } as const;
  await project.ports.store.reportWorker({ ...info, ...patch });
}

describe("workers that cannot be asked", () => {
  it("are named with what to do: of another machine, and dead ones", async () => {
    const project = await makeQueueProject();
    await report(project, { id: "far-1", machine: "cluster", pid: 77 });
    await report(project, { id: "dead-1", startFingerprint: "1" });
    const listed = await runCli(project.root, ["worker", "list"]);
    expect(listed.stdout).toMatch(/^dead-1 .* dead /m);
    expect(listed.stdout).toMatch(/^far-1 +cluster +77 +\*=1 +up /m);

    const { stdout, stderr, exitCode } = await runCli(project.root, ["worker", "stop", "--all", "--now"]);
    expect(stdout).toContain(
      "dead-1 is dead already; the next worker, or `aexp queue recover`, settles what it left\n",
    );
    expect(stderr).toBe("error: far-1 is a process of cluster: there, `kill 77` or `aexp worker stop far-1` ends it\n");
    expect(exitCode).toBe(3);
    expect((await runCli(project.root, ["worker", "stop", "far-1"])).exitCode).toBe(2);
  });

  it("and unknown names are refused with the nearest", async () => {
    const project = await makeQueueProject();
    await report(project, { id: "night-aaaaaa", startFingerprint: "1" });
    await report(project, { id: "night-bbbbbb", startFingerprint: "1" });
    const stop = async (...words: readonly string[]) => runCli(project.root, ["worker", "stop", ...words]);
    expect(await stop("night-aaaaab")).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('there is no worker "night-aaaaab". Did you mean "night-aaaaaa"?'),
    });
    expect((await stop("nig")).stderr).toContain('"nig" could be any of 2 workers: night-aaaaaa, night-bbbbbb');
    expect((await stop()).stderr).toContain("no worker is named");
    expect((await stop("--all", "night-a")).stderr).toContain("workers are named, and --all is given as well");
    const logs = await runCli(project.root, ["worker", "logs", "night-a"]);
    expect(logs.stderr).toContain("worker night-aaaaaa keeps no log here");
    expect(logs.exitCode).toBe(2);
  });

  it("are put in doubt when they were not heard of for long", async () => {
    const project = await makeQueueProject();
    const { clock } = project.repo;
    const { listWorkers } = await import("../../src/app/list-workers.ts");
    const { renderWorkers } = await import("../../src/cli/render/workers.ts");
    await report(project, { id: "w-1" });
    const { store, executor } = project.ports;
    const now = clock.nowMs() + 200_000;
    const later = { ...store, now: async () => now, workers: () => store.workers(), tasks: async () => [] };
    const rows = await listWorkers(project.repo, later, executor.self);
    const text = renderWorkers(rows, { width: Infinity, color: false, isTTY: true, nowMs: now, isUnicode: true });
    expect(text).toContain("up? last seen 3 min ago");
  });

  it("no signal goes to a process that only has the number of a worker", async () => {
    const project = await makeQueueProject();
    // No worker itself: a living one would settle the dead one first.
    const other = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
    onTestFinished(() => void other.kill("SIGKILL"));
    const pid = Number(other.pid);
    await report(project, { id: "old-1", pid, startFingerprint: "1" });
    expect(await runCliJson(project.root, ["worker", "stop", "old-1", "--now"])).toEqual([
      { worker_id: "old-1", outcome: "dead" },
    ]);
    expect(isRunning(pid)).toBe(true);
  });
});

describe("the log of a worker", () => {
  it("says who works, and is read by nobody else", async () => {
    const project = await makeQueueProject();
    const told = await detach(project, "--until-empty");
    const text = await waitUntil("its end", () => {
      const log = readFileSync(String(told["log"]), "utf8");
      return log.includes("Nothing to do.") && log;
    });
    expect(text).toContain(`worker ${String(told["worker_id"])} (process ${String(told["pid"])}) serves *=1`);
    expect(statSync(String(told["log"])).mode & 0o777).toBe(0o600);
  });
});
