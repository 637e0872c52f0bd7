import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFailed } from "vitest";

import { applyMark } from "../../src/app/apply-mark.ts";
import { launch } from "../../src/cli/launch.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { currentUser } from "../../src/wiring/current-user.ts";
import { isRunning } from "../helpers/aexp-process.ts";
import { runCli } from "../helpers/cli.ts";
import { expectLog, expectSettled, readLog, untilDelivered } from "../helpers/queue-audit.ts";
import { makeQueueProject, type QueueProject } from "../helpers/queue-project.ts";
import { queueRuns, type TestRun } from "../helpers/queue-runs.ts";
import { Random, seedFrom } from "../helpers/random.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { killWorker, startWorker, supervisorsOf, untilTold } from "../helpers/worker-process.ts";

const CHAOS_RUN = join(import.meta.dirname, "..", "fixtures", "programs", "chaos-run.sh");
/** Goes on until somebody makes the file `go`, and says in both logs that it began and ended. */
const UNTIL_GO =
  'echo $$ >> "$AEXP_JOB_WORKSPACE/pids"; echo begin; echo begin >&2; ' +
  'until [ -e "$AEXP_JOB_WORKSPACE/go" ]; do sleep 0.02; done; echo end; echo end >&2; exit 0';
/** Has a child of its own, and both take no notice of TERM. */
const STUBBORN_PAIR =
  "trap '' TERM; sh -c 'echo $$ >> \"$AEXP_JOB_WORKSPACE/pids\"; while :; do sleep 0.05; done' & " +
  'echo $$ >> "$AEXP_JOB_WORKSPACE/pids"; while :; do sleep 0.05; done';
/** Longer than any test: what is settled in such a test was not settled because the lease expired. */
const LONG_LEASE = { AEXP_LEASE_S: "600" };

async function onlyRun(project: QueueProject, run: TestRun): Promise<JobId> {
  const { only } = await queueRuns(project.repo, project.ports.store, { only: run });
  if (only === undefined) throw new Error("nothing was queued");
  return only;
}

function fileOf({ repo }: QueueProject, id: JobId, name: string): string {
  return join(repo.runs.workspaceOf(id), name);
}

async function untilPids(project: QueueProject, id: JobId, count: number): Promise<readonly number[]> {
  const path = fileOf(project, id, "pids");
  return await waitUntil(`${count} processes of the run`, () => {
    const pids = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1).map(Number) : [];
    return pids.length >= count && pids;
  });
}

describe("when a worker is killed", () => {
  it("the next one takes over the living program at once, which is executed once", async () => {
    const project = await makeQueueProject();
    const id = await onlyRun(project, { command: UNTIL_GO });
    const first = startWorker(project.root, { id: "first", env: LONG_LEASE });
    const [pid = 0] = await untilPids(project, id, 1);
    await killWorker(first);

    const second = startWorker(project.root, { id: "second", env: LONG_LEASE });
    const [adopted] = await untilTold(second, "started");
    expect(adopted).toMatchObject({ jobId: id, attempt: 1, isAdopted: true });
    expect(isRunning(pid)).toBe(true);
    writeFileSync(fileOf(project, id, "go"), "");

    expect((await second.ended).exitCode).toBe(0);
    expect(await untilPids(project, id, 1)).toEqual([pid]);
    expect(readFileSync(fileOf(project, id, ".aexp/attempt-1/stdout.log"), "utf8")).toBe("begin\nend\n");
    expect(readFileSync(fileOf(project, id, ".aexp/attempt-1/stderr.log"), "utf8")).toBe("begin\nend\n");
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([{ state: "complete", attempt: 1 }]);
  });

  it("a log is followed until the program has ended, which goes on without any worker", async () => {
    const project = await makeQueueProject();
    const id = await onlyRun(project, { command: UNTIL_GO });
    const first = startWorker(project.root, { id: "first", env: LONG_LEASE });
    await untilPids(project, id, 1);
    await killWorker(first);
    let printed = "";
    const stdout = { write: (data: string | Uint8Array) => (printed += Buffer.from(data).toString()) };
    const ended = launch(["logs", id, "--follow"], { stdout, stderr: stdout, env: process.env, cwd: project.root });
    await waitUntil("the first line", () => printed === "begin\n");

    writeFileSync(fileOf(project, id, "go"), "");

    expect(await ended).toBe(0);
    expect(printed).toBe("begin\nend\n");
  });

  it("and the next one as well, the program goes from hand to hand", async () => {
    const project = await makeQueueProject();
    const id = await onlyRun(project, { command: UNTIL_GO });
    const first = startWorker(project.root, { id: "first", env: LONG_LEASE });
    const pids = await untilPids(project, id, 1);
    await killWorker(first);
    for (const name of ["second", "third"]) {
      const next = startWorker(project.root, { id: name, env: LONG_LEASE });
      expect(await untilTold(next, "started")).toMatchObject([{ jobId: id, attempt: 1, isAdopted: true }]);
      await killWorker(next);
    }
    writeFileSync(fileOf(project, id, "go"), "");

    const last = startWorker(project.root, { id: "last", env: LONG_LEASE });

    expect((await last.ended).exitCode).toBe(0);
    expect(await untilPids(project, id, 1)).toEqual(pids);
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([{ state: "complete", attempt: 1 }]);
  });

  it("while it gives back what it executes, the run is queued and not stopped", async () => {
    const project = await makeQueueProject();
    const command =
      `[ "$AEXP_ATTEMPT" = 1 ] || exit 0; trap 'echo told > "$AEXP_JOB_WORKSPACE/told"; sleep 0.5; exit 1' TERM; ` +
      'echo $$ >> "$AEXP_JOB_WORKSPACE/pids"; while :; do sleep 0.05; done';
    const id = await onlyRun(project, { command, graceMs: 20_000 });
    const first = startWorker(project.root, { id: "first", env: LONG_LEASE });
    await untilPids(project, id, 1);
    first.child.kill("SIGTERM");
    await untilTold(first, "draining");
    first.child.kill("SIGTERM");
    await waitUntil("TERM", () => existsSync(fileOf(project, id, "told")));
    await killWorker(first);

    const second = startWorker(project.root, { id: "second", env: LONG_LEASE });

    expect((await second.ended).exitCode).toBe(0);
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([
      { state: "complete", attempt: 2, failures: 0 },
    ]);
  });

  it("and the program ended meanwhile, its end is recorded, and it is not executed again", async () => {
    const project = await makeQueueProject();
    const id = await onlyRun(project, { command: UNTIL_GO.replace("exit 0", "exit 7") });
    const first = startWorker(project.root, { id: "first", env: LONG_LEASE });
    const pids = await untilPids(project, id, 1);
    await killWorker(first);
    writeFileSync(fileOf(project, id, "go"), "");
    await waitUntil("the record of its end", () => existsSync(fileOf(project, id, ".aexp/attempt-1/exit.json")));

    const recovered = await runCli(project.root, ["queue", "recover", "--json"]);

    expect(JSON.parse(recovered.stdout)).toMatchObject({ attempts: [{ job_id: id, outcome: "finished" }] });
    expect(await untilPids(project, id, 1)).toEqual(pids);
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([{ state: "failed", exitCode: 7 }]);
  });
});

describe("when a worker and its supervisor are killed", () => {
  it("what is left of the program is ended first, and the run has failed as lost", async () => {
    const project = await makeQueueProject();
    const retry = { maxAttempts: 3, baseMs: 1 };
    const id = await onlyRun(project, { command: STUBBORN_PAIR, graceMs: 200, retry });
    const first = startWorker(project.root, { id: "first", env: LONG_LEASE });
    const pids = await untilPids(project, id, 2);
    const supervisors = supervisorsOf(first.pid);
    expect(supervisors).toHaveLength(1);
    for (const pid of supervisors) process.kill(pid, "SIGKILL");
    await killWorker(first);

    const second = startWorker(project.root, { id: "second", env: LONG_LEASE });
    const seen = await waitUntil("the end of the run", async () => {
      const task = await project.ports.store.task(id);
      return task?.endedAt !== undefined && { task, alive: pids.filter((pid) => isRunning(pid)) };
    });

    expect(seen).toMatchObject({ task: { state: "failed", reason: { code: "lost" }, attempt: 1 }, alive: [] });
    expect((await second.ended).exitCode).toBe(0);
    await untilDelivered(project.root, project.ports.store);
    await expectSettled(project.repo, project.ports.store);
  });

  it("the run is executed again where its lane says so, and never beside itself", async () => {
    const project = await makeQueueProject();
    await project.ports.store.setLane("default", { onLost: "requeue" });
    const retry = { maxAttempts: 2, baseMs: 1 };
    // The first attempt does not end by itself.
    const command = `[ "$AEXP_ATTEMPT" = 1 ] || exit 0; ` + STUBBORN_PAIR;
    const id = await onlyRun(project, { command, graceMs: 200, retry });
    const first = startWorker(project.root, { id: "first", env: LONG_LEASE });
    const pids = await untilPids(project, id, 2);
    for (const pid of supervisorsOf(first.pid)) process.kill(pid, "SIGKILL");
    await killWorker(first);

    const second = startWorker(project.root, { id: "second", env: LONG_LEASE });
    const alive = await waitUntil("the second attempt", async () => {
      const task = await project.ports.store.task(id);
      return task?.attempt === 2 && pids.filter((pid) => isRunning(pid));
    });
    expect(alive).toEqual([]);

    expect((await second.ended).exitCode).toBe(0);
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([{ state: "complete", attempt: 2 }]);
    expect(project.repo.runs.read(id).document.facts.attempts).toMatchObject([
      { n: 1, status: "failed", reason: { code: "lost" } },
      { n: 2, status: "complete" },
    ]);
  });

  it("a command that kills its worker is executed as often as it may fail, and no more", async () => {
    const project = await makeQueueProject();
    await project.ports.store.setLane("default", { onLost: "requeue" });
    // The parent of the program is its supervisor, whose parent is the worker.
    const command =
      'echo $$ >> "$AEXP_JOB_WORKSPACE/pids"; supervisor=$PPID; worker=$(ps -o ppid= -p "$supervisor"); ' +
      "kill -9 $worker; kill -9 $supervisor; sleep 30";
    const id = await onlyRun(project, { command, graceMs: 200, retry: { maxAttempts: 3, baseMs: 1 } });

    let started = 0;
    await waitUntil("the end of the run", async () => {
      await startWorker(project.root, { id: `worker-${(started += 1)}`, env: LONG_LEASE }).ended;
      return (await project.ports.store.task(id))?.endedAt !== undefined;
    });

    await runCli(project.root, ["queue", "recover"]);
    expect(await untilPids(project, id, 3)).toHaveLength(3);
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([
      { state: "failed", reason: { code: "lost" }, attempt: 3, failures: 3 },
    ]);
  });

  it("a supervisor alone, its worker ends what it left and goes on with another", async () => {
    const project = await makeQueueProject();
    await project.ports.store.setLane("default", { onLost: "requeue" });
    const id = await onlyRun(project, { command: UNTIL_GO, graceMs: 200, retry: { maxAttempts: 2, baseMs: 1 } });
    const worker = startWorker(project.root, { id: "only" });
    const [pid = 0] = await untilPids(project, id, 1);
    for (const supervisor of supervisorsOf(worker.pid)) process.kill(supervisor, "SIGKILL");
    const pids = await untilPids(project, id, 2);
    expect(isRunning(pid)).toBe(false);
    writeFileSync(fileOf(project, id, "go"), "");

    expect((await worker.ended).exitCode).toBe(0);
    expect(pids).toHaveLength(2);
    await untilDelivered(project.root, project.ports.store);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([{ state: "complete", attempt: 2 }]);
  });
});

const POINTS = 30;
const PLACES = 3;

it("comes to the same end wherever in its life a worker is killed", async () => {
  const seed = seedFrom("AEXP_KILL_SEED");
  onTestFailed(() => console.error(`AEXP_KILL_SEED=${seed} repeats the points of the kills`));
  const random = new Random(seed);
  const points = Array.from({ length: POINTS }, () => random.fraction());

  const interrupted = await Promise.all(
    Array.from({ length: PLACES }, (_, place) => surviveKills(points.filter((_point, at) => at % PLACES === place))),
  );

  // Otherwise this test would prove nothing.
  expect(interrupted.reduce((sum, count) => sum + count)).toBeGreaterThan(POINTS / 10);
}, 120_000);

/** @returns how many kills came while the worker worked */
async function surviveKills(points: readonly number[]): Promise<number> {
  const project = await makeQueueProject();
  const { root, repo, ports } = project;
  await ports.store.setLane("default", { onLost: "requeue", maxRunning: 2 });
  const folder = join(root, ".aexp", "trace");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "log"), "");
  await queueRuns(repo, ports.store, makeBatch(folder, "usual"));
  const undisturbed = startWorker(root, { id: "undisturbed" });
  await untilTold(undisturbed, "up");
  const upMs = performance.now();
  await undisturbed.ended;
  const usualMs = performance.now() - upMs;
  let interrupted = 0;
  for (const [at, point] of points.entries()) {
    await queueRuns(repo, ports.store, makeBatch(folder, `kill-${at}`));
    const victim = startWorker(root, { id: `victim-${at}` });
    await Promise.race([untilTold(victim, "up"), victim.ended]);
    await Promise.race([victim.ended, sleep(usualMs * point)]);
    const supervisors = at % 3 === 0 ? supervisorsOf(victim.pid) : [];
    await killWorker(victim);
    for (const pid of supervisors) if (isRunning(pid)) process.kill(pid, "SIGKILL");
    if ((await victim.ended).signal === "SIGKILL") interrupted += 1;
    const heir = startWorker(root, { id: `heir-${at}` });
    if ((await heir.ended).exitCode !== 0) throw new Error(`${heir.id} failed: ${heir.printed.stderr}`);
  }
  await untilDelivered(root, ports.store);
  const tasks = await expectSettled(repo, ports.store);
  await expectLog(readLog(join(folder, "log")), tasks, ports.store);
  if (tasks.some(({ state }) => state !== "complete")) throw new Error("not all runs are complete");
  return interrupted;
}

/** Three runs that hold each other up. */
function makeBatch(folder: string, name: string): Readonly<Record<string, TestRun>> {
  const common = { retry: { maxAttempts: 4, baseMs: 1 }, graceMs: 200 };
  const command = (seconds: string): readonly string[] => ["sh", CHAOS_RUN, folder, seconds, "ok", "lane=2"];
  return {
    [`${name}-a`]: { ...common, command: command("0.05") },
    [`${name}-b`]: { ...common, command: command("0.15"), resources: ["key"] },
    [`${name}-c`]: { ...common, command: command("0.05"), resources: ["key"], needs: [`${name}-a`] },
  };
}

describe("what was committed and not delivered", () => {
  it("is delivered by the next process", async () => {
    const project = await makeQueueProject();
    const id = await onlyRun(project, { command: "true" });
    await finishWithoutDelivery(project, id);
    expect(project.repo.runs.read(id).document.facts.status).toBe("queued");

    const recovered = await runCli(project.root, ["queue", "recover"]);

    expect(recovered.exitCode).toBe(0);
    await expectSettled(project.repo, project.ports.store);
  });

  it("is delivered by the next process also when the document was written and the ledger was not", async () => {
    const project = await makeQueueProject();
    const id = await onlyRun(project, { command: "true" });
    await finishWithoutDelivery(project, id);
    await applyMark(project.repo, project.ports.store, id);
    rmSync(join(project.repo.ledger.path, `${id}.json`));

    const recovered = await runCli(project.root, ["queue", "recover"]);

    expect(recovered.exitCode).toBe(0);
    await expectSettled(project.repo, project.ports.store);
  });

  it("changes no outcome when the ledger cannot be written, and a backfill writes it later", async () => {
    const project = await makeQueueProject();
    const id = await onlyRun(project, { command: "true" });
    rmSync(project.repo.ledger.path, { recursive: true, force: true });
    mkdirSync(join(project.repo.ledger.path, ".."), { recursive: true });
    writeFileSync(project.repo.ledger.path, "in the way");

    const worker = startWorker(project.root, { id: "only" });

    expect((await worker.ended).exitCode).toBe(0);
    expect(project.repo.runs.read(id).document.facts).toMatchObject({ status: "complete", exit_code: 0 });
    expect(worker.told("warning")).toMatchObject([{ message: expect.stringContaining("has no ledger entry yet") }]);
    rmSync(project.repo.ledger.path);
    expect((await runCli(project.root, ["ledger", "backfill"])).exitCode).toBe(0);
    await expectSettled(project.repo, project.ports.store);
  });
});

/** What a worker leaves that is killed right after the commit of an end. */
async function finishWithoutDelivery({ ports, repo }: QueueProject, id: JobId): Promise<void> {
  const claim = await ports.store.claim({
    workerId: "killed",
    owner: currentUser(),
    machine: repo.machineLabel,
    executors: ["local"],
    filter: { mode: "any" },
    leaseMs: 60_000,
    token: "token",
  });
  if (claim?.task.id !== id) throw new Error("another run was claimed");
  await ports.store.finish(id, "token", { state: "complete", reason: undefined, exitCode: 0 }, 1);
}
