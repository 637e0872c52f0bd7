import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { currentUser } from "../../src/wiring/current-user.ts";
import { runCli } from "../helpers/cli.ts";
import { type FakeProject, makeFakeProject } from "../helpers/slurm-project.ts";

/** Has a node execute the job. */
function carryOut({ slurm, execute }: FakeProject): void {
  execute(1);
  slurm.run(1);
  slurm.end(1);
}

function carryOutAndForget({ slurm, execute }: FakeProject): void {
  execute(1);
  slurm.change(1, { isForgotten: true });
}

describe("stopping", () => {
  it("cancels jobs that are to stop, and records them as stopped", async () => {
    const project = await makeFakeProject();
    const [waiting, running] = await project.add("--sweep", "n=1..2", "--command", "true");
    if (waiting === undefined || running === undefined) throw new Error("no runs");
    await project.tick();
    project.slurm.run(2);
    await project.tick();
    const reason = { code: "operator_stop", message: "stopped by ana" } as const;
    await project.store.requestStop([waiting, running], "graceful", reason);

    await project.tick();

    expect(project.slurm.calls("scancel")).toEqual([["scancel", "--quiet", "1", "2"]]);
    expect(project.factsOf(waiting)).toMatchObject({ status: "stopped", reason });
    expect(project.factsOf(running)).toMatchObject({ status: "stopped", reason });
  });

  it("lets a success stand that came before the stop", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.execute(1);
    project.slurm.run(1);
    project.slurm.end(1);
    await project.store.requestStop([id], "graceful", { code: "operator_stop", message: "stopped" });

    await project.tick();

    expect(project.factsOf(id)).toMatchObject({ status: "complete" });
  });

  it("cancels a job whose lock was taken away", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--resource", "gpu", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    await project.tick();
    expect(project.slurm.calls("sbatch")).toHaveLength(1);

    await project.store.breakLock("gpu");
    await project.tick();

    expect(project.factsOf(id)).toMatchObject({ status: "failed", reason: { code: "lost" } });
  });
});

describe("recovering", () => {
  it("finds the job of an agent that was killed between sbatch and its commit", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    project.slurm.set("die-after-sbatch");
    const main = join(import.meta.dirname, "..", "..", "src", "main.ts");
    const killed = spawnSync(process.execPath, [main, "slurm", "reconcile"], {
      cwd: project.root,
      env: { ...process.env, ...project.env, AEXP_LEASE_S: "0.5" },
    });
    expect(killed.signal).toBe("SIGKILL");
    expect(await project.stateOf(id)).toBe("submitting");
    project.slurm.set("die-after-sbatch", false);

    project.advance(1000);
    await project.tick();

    expect(project.slurm.jobs()).toHaveLength(1);
    expect(project.events).toEqual([{ kind: "submitted", jobId: id, schedulerJobId: "1", isFound: true }]);
    expect(await project.store.attempts(id)).toMatchObject([{ n: 1, schedulerJobId: "1" }]);
  });

  it("submits nothing again while nobody knows whether there is a job", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    project.slurm.fail("sbatch", "sbatch: error: Socket timed out on send/recv operation\n");
    await project.tick();
    project.slurm.fail("sbatch", undefined);
    project.slurm.fail("squeue", "slurm_load_jobs error: Unable to contact slurm controller\n");

    await project.tick();
    await project.tick();

    expect(project.slurm.jobs()).toEqual([]);
    expect(await project.stateOf(id)).toBe("submitting");
    project.slurm.fail("squeue", undefined);
    await project.tick();
    expect(project.slurm.jobs()).toHaveLength(1);
  });

  it.each([
    { begun: undefined, kept: "3", cancelled: ["1", "2"] },
    { begun: 2, kept: "2", cancelled: ["1", "3"] },
  ])("keeps job $kept of three jobs of an attempt when $begun has begun", async ({ begun, kept, cancelled }) => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    const claim = await project.store.claim({
      workerId: "died",
      owner: currentUser(),
      machine: project.repo.machineLabel,
      executors: ["slurm"],
      filter: { mode: "any" },
      leaseMs: 1,
      token: "t",
    });
    const spec = { jobId: id, attempt: 1, argv: ["true"], cwd: project.root, env: {}, compute: {} };
    const times = { codePatch: undefined, timeoutMs: undefined, heartbeatMs: 1000, graceMs: 1000 };
    expect(claim?.task.id).toBe(id);
    await project.batch.prepare({ ...spec, ...times });
    await project.batch.submit({ ...spec, ...times });
    project.slurm.copy(1, 2);
    project.slurm.copy(1, 3);
    if (begun !== undefined) project.execute(begun);

    project.advance(1000);
    await project.tick();

    expect(project.slurm.calls("scancel")).toEqual([["scancel", "--quiet", ...cancelled]]);
    expect(await project.store.attempts(id)).toMatchObject([{ n: 1, schedulerJobId: kept }]);
    expect(project.slurm.jobs()).toHaveLength(3);
  });

  it("follows the job that was faster when two were submitted for an attempt", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.copy(1, 2);
    project.execute(2);
    expect(project.execute(1)).toBe(1);
    project.slurm.end(1, "FAILED", "1:0");
    project.slurm.end(2);

    await project.tick();
    await project.tick();

    expect(await project.stateOf(id)).toBe("complete");
    expect(await project.store.attempts(id)).toMatchObject([{ schedulerJobId: "2", outcome: "complete" }]);
  });

  it.each([
    { what: "runs", before: () => undefined, after: carryOut },
    { what: "has ended", before: carryOut, after: () => undefined },
    { what: "has ended and is forgotten", before: carryOutAndForget, after: () => undefined },
  ])("takes a job up again that $what when the database was lost", async ({ before, after }) => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "echo x >> {workspace}/times");
    await project.tick();
    project.slurm.run(1);
    await project.tick();
    expect(project.factsOf(id)).toMatchObject({ status: "running" });
    before(project);
    await project.store[Symbol.asyncDispose]();
    for (const suffix of ["", "-wal", "-shm"])
      rmSync(join(project.root, ".aexp", "state", `aexp.db${suffix}`), { force: true });
    const cli = async (...argv: readonly string[]) => await runCli(project.root, argv, { env: project.env });

    expect(await cli("queue", "recover", "--rebuild")).toMatchObject({ exitCode: 0 });
    expect((await cli("lane", "list", "--json")).stdout).toContain('"executor":"slurm"');
    await cli("slurm", "reconcile");
    expect(project.slurm.jobs()).toHaveLength(1);
    after(project);
    await cli("slurm", "reconcile");

    expect(project.factsOf(id)).toMatchObject({ status: "complete", attempt: 1, attempts: [{ n: 1 }] });
    expect(readFileSync(join(project.repo.runs.workspaceOf(id), "times"), "utf8")).toBe("x\n");
  });

  it("takes no job for its own that is another clone's", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.change(1, { folder: "/elsewhere/.runs/workspace/x/.aexp/attempt-1" });

    expect(await project.batch.find([{ jobId: id, attempt: 1 }], 0)).toEqual([[]]);
  });

  it("submits every run once when several look at the same time", async () => {
    const project = await makeFakeProject();
    await project.add("--sweep", "n=1..12", "--command", "true");

    await Promise.all(Array.from({ length: 3 }, () => project.reconciler().tick()));

    const names = project.slurm.jobs().map(({ name }) => name);
    expect(names).toHaveLength(12);
    expect(new Set(names).size).toBe(12);
  });
});

describe("a job that the controller has forgotten", () => {
  it("is lost when it never began, and executes nothing should it come after all", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "touch {workspace}/executed");
    await project.tick();
    project.slurm.change(1, { isLost: true });
    await project.tick();
    expect(await project.stateOf(id)).toBe("submitted");

    project.advance(120_000);
    await project.tick();

    expect(project.factsOf(id)).toMatchObject({ status: "failed", reason: { code: "lost" } });
    expect(project.execute(1)).toBe(1);
    expect(existsSync(join(project.repo.runs.workspaceOf(id), "executed"))).toBe(false);
  });

  it("ends as its record says, although the accounting believes that it runs", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "exit 3");
    await project.tick();
    project.slurm.run(1);
    await project.tick();
    project.execute(1);
    project.slurm.change(1, { isLost: true });
    await project.tick();
    expect(await project.stateOf(id)).toBe("running");

    project.advance(120_000);
    await project.tick();

    expect(project.factsOf(id)).toMatchObject({ status: "failed", exit_code: 3, reason: { code: "exit_nonzero" } });
  });

  it("runs as long as it gives signs of life, and is lost when they stop", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    const folder = join(project.repo.runs.workspaceOf(id), ".aexp", "attempt-1");
    writeFileSync(join(folder, "started.json"), JSON.stringify({ scheduler_job_id: "1", host: "n1" }));
    const beat = (): void => {
      const at = `${new Date(project.repo.clock.nowMs()).toISOString().slice(0, 19)}Z`;
      writeFileSync(join(folder, "heartbeat.json"), JSON.stringify({ at, pid: 1 }));
    };
    project.slurm.change(1, { isLost: true });
    for (let look = 0; look < 5; look += 1) {
      project.advance(300_000);
      beat();
      await project.tick();
      expect(await project.stateOf(id)).toBe("submitted");
    }

    project.advance(700_000);
    await project.tick();

    expect(project.factsOf(id)).toMatchObject({
      status: "failed",
      reason: { code: "lost", message: "SLURM has lost its job, which gave no sign of life any more" },
    });
  });
});

describe("without accounting", () => {
  it("asks the controller, and the record of the run when the controller has forgotten", async () => {
    const project = await makeFakeProject();
    project.slurm.set("no-accounting");
    const [seen, forgotten] = await project.add("--sweep", "n=1..2", "--command", "exit {n}");
    if (seen === undefined || forgotten === undefined) throw new Error("no runs");
    await project.tick();
    for (const id of [1, 2]) project.slurm.run(id);
    await project.tick();
    expect(await project.stateOf(seen)).toBe("running");
    expect(project.execute(1)).toBe(1);
    expect(project.execute(2)).toBe(2);
    project.slurm.end(1, "FAILED", "1:0");
    project.slurm.change(2, { isForgotten: true });

    await project.tick();

    expect(project.factsOf(seen)).toMatchObject({ status: "failed", exit_code: 1 });
    expect(project.factsOf(forgotten)).toMatchObject({ status: "failed", exit_code: 2 });
  });
});

describe("a job", () => {
  it("executes its command once, and ends again as it has ended", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "echo x >> {workspace}/times; exit 4");
    await project.tick();

    expect(project.execute(1)).toBe(4);
    expect(project.execute(1)).toBe(4);

    expect(readFileSync(join(project.repo.runs.workspaceOf(id), "times"), "utf8")).toBe("x\n");
  });

  it("leaves an attempt alone that another job carries out", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "echo x >> {workspace}/times");
    await project.tick();
    project.slurm.copy(1, 2);

    expect(project.execute(2)).toBe(0);
    expect(project.execute(1)).toBe(1);

    expect(readFileSync(join(project.repo.runs.workspaceOf(id), "times"), "utf8")).toBe("x\n");
  });

  it("puts on record that it was killed, and ends what it left", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", ": {job_id}; kill -9 $PPID; sleep 60");
    await project.tick();

    expect(project.execute(1)).toBe(1);

    expect(project.batch.traces(id, 1).end).toMatchObject({ cause: { kind: "lost" } });
    expect(
      execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
        .split("\n")
        .filter((line) => line.includes(id)),
    ).toEqual([]);
    project.slurm.run(1);
    project.slurm.end(1, "FAILED", "1:0");
    await project.tick();
    expect(project.factsOf(id)).toMatchObject({ status: "failed", reason: { code: "lost" } });
  });

  it("says that its node sees neither folder nor program", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    const { script, folder } = project.slurm.job(1);
    const text = readFileSync(script, "utf8").replace(/^program=.*$/m, "program=/nonexistent/node");
    writeFileSync(join(folder, "slurm.log"), spawnSync("/bin/sh", ["-c", text]).stderr);
    project.slurm.run(1);
    project.slurm.end(1, "FAILED", "72:0");

    await project.tick();

    expect(project.factsOf(id)).toMatchObject({
      status: "failed",
      reason: {
        code: "spawn_error",
        message: expect.stringMatching(/could not start: on \S+, there is no program \/nonexistent\/node: install/),
      },
    });
  });

  it("works in folders of any name", async () => {
    const project = await makeFakeProject();
    const odd = join(project.root, 'it\'s $HOME %j "odd"');
    mkdirSync(odd);
    execFileSync("git", ["init", "--quiet", odd]);
    await runCli(odd, ["install", "--yes", "--no-kb"], { env: project.env });
    const flags = ["--experiment", "E001", "--sp", "n=1", "--command", "echo hi", "--json"];
    const submitted = await runCli(odd, ["slurm", "submit", ...flags], { env: project.env });
    const { runs, slurm } = JSON.parse(submitted.stdout);

    expect(slurm).toMatchObject({ submitted: 1, problems: [] });
    expect(project.slurm.job(1).args).toContainEqual(expect.stringContaining("%%j"));
    expect(project.execute(1)).toBe(0);
    project.slurm.run(1);
    project.slurm.end(1);
    await runCli(odd, ["slurm", "reconcile"], { env: project.env });
    const shown = await runCli(odd, ["runs", "show", runs[0].job_id, "--json"], { env: project.env });
    expect(JSON.parse(shown.stdout)).toMatchObject({ status: "complete" });
  });
});
