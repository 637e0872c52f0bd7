import { existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import type { Task } from "../../src/queue/task.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { openQueue } from "../../src/wiring/open-queue.ts";
import { isRunning } from "../helpers/aexp-process.ts";
import { runCli } from "../helpers/cli.ts";
import { expectSettled } from "../helpers/queue-audit.ts";
import { makeQueueProject, type QueueProject } from "../helpers/queue-project.ts";
import { queueRuns, type TestRun } from "../helpers/queue-runs.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { killWorker, startWorker, supervisorsOf, untilTold } from "../helpers/worker-process.ts";

const LONG =
  'echo $$ >> "$AEXP_JOB_WORKSPACE/pids"; until [ -e "$AEXP_JOB_WORKSPACE/go" ]; do sleep 0.02; done; exit 0';
const LONG_LEASE = { AEXP_LEASE_S: "600" };

function loseDatabase({ root }: QueueProject): void {
  for (const file of globSync(".aexp/state/aexp.db*", { cwd: root })) rmSync(join(root, file));
}

/** What a task was before, as far as it must be the same when it is back. */
function essenceOf({ id, state, groupId, spec, caller, owner, attempt }: Task) {
  return { id, state, groupId, spec, caller, owner, attempt };
}

function idIn(ids: Readonly<Record<string, JobId>>, name: string): JobId {
  const id = ids[name];
  if (id === undefined) throw new Error(`no run ${name}`);
  return id;
}

describe("a queue whose database is lost", () => {
  it("comes back with needs, lanes, priorities, resources and order, and is executed to its end", async () => {
    const project = await makeQueueProject();
    const { root, repo } = project;
    const { store } = project.ports;
    await store.setLane("gpu", { maxRunning: 1 });
    const quick: TestRun = { command: 'echo "$AEXP_ATTEMPT" >> "$AEXP_JOB_WORKSPACE/times"' };
    const ids = await queueRuns(repo, store, {
      first: { ...quick, priority: 1 },
      urgent: { ...quick, priority: 9, lane: "gpu", caller: "bo" },
      last: { ...quick, lane: "gpu", resources: ["key"], timeoutMs: 60_000, retry: { maxAttempts: 3 } },
      middle: { ...quick, needs: ["first", "urgent"] },
      cleanup: { ...quick, needs: ["middle?"] },
    });
    const before = (await store.tasks({})).toSorted((a, b) => a.seq - b.seq);
    loseDatabase(project);

    const recovered = await runCli(root, ["queue", "recover", "--rebuild"]);

    expect(recovered).toMatchObject({ exitCode: 0 });
    await using rebuilt = await openQueue(repo);
    const after = (await rebuilt.tasks({})).toSorted((a, b) => a.seq - b.seq);
    expect(after.map((task) => essenceOf(task))).toEqual(before.map((task) => essenceOf(task)));
    const worker = startWorker(root, { id: "after", pools: "*=1" });
    expect((await worker.ended).exitCode).toBe(0);
    await expectSettled(repo, rebuilt);
    expect((await rebuilt.tasks({ states: ["complete"] })).length).toBe(5);
    const started = worker.told("started").map(({ jobId }) => jobId);
    expect(started[0]).toBe(ids["urgent"]);
    expect(started.indexOf(ids["middle"])).toBeGreaterThan(started.indexOf(ids["first"]));
    for (const id of Object.values(ids))
      expect(readFileSync(join(repo.runs.workspaceOf(id), "times"), "utf8")).toBe("1\n");
  });

  it("lets the result of a stage be looked for again", async () => {
    const project = await makeQueueProject();
    const { root, repo } = project;
    const { store } = project.ports;
    const stage = { pipeline: "demo", stage: "train", sweep: { seed: 1 } };
    const ids = await queueRuns(repo, store, {
      a: { command: "true", stage },
      b: { command: "true", needs: ["a"], stage },
    });
    await store.resolve(idIn(ids, "a"), { cacheKey: "k", inputs: { data: 1 }, mode: "on" });
    loseDatabase(project);

    expect(await runCli(root, ["queue", "recover", "--rebuild"])).toMatchObject({ exitCode: 0 });

    await using rebuilt = await openQueue(repo);
    expect(await rebuilt.tasks({})).toMatchObject([
      { spec: { name: "a", stage }, state: "blocked", isUnresolved: true, cacheKey: undefined, inputs: undefined },
      { spec: { name: "b", stage }, state: "blocked", isUnresolved: true },
    ]);
    expect((await rebuilt.unresolved(repo.machineLabel, 10)).map(({ id }) => id)).toEqual([ids["a"]]);
  });

  it("takes the ends of runs that had ended as they are", async () => {
    const project = await makeQueueProject();
    const { root, repo } = project;
    const { store } = project.ports;
    const ids = await queueRuns(repo, store, {
      good: { command: "true", priority: 3 },
      bad: { command: "false", priority: 2 },
      afterGood: { command: "true", needs: ["good"] },
      afterBad: { command: "true", needs: ["bad"] },
      anyway: { command: "true", needs: ["bad?"] },
    });
    // The two that others need are executed; then everything is lost.
    for (const name of ["good", "bad"]) {
      const result = await runCli(root, ["queue", "run-one", idIn(ids, name)]);
      expect([0, 1]).toContain(result.exitCode);
    }
    loseDatabase(project);

    await runCli(root, ["queue", "recover", "--rebuild"]);

    await using rebuilt = await openQueue(repo);
    const states = Object.fromEntries((await rebuilt.tasks({})).map(({ spec, state }) => [spec.name, state]));
    expect(states).toMatchObject({ afterGood: "queued", anyway: "queued" });
    expect((await startWorker(root, { id: "after" }).ended).exitCode).toBe(0);
    const statusOf = (name: string) => repo.runs.read(idIn(ids, name)).document.facts.status;
    expect(["good", "bad", "afterGood", "afterBad", "anyway"].map((name) => statusOf(name))).toEqual([
      "complete",
      "failed",
      "complete",
      "abandoned",
      "complete",
    ]);
  });

  it("settles what was executed when its worker is dead, and leaves alone what still runs", async () => {
    const project = await makeQueueProject();
    const { root, repo } = project;
    const { store } = project.ports;
    const ids = await queueRuns(repo, store, {
      alive: { command: LONG, priority: 2, graceMs: 200 },
      gone: { command: LONG, priority: 1, graceMs: 200 },
      after: { command: "true", needs: ["alive"] },
    });
    const pidOf = async (name: string): Promise<number> => {
      const path = join(repo.runs.workspaceOf(idIn(ids, name)), "pids");
      return await waitUntil(`the program of ${name}`, () => {
        const [line = ""] = existsSync(path) ? readFileSync(path, "utf8").split("\n") : [];
        return line === "" ? undefined : Number(line);
      });
    };
    const first = startWorker(root, { id: "first", pools: "*=1", env: LONG_LEASE });
    const alive = await pidOf("alive");
    const second = startWorker(root, { id: "second", pools: "*=1", env: LONG_LEASE });
    const dead = await pidOf("gone");
    await untilTold(first, "started");
    await untilTold(second, "started");
    for (const pid of supervisorsOf(second.pid)) process.kill(pid, "SIGKILL");
    await killWorker(second);
    await killWorker(first);
    process.kill(-dead, "SIGKILL");
    loseDatabase(project);

    const refused = await runCli(root, ["queue", "recover", "--rebuild", "--json"]);

    expect(JSON.parse(refused.stdout)).toMatchObject({
      rebuilt: {
        settled: [ids["gone"]],
        problems: expect.arrayContaining([{ job_id: ids["alive"], problem: expect.any(String) }]),
      },
    });
    expect(isRunning(alive)).toBe(true);
    expect(repo.runs.read(idIn(ids, "gone")).document.facts).toMatchObject({
      status: "failed",
      reason: { code: "lost" },
    });
    writeFileSync(join(repo.runs.workspaceOf(idIn(ids, "alive")), "go"), "");
    await waitUntil("its end", () => !isRunning(alive));
    await waitUntil("a rebuilding without problems", async () => {
      return (await runCli(root, ["queue", "recover", "--rebuild"])).exitCode === 0;
    });
    expect((await startWorker(root, { id: "after" }).ended).exitCode).toBe(0);
    const statuses = ["alive", "gone", "after"].map((name) => repo.runs.read(idIn(ids, name)).document.facts.status);
    expect(statuses).toEqual(["complete", "failed", "complete"]);
  });

  it("waits for the supervisor that has yet to record how a program ended", async () => {
    const project = await makeQueueProject();
    const { root, repo } = project;
    const id = idIn(await queueRuns(repo, project.ports.store, { only: { command: LONG } }), "only");
    const worker = startWorker(root, { id: "first", env: LONG_LEASE });
    await untilTold(worker, "started");
    const workspace = repo.runs.workspaceOf(id);
    await waitUntil("the program", () => existsSync(join(workspace, "pids")));
    const [supervisor = 0] = supervisorsOf(worker.pid);
    await killWorker(worker);
    process.kill(supervisor, "SIGSTOP");
    onTestFinished(() => void (isRunning(supervisor) && process.kill(supervisor, "SIGKILL")));
    const [pid = 0] = readFileSync(join(workspace, "pids"), "utf8").split("\n").map(Number);
    writeFileSync(join(workspace, "go"), "");
    await waitUntil("the end of the program", () => !isRunning(pid));
    loseDatabase(project);

    const tooEarly = await runCli(root, ["queue", "recover", "--rebuild", "--json"]);

    expect(JSON.parse(tooEarly.stdout)).toMatchObject({ rebuilt: { settled: [], problems: [{ job_id: id }] } });
    expect(repo.runs.read(id).document.facts.status).toBe("running");
    process.kill(supervisor, "SIGCONT");
    await waitUntil("the record", () => existsSync(join(workspace, ".aexp", "attempt-1", "exit.json")));
    expect(await runCli(root, ["queue", "recover", "--rebuild"])).toMatchObject({ exitCode: 0 });
    expect(repo.runs.read(id).document.facts).toMatchObject({ status: "complete", exit_code: 0 });
  });
});
