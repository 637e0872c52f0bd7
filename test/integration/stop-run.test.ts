import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFailed } from "vitest";

import { isTerminalState } from "../../src/queue/task.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { isRunning } from "../helpers/aexp-process.ts";
import { runCli } from "../helpers/cli.ts";
import { expectSettled } from "../helpers/queue-audit.ts";
import { makeQueueProject, type QueueProject } from "../helpers/queue-project.ts";
import { queueRuns, type TestRun } from "../helpers/queue-runs.ts";
import { Random, seedFrom } from "../helpers/random.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { holdStill, startWorker, untilTold } from "../helpers/worker-process.ts";

/** A shell, its child and its grandchild, none of which takes notice of TERM. */
const STUBBORN_FAMILY =
  'trap "" TERM; sh -c \'sh -c "echo \\$\\$ >> $AEXP_JOB_WORKSPACE/pids; while :; do sleep 0.05; done" & ' +
  'echo $$ >> "$AEXP_JOB_WORKSPACE/pids"; while :; do sleep 0.05; done\' & ' +
  'echo $$ >> "$AEXP_JOB_WORKSPACE/pids"; while :; do sleep 0.05; done';
const STOPPED = { code: "operator_stop", message: "stopped by ana" } as const;

async function onlyRun(project: QueueProject, run: TestRun): Promise<JobId> {
  const { only } = await queueRuns(project.repo, project.ports.store, { only: run });
  if (only === undefined) throw new Error("nothing was queued");
  return only;
}

describe("a stop", () => {
  it("ends a whole family that takes no notice of TERM within the grace and a second", async () => {
    const project = await makeQueueProject();
    const graceMs = 700;
    const id = await onlyRun(project, { command: STUBBORN_FAMILY, graceMs });
    const worker = startWorker(project.root, { id: "only", env: { AEXP_LEASE_S: "60" } });
    const path = join(project.repo.runs.workspaceOf(id), "pids");
    const pids = await waitUntil("the whole family", () => {
      const known = existsSync(path) ? readFileSync(path, "utf8").split("\n").slice(0, -1).map(Number) : [];
      return known.length === 3 && known;
    });
    await untilTold(worker, "started");
    const askedMs = performance.now();

    const [outcome] = await project.ports.store.requestStop([id], "graceful", STOPPED);
    await waitUntil("the end of all three", () => pids.every((pid) => !isRunning(pid)));

    const tookMs = performance.now() - askedMs;
    expect(outcome).toEqual({ id, outcome: "requested" });
    expect(tookMs).toBeGreaterThan(graceMs * 0.9);
    expect(tookMs).toBeLessThan(graceMs + 1000);
    expect((await worker.ended).exitCode).toBe(0);
    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([
      { state: "stopped", reason: STOPPED },
    ]);
  });

  it("of a run that waits abandons it, and what needs it is skipped", async () => {
    const project = await makeQueueProject();
    const { store } = project.ports;
    const ids = await queueRuns(project.repo, store, {
      waits: { command: "true" },
      after: { command: "true", needs: ["waits"] },
      anyway: { command: "true", needs: ["waits?"] },
    });

    await store.requestStop(ids["waits"] === undefined ? [] : [ids["waits"]], "graceful", STOPPED);
    expect((await startWorker(project.root, { id: "only" }).ended).exitCode).toBe(0);

    const tasks = await expectSettled(project.repo, store);
    expect(Object.fromEntries(tasks.map(({ spec, state }) => [spec.name, state]))).toEqual({
      waits: "abandoned",
      after: "skipped",
      anyway: "complete",
    });
  });

  it("that comes after the program's success changes nothing", async () => {
    const { project, id, release } = await endedBehindItsWorker("exit 0");

    await project.ports.store.requestStop([id], "graceful", STOPPED);
    await release();

    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([
      { state: "complete", exitCode: 0, reason: undefined },
    ]);
  });

  it("that comes after the program's failure keeps it from being repeated", async () => {
    const { project, id, release } = await endedBehindItsWorker("exit 3");

    await project.ports.store.requestStop([id], "graceful", STOPPED);
    await release();

    expect(await expectSettled(project.repo, project.ports.store)).toMatchObject([
      { state: "stopped", reason: STOPPED, attempt: 1 },
    ]);
  });

  it("of a run that has ended changes nothing, and says so", async () => {
    const project = await makeQueueProject();
    const id = await onlyRun(project, { command: "true" });
    expect((await startWorker(project.root, { id: "only" }).ended).exitCode).toBe(0);
    const [before] = await expectSettled(project.repo, project.ports.store);
    const document = project.repo.runs.read(id).document.facts;

    const outcome = await project.ports.store.requestStop([id], "kill", STOPPED);
    const stopped = await runCli(project.root, ["queue", "stop", id]);

    expect(outcome).toEqual([{ id, outcome: "ended" }]);
    expect(stopped.exitCode).toBe(0);
    expect(await project.ports.store.task(id)).toEqual(before);
    expect(project.repo.runs.read(id).document.facts).toEqual(document);
  });

  it("is never lost, whenever in a run's life it comes", async () => {
    const seed = seedFrom("AEXP_STOP_SEED");
    onTestFailed(() => console.error(`AEXP_STOP_SEED=${seed} repeats the instants`));
    const random = new Random(seed);
    const project = await makeQueueProject();
    const { store } = project.ports;
    const worker = startWorker(project.root, { id: "only", pools: "*=4", isUntilEmpty: false });
    await untilTold(worker, "up");
    // Nobody would wait for a minute: what is not stopped shows.
    const runs: Record<string, TestRun> = {};
    for (let index = 0; index < INSTANTS; index += 1)
      runs[`r${index}`] = { command: "exec sleep 60", graceMs: 300, retry: { maxAttempts: 3, baseMs: 1 } };
    const ids = Object.values(await queueRuns(project.repo, store, runs));

    for (const id of ids) {
      const isNow = random.chance(0.3);
      const task = await waitUntil(`the turn of ${id}`, async () => {
        const now = await store.task(id);
        return (isNow || now?.state === "running") && now;
      });
      // A program is there after some tens of milliseconds.
      if (task.state === "running") await sleep(random.fraction() * 60);
      await store.requestStop([id], random.pick(["graceful", "kill"]), STOPPED);
    }

    await waitUntil("the end of all", async () => (await store.tasks({})).every(({ state }) => isTerminalState(state)));
    worker.child.kill("SIGTERM");
    expect((await worker.ended).exitCode).toBe(0);
    const tasks = await expectSettled(project.repo, store);
    for (const task of tasks) {
      expect(["stopped", "abandoned"]).toContain(task.state);
      expect(task.reason).toEqual(STOPPED);
      expect(task.attempt).toBeLessThanOrEqual(1);
    }
    expect(new Set(tasks.map(({ state }) => state)).size).toBe(2);
  });
});

const INSTANTS = 30;

/** A run whose program has ended while its worker was held, so that the end is on record and not yet in the queue. */
async function endedBehindItsWorker(end: string) {
  const project = await makeQueueProject();
  const command = `until [ -e "$AEXP_JOB_WORKSPACE/go" ]; do sleep 0.02; done; ${end}`;
  const id = await onlyRun(project, { command, retry: { maxAttempts: 3, baseMs: 1 } });
  const worker = startWorker(project.root, { id: "only", env: { AEXP_LEASE_S: "600" } });
  await untilTold(worker, "started");
  await holdStill(project.root, worker);
  const workspace = project.repo.runs.workspaceOf(id);
  writeFileSync(join(workspace, "go"), "");
  await waitUntil("the record of its end", () => existsSync(join(workspace, ".aexp", "attempt-1", "exit.json")));
  const release = async (): Promise<void> => {
    worker.child.kill("SIGCONT");
    await worker.ended;
  };
  return { project, id, release };
}
