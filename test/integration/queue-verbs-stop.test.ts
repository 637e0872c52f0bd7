import { spawn } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import type { Repo } from "../../src/app/repo.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { type AexpProcess, isRunning, startAexp } from "../helpers/aexp-process.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** Writes its process id, and goes on for longer than any test. */
const LONG = "echo $$ > pid; exec sleep 300";
/** The same, and takes no notice of TERM. */
const STUBBORN = `trap "" TERM; echo $$ > pid; while :; do sleep 0.1; done`;

function factsOf(repo: Repo, id: JobId) {
  return repo.runs.read(id).document.facts;
}

/** The process that a program of these tests wrote down once it ran. */
async function programOf(root: string): Promise<number> {
  return await waitUntil("the program's process id", () => {
    const path = join(root, "pid");
    const text = existsSync(path) ? readFileSync(path, "utf8").trim() : "";
    return text === "" ? undefined : Number(text);
  });
}

async function onlyRun(repo: Repo): Promise<JobId> {
  return await waitUntil("a run that runs", () =>
    repo.runs.listJobIds().find((id) => factsOf(repo, id).status === "running"),
  );
}

/** A queued run that another process executes. */
async function startQueued(command: string) {
  const { root, repo, add, ports } = await makeQueueProject();
  const [id] = await add("--sp", "n=1", "--command", command);
  if (id === undefined) throw new Error("nothing was queued");
  const runner = startAexp(root, ["queue", "run"]);
  return { root, repo, id, runner, ports, program: await programOf(root) };
}

/** A run that `aexp run` executes in another process. */
async function startUnqueued(command: string): Promise<{
  root: string;
  repo: Repo;
  id: JobId;
  runner: AexpProcess;
  program: number;
}> {
  const { root, repo } = await makeProject();
  const runner = startAexp(root, ["run", "--experiment", "E001", "--sp", "n=1", "--", "sh", "-c", command]);
  const program = await programOf(root);
  onTestFinished(() => endProcess(program));
  return { root, repo, id: await onlyRun(repo), runner, program };
}

function endProcess(pid: number): void {
  if (isRunning(pid)) process.kill(pid, "SIGKILL");
}

describe("aexp queue stop of queued runs", () => {
  it("abandons what has not started, and leaves alone what has ended", async () => {
    const { root, repo, add } = await makeQueueProject();
    const [waiting, done] = await add("--sweep", "n=1..2", "--command", "true");
    if (waiting === undefined || done === undefined) throw new Error("nothing was queued");
    await runCli(root, ["queue", "run-one", done]);
    const before = factsOf(repo, done);

    const stopped = await runCli(root, ["queue", "stop", waiting, done]);

    expect(stopped).toMatchObject({ exitCode: 0, stderr: "" });
    expect(stopped.stdout).toBe(
      `${waiting.slice(0, 8)} abandoned before it started\n` +
        `${done.slice(0, 8)} has ended (it is complete already; nothing was changed)\n`,
    );
    expect(factsOf(repo, waiting)).toMatchObject({ status: "abandoned", reason: { code: "operator_stop" } });
    expect(factsOf(repo, done)).toEqual(before);
  });

  it("asks the process that executes a run, which obeys", async () => {
    const { root, repo, id, runner, program } = await startQueued(LONG);

    expect(await runCliJson(root, ["queue", "stop", id])).toEqual([{ run: id, outcome: "requested" }]);
    await runner.ended;

    expect(factsOf(repo, id)).toMatchObject({ status: "stopped", reason: { code: "operator_stop" } });
    expect(isRunning(program)).toBe(false);
  });

  it("kills at once with --force what takes no notice of TERM", async () => {
    const { root, repo, id, runner, program } = await startQueued(STUBBORN);

    await runCli(root, ["queue", "stop", "--all", "--force"]);
    await runner.ended;

    expect(factsOf(repo, id).status).toBe("stopped");
    expect(isRunning(program)).toBe(false);
  });

  it("waits as long as --grace says, then has it killed, and says that it has stopped", async () => {
    const { root, repo, id, program } = await startQueued(STUBBORN);

    expect(await runCliJson(root, ["queue", "stop", id, "--grace", "300ms"])).toEqual([
      { run: id, outcome: "stopped" },
    ]);

    expect(isRunning(program)).toBe(false);
    await waitUntil("the document", () => factsOf(repo, id).status === "stopped");
  });

  it("leaves a durable request for a worker of another machine, and says so", async () => {
    const { root, repo, add, ports } = await makeQueueProject();
    const [id] = await add("--sp", "n=1", "--command", LONG);
    if (id === undefined) throw new Error("nothing was queued");
    const { owner } = (await ports.store.task(id)) ?? { owner: "" };
    await ports.store.claim({
      workerId: "w",
      owner,
      machine: "cluster",
      executors: ["local"],
      filter: { mode: "any" },
      leaseMs: 60_000,
      token: "t",
    });

    const stopped = await runCli(root, ["queue", "stop", id]);

    expect(stopped.stdout).toBe(`${id.slice(0, 8)} asked to stop (its worker on cluster will obey)\n`);
    expect((await ports.store.renew("w", ["t"], 60_000)).stops).toMatchObject([{ id, mode: "graceful" }]);
    expect((await runCli(repo.root, ["why", id])).stdout).toContain("it was asked to stop");
  });

  it("wants names or a selection, and never both", async () => {
    const { root } = await makeQueueProject();

    expect((await runCli(root, ["queue", "stop"])).exitCode).toBe(2);
    expect((await runCli(root, ["queue", "stop", "d3a7", "--tag", "night"])).exitCode).toBe(2);
    expect(await runCli(root, ["queue", "stop", "--tag", "night"])).toMatchObject({
      exitCode: 0,
      stdout: "Nothing is there to stop.\n",
    });
  });
});

describe("aexp queue stop of a run that was never queued", () => {
  it("ends the program, and the aexp that runs it records that", async () => {
    const { root, repo, id, runner, program } = await startUnqueued(LONG);

    const stopped = await runCli(root, ["queue", "stop", id]);

    expect(stopped.stdout).toBe(`${id.slice(0, 8)} stopped\n`);
    expect(isRunning(program)).toBe(false);
    expect(factsOf(repo, id)).toMatchObject({ status: "stopped", reason: { code: "operator_stop" } });
    expect((await runner.ended).exitCode).toBe(130);
    expect(existsSync(join(root, ".aexp", "state"))).toBe(false);
  });

  it("kills a stubborn program with --force", async () => {
    const { root, repo, id, program } = await startUnqueued(STUBBORN);

    expect(await runCliJson(root, ["queue", "stop", id, "--force"])).toEqual([{ run: id, outcome: "stopped" }]);

    expect(isRunning(program)).toBe(false);
    expect(factsOf(repo, id).status).toBe("stopped");
  });

  it("ends a program whose aexp was killed, and records that it was stopped", async () => {
    const { root, repo, id, runner, program } = await startUnqueued(LONG);
    runner.child.kill("SIGKILL");
    await runner.ended;
    expect(isRunning(program)).toBe(true);

    expect(await runCliJson(root, ["queue", "stop", id])).toEqual([{ run: id, outcome: "stopped" }]);

    expect(isRunning(program)).toBe(false);
    expect(factsOf(repo, id)).toMatchObject({ status: "stopped", attempts: [{ n: 1, status: "stopped" }] });
    expect(repo.ledger.has(id)).toBe(true);
  });

  it("signals no process that only has the number of the one that was recorded", async () => {
    const { root, repo, id, runner, program } = await startUnqueued(LONG);
    runner.child.kill("SIGKILL");
    await runner.ended;
    endProcess(program);
    const stranger = spawn("sleep", ["300"]);
    onTestFinished(() => void stranger.kill("SIGKILL"));
    const pid = stranger.pid ?? 0;
    await repo.runs.updateDocument(id, ({ facts }) => ({
      queue: { proc: { pid, pgid: pid, host: facts.queue?.proc?.host ?? "", start_fingerprint: "1" } },
    }));

    await runCli(root, ["queue", "stop", id]);

    expect(isRunning(pid)).toBe(true);
    expect(factsOf(repo, id)).toMatchObject({ status: "failed", reason: { code: "lost" } });
  });

  it("does not signal a worker whose queue is lost", async () => {
    const { root, repo, id, runner, program, ports } = await startQueued(LONG);
    await waitUntil("the document", () => factsOf(repo, id).status === "running");
    await ports.store[Symbol.asyncDispose]();
    rmSync(join(root, ".aexp", "state"), { recursive: true });

    const { stderr, exitCode } = await runCli(root, ["queue", "stop", id]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain("aexp queue recover --rebuild");
    expect(isRunning(runner.pid)).toBe(true);
    expect(isRunning(program)).toBe(true);
    endProcess(program);
  });

  it("says that a run on another machine cannot be reached", async () => {
    const { root, repo } = await makeProject();
    await runCli(root, ["runs", "new", "--experiment", "E001", "--sp", "n=1"]);
    const [id] = repo.runs.listJobIds();
    if (id === undefined) throw new Error("nothing was registered");
    await repo.runs.updateDocument(id, () => ({
      status: "running",
      queue: { proc: { pid: 1, pgid: 1, host: "gpu03" } },
    }));

    const { stderr, exitCode } = await runCli(root, ["queue", "stop", id]);

    expect(exitCode).toBe(75);
    expect(stderr).toContain("it runs on gpu03, outside of the queue");
    expect((await runCli(root, ["queue", "stop", "@last", "--grace", "soon"])).exitCode).toBe(2);
  });
});
