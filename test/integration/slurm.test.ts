import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { FakeSlurm, makeSlurmProject, type SlurmProject } from "../helpers/slurm-project.ts";
import { runCli } from "../helpers/cli.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { currentUser } from "../../src/wiring/current-user.ts";

const HOUR_MS = 3_600_000;

async function start(): Promise<SlurmProject & { readonly slurm: FakeSlurm }> {
  const slurm = new FakeSlurm();
  return { ...(await makeSlurmProject(slurm.env)), slurm };
}

/** Executes the script of a job, as a node would. */
function execute({ slurm }: { readonly slurm: FakeSlurm }, id: number, env: Record<string, string> = {}): number {
  const { script, folder } = slurm.job(id);
  const result = spawnSync("/bin/sh", [script], {
    cwd: folder,
    env: { ...process.env, SLURM_JOB_ID: String(id), ...env },
    stdio: ["ignore", "ignore", "inherit"],
  });
  return result.status ?? 128;
}

function facts({ repo }: SlurmProject, id: JobId) {
  return repo.runs.read(id).document.facts;
}

describe("submitting", () => {
  it("hands a run to sbatch under a name of its own, with what is to be reserved", async () => {
    const project = await start();
    const id = await project.addOne(
      ...["--sp", "n=1", "--command", "true", "--mem", "4G", "--time", "90m", "--gpus", "a100:2"],
      ...["--sbatch=--constraint=avx2"],
    );

    expect(await project.tick()).toEqual([]);

    const { args, name, folder, script } = project.slurm.job(1);
    expect(name).toBe(`aexp-${id}-1`);
    expect(folder).toBe(join(project.repo.runs.workspaceOf(id), ".aexp", "attempt-1"));
    expect(args).toEqual([
      "--mem=4G",
      "--gpus=a100:2",
      "--time=90",
      "--constraint=avx2",
      "--parsable",
      "--no-requeue",
      `--job-name=${name}`,
      `--chdir=${folder}`,
      `--output=${folder}/slurm.log`,
      "--open-mode=append",
      script,
    ]);
    expect(await project.store.task(id)).toMatchObject({ state: "submitted", attempt: 1, lease: undefined });
    expect(facts(project, id)).toMatchObject({ status: "queued" });
    expect(project.events).toEqual([{ kind: "submitted", jobId: id, schedulerJobId: "1", isFound: false }]);
  });

  it("never has more in the scheduler than the lane allows", async () => {
    const project = await start();
    await project.store.setLane("default", { maxRunning: 4 });
    await project.add("--sweep", "n=1..9", "--command", "true");
    const active = (): readonly number[] =>
      project.slurm.jobs().flatMap(({ id, end }) => (end === "Unknown" ? [id] : []));

    for (let ended = 0; ended < 9;) {
      await project.tick();
      expect(active().length).toBe(Math.min(4, 9 - ended));
      for (const id of active().slice(0, 2)) {
        project.slurm.end(id, "CANCELLED by 0");
        ended += 1;
      }
    }

    expect(project.slurm.calls("sbatch")).toHaveLength(9);
  });

  it("fails a run that sbatch refuses, with sbatch's words", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    project.slurm.fail("sbatch", "sbatch: error: Batch job submission failed: Invalid partition name specified\n");

    await project.tick();

    expect(facts(project, id)).toMatchObject({
      status: "failed",
      reason: {
        code: "spawn_error",
        message: "sbatch refused it: Batch job submission failed: Invalid partition name specified",
      },
    });
  });

  it("keeps a run, and its attempt, while there is no clear answer", async () => {
    const project = await start();
    const [id] = await project.add("--sweep", "n=1..3", "--command", "true");
    if (id === undefined) throw new Error("no run");
    project.slurm.fail("sbatch", "sbatch: error: Unable to contact slurm controller (connect failure)\n");

    for (let look = 0; look < 3; look += 1) {
      expect(await project.tick()).toEqual([expect.stringContaining("Unable to contact slurm controller")]);
    }
    expect(await project.store.tasks({ states: ["submitting"] })).toMatchObject([{ id, attempt: 1 }]);
    project.slurm.fail("sbatch", undefined);
    expect(await project.tick()).toEqual([]);

    expect(project.slurm.jobs().map(({ name }) => name)).toContain(`aexp-${id}-1`);
    expect(project.slurm.jobs()).toHaveLength(3);
  });

  it("submits nothing while the controller is down", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    project.slurm.set("down");

    expect(await project.tick()).toEqual([expect.stringContaining("nothing is submitted")]);

    expect(await project.stateOf(id)).toBe("queued");
    expect(project.slurm.jobs()).toEqual([]);
  });

  it("says how to get SLURM's commands where there are none", async () => {
    const project = await makeSlurmProject({ PATH: "/nonexistent" });
    await project.store.setLane("default", { maxRunning: 1 });

    expect(await project.tick()).toEqual([expect.stringContaining("there is no program scontrol")]);
  });

  it("leaves local lanes to workers", async () => {
    const project = await start();
    await project.store.setLane("here", {});
    const id = await project.addOne("--sp", "n=1", "--lane", "here", "--command", "true");

    await project.tick();

    expect(await project.stateOf(id)).toBe("queued");
    expect(project.slurm.jobs()).toEqual([]);
  });
});

describe("following", () => {
  it("takes over that a job runs and how it ends, with its times", async () => {
    const project = await start();
    const id = await project.addOne(
      "--sp",
      "n=1",
      "--command",
      "echo hi; echo '{{\"loss\": 0.5}}' >> $AEXP_METRICS_FILE",
    );
    await project.tick();
    await project.tick();
    expect(await project.stateOf(id)).toBe("submitted");

    project.slurm.run(1);
    await project.tick();
    expect(facts(project, id)).toMatchObject({ status: "running", attempt: 1 });

    expect(execute(project, 1)).toBe(0);
    project.slurm.end(1);
    await project.tick();

    expect(facts(project, id)).toMatchObject({
      status: "complete",
      exit_code: 0,
      summary_metrics: { loss: 0.5 },
      attempts: [{ n: 1, status: "complete", exit_code: 0 }],
    });
    expect(project.repo.attempts.logTail(id, 1, "stdout", 100)).toBe("hi\n");
    expect(project.repo.ledger.listJobIds()).toEqual([id]);
  });

  it.each([
    { state: "CANCELLED by 0", reason: { code: "signal", message: "cancelled in SLURM by user 0" } },
    { state: "TIMEOUT", reason: { code: "timeout" } },
    { state: "OUT_OF_MEMORY", code: "0:125", reason: { code: "oom" } },
    { state: "NODE_FAIL", reason: { code: "lost" } },
    { state: "PREEMPTED", reason: { code: "interrupted" } },
    { state: "BOOT_FAIL", reason: { code: "spawn_error" } },
    { state: "DEADLINE", reason: { code: "timeout" } },
  ])("fails a run whose job ended as $state", async ({ state, code = "0:0", reason }) => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    project.slurm.end(1, state, code);

    await project.tick();

    expect(facts(project, id)).toMatchObject({ status: "failed", reason });
  });

  it("asks in one call, without steps, and ignores a number that is another job's by now", async () => {
    const project = await start();
    const ids = await project.add("--sweep", "n=1..3", "--command", "true");
    await project.tick();
    for (const id of [1, 2, 3]) project.slurm.run(id);
    project.slurm.change(2, { name: "somebody-elses" });
    project.slurm.end(2, "FAILED", "1:0");

    await project.tick();

    expect(project.slurm.calls("sacct")).toEqual([
      ["sacct", "-X", "-n", "-P", expect.stringMatching(/^--format=/), "--jobs=1,2,3"],
    ]);
    expect(await Promise.all(ids.map(project.stateOf))).toEqual(["running", "submitted", "running"]);
  });

  it("asks for many jobs in chunks", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    const known = Array.from({ length: 450 }, (_, n) => ({ schedulerJobId: String(n + 1), jobId: id, attempt: 1 }));

    await project.batch.poll(known);

    expect(project.slurm.calls("sacct")).toHaveLength(3);
  });

  it("decides nothing by words that it does not know, and says so once", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    const reconciler = project.reconciler();
    await reconciler.tick();
    for (const state of ["REVOKED", "WHATEVER", ""]) {
      project.slurm.change(1, { state });
      await reconciler.tick();
      await reconciler.tick();
    }
    // A final word without a time is not final.
    project.slurm.change(1, { state: "FAILED", code: "0:0", end: "Unknown" });
    await reconciler.tick();

    expect(await project.stateOf(id)).toBe("submitted");
    expect(project.events.flatMap((event) => (event.kind === "problem" ? [event.message] : []))).toEqual([
      "job 1 is REVOKED, which decides nothing",
      "job 1 is WHATEVER, which decides nothing",
      "job 1 is no state, which decides nothing",
      "job 1 is FAILED without an end, which decides nothing",
    ]);
  });

  it("changes nothing while sacct fails, and asks once a look", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    project.slurm.end(1, "FAILED", "1:0");
    project.slurm.fail("sacct", "sacct: error: slurmdbd: Connection refused\n");

    expect(await project.tick()).toEqual([expect.stringContaining("Connection refused")]);
    expect(await project.tick()).toEqual([expect.stringContaining("Connection refused")]);

    expect(project.slurm.calls("sacct")).toHaveLength(2);
    expect(await project.stateOf(id)).toBe("submitted");
    project.slurm.fail("sacct", undefined);
    await project.tick();
    expect(await project.stateOf(id)).toBe("failed");
  });

  it("waits a day for a job that SLURM does not know, and then gives it up", async () => {
    const project = await start();
    const [late, gone] = await project.add("--sweep", "n=1..2", "--command", "true");
    if (late === undefined || gone === undefined) throw new Error("no runs");
    await project.tick();
    project.slurm.change(1, { isLate: true });
    project.slurm.change(2, { isLate: true });
    await project.tick();
    project.advance(23 * HOUR_MS);
    await project.tick();
    expect(await project.stateOf(late)).toBe("submitted");
    project.slurm.change(1, { isLate: false, state: "RUNNING" });
    await project.tick();
    expect(await project.stateOf(late)).toBe("running");
    project.slurm.change(1, { isLate: true });

    project.advance(2 * HOUR_MS);
    await project.tick();

    expect(await project.stateOf(late)).toBe("running");
    expect(facts(project, gone)).toMatchObject({ status: "failed", reason: { code: "scheduler_unknown" } });
  });

  it("gathers what the job left before the run is complete", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    project.slurm.end(1);

    await project.tick();
    expect(await project.stateOf(id)).toBe("finalizing");
    expect(facts(project, id)).toMatchObject({ status: "running" });
    execute(project, 1);
    await project.tick();

    expect(await project.stateOf(id)).toBe("complete");
  });

  it("does not wait for ever for what a job left", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    project.slurm.end(1);
    await project.tick();

    project.advance(31_000);
    await project.tick();

    expect(await project.stateOf(id)).toBe("complete");
  });

  it("repeats lost work in a new attempt, with a job of a new name, where the lane says so", async () => {
    const project = await start();
    await project.store.setLane("default", { onLost: "requeue" });
    const id = await project.addOne("--sp", "n=1", "--retries", "1", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    project.slurm.end(1, "NODE_FAIL");
    await project.tick();
    expect(await project.stateOf(id)).toBe("queued");

    project.advance(60_000);
    await project.tick();

    expect(project.slurm.jobs().map(({ name }) => name)).toEqual([`aexp-${id}-1`, `aexp-${id}-2`]);
    expect(existsSync(join(project.repo.runs.workspaceOf(id), ".aexp", "attempt-2", "batch.json"))).toBe(true);
  });

  it("starts what needs a job's run, here or there", async () => {
    const project = await start();
    await project.store.setLane("here", {});
    await project.add("--sp", "n=1", "--name", "first", "--command", "true");
    const local = await project.addOne("--sp", "n=2", "--needs", "first", "--lane", "here", "--command", "true");
    const third = await project.addOne("--sp", "n=3", "--needs", "first", "--command", "true");
    await project.tick();
    expect(project.slurm.jobs()).toHaveLength(1);
    execute(project, 1);
    project.slurm.run(1);
    project.slurm.end(1);

    await project.tick();

    expect(await project.stateOf(local)).toBe("queued");
    expect(await project.stateOf(third)).toBe("submitted");
  });
});

describe("stopping", () => {
  it("cancels jobs that are to stop, and records them as stopped", async () => {
    const project = await start();
    const [waiting, running] = await project.add("--sweep", "n=1..2", "--command", "true");
    if (waiting === undefined || running === undefined) throw new Error("no runs");
    await project.tick();
    project.slurm.run(2);
    await project.tick();
    const reason = { code: "operator_stop", message: "stopped by ana" } as const;
    await project.store.requestStop([waiting, running], "graceful", reason);

    await project.tick();

    expect(project.slurm.calls("scancel")).toEqual([["scancel", "--quiet", "1", "2"]]);
    expect(facts(project, waiting)).toMatchObject({ status: "stopped", reason });
    expect(facts(project, running)).toMatchObject({ status: "stopped", reason });
  });

  it("lets a success stand that came before the stop", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    execute(project, 1);
    project.slurm.run(1);
    project.slurm.end(1);
    await project.store.requestStop([id], "graceful", { code: "operator_stop", message: "stopped" });

    await project.tick();

    expect(facts(project, id)).toMatchObject({ status: "complete" });
  });

  it("cancels a job whose lock was taken away", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--resource", "gpu", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    await project.tick();
    expect(project.slurm.calls("sbatch")).toHaveLength(1);

    await project.store.breakLock("gpu");
    await project.tick();

    expect(facts(project, id)).toMatchObject({ status: "failed", reason: { code: "lost" } });
  });
});

describe("recovering", () => {
  it("finds the job of an agent that was killed between sbatch and its commit", async () => {
    const project = await start();
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
    const project = await start();
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
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    const claim = await project.store.claim({
      ...{ workerId: "died", owner: currentUser(), machine: project.repo.machineLabel, executors: ["slurm"] },
      ...{ filter: { mode: "any" }, leaseMs: 1, token: "t" },
    });
    const spec = { jobId: id, attempt: 1, argv: ["true"], cwd: project.root, env: {}, compute: {} };
    const times = { codePatch: undefined, timeoutMs: undefined, heartbeatMs: 1000, graceMs: 1000 };
    expect(claim?.task.id).toBe(id);
    await project.batch.prepare({ ...spec, ...times });
    await project.batch.submit({ ...spec, ...times });
    project.slurm.copy(1, 2);
    project.slurm.copy(1, 3);
    if (begun !== undefined) execute(project, begun);

    project.advance(1000);
    await project.tick();

    expect(project.slurm.calls("scancel")).toEqual([["scancel", "--quiet", ...cancelled]]);
    expect(await project.store.attempts(id)).toMatchObject([{ n: 1, schedulerJobId: kept }]);
    expect(project.slurm.jobs()).toHaveLength(3);
  });

  it("follows the job that was faster when two were submitted for an attempt", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.copy(1, 2);
    execute(project, 2);
    expect(execute(project, 1)).toBe(1);
    project.slurm.end(1, "FAILED", "1:0");
    project.slurm.end(2);

    await project.tick();
    await project.tick();

    expect(await project.stateOf(id)).toBe("complete");
    expect(await project.store.attempts(id)).toMatchObject([{ schedulerJobId: "2", outcome: "complete" }]);
  });

  it("takes no job for its own that is another clone's", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.change(1, { folder: "/elsewhere/.runs/workspace/x/.aexp/attempt-1" });

    expect(await project.batch.find(id, 1, 0)).toEqual([]);
  });

  it("submits every run once when several look at the same time", async () => {
    const project = await start();
    await project.add("--sweep", "n=1..12", "--command", "true");

    await Promise.all(Array.from({ length: 3 }, () => project.reconciler().tick()));

    const names = project.slurm.jobs().map(({ name }) => name);
    expect(names).toHaveLength(12);
    expect(new Set(names).size).toBe(12);
  });
});

describe("without accounting", () => {
  it("asks the controller, and the record of the run when the controller has forgotten", async () => {
    const project = await start();
    project.slurm.set("no-accounting");
    const [seen, forgotten] = await project.add("--sweep", "n=1..2", "--command", "exit {n}");
    if (seen === undefined || forgotten === undefined) throw new Error("no runs");
    await project.tick();
    for (const id of [1, 2]) project.slurm.run(id);
    await project.tick();
    expect(await project.stateOf(seen)).toBe("running");
    expect(execute(project, 1)).toBe(1);
    expect(execute(project, 2)).toBe(2);
    project.slurm.end(1, "FAILED", "1:0");
    project.slurm.change(2, { isForgotten: true });

    await project.tick();

    expect(facts(project, seen)).toMatchObject({ status: "failed", exit_code: 1 });
    expect(facts(project, forgotten)).toMatchObject({ status: "failed", exit_code: 2 });
  });
});

describe("a job", () => {
  it("executes its command once, and ends again as it has ended", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "echo x >> {workspace}/times; exit 4");
    await project.tick();

    expect(execute(project, 1)).toBe(4);
    expect(execute(project, 1)).toBe(4);

    expect(readFileSync(join(project.repo.runs.workspaceOf(id), "times"), "utf8")).toBe("x\n");
  });

  it("leaves an attempt alone that another job carries out", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "echo x >> {workspace}/times");
    await project.tick();
    project.slurm.copy(1, 2);

    expect(execute(project, 2)).toBe(0);
    expect(execute(project, 1)).toBe(1);

    expect(readFileSync(join(project.repo.runs.workspaceOf(id), "times"), "utf8")).toBe("x\n");
  });

  it("puts on record that it was killed, and ends what it left", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", ": {job_id}; kill -9 $PPID; sleep 60");
    await project.tick();

    expect(execute(project, 1)).toBe(1);

    expect(project.batch.traces(id, 1).end).toMatchObject({ cause: { kind: "lost" } });
    expect(
      execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })
        .split("\n")
        .filter((line) => line.includes(id)),
    ).toEqual([]);
    project.slurm.run(1);
    project.slurm.end(1, "FAILED", "1:0");
    await project.tick();
    expect(facts(project, id)).toMatchObject({ status: "failed", reason: { code: "lost" } });
  });

  it("says that its node sees neither folder nor program", async () => {
    const project = await start();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    const { script, folder } = project.slurm.job(1);
    const text = readFileSync(script, "utf8").replace(/^program=.*$/m, "program=/nonexistent/node");
    writeFileSync(join(folder, "slurm.log"), spawnSync("/bin/sh", ["-c", text]).stderr);
    project.slurm.run(1);
    project.slurm.end(1, "FAILED", "72:0");

    await project.tick();

    expect(facts(project, id)).toMatchObject({
      status: "failed",
      reason: {
        code: "spawn_error",
        message: expect.stringMatching(/could not start: on \S+, there is no program \/nonexistent\/node: install/),
      },
    });
  });

  it("works in folders of any name", async () => {
    const project = await start();
    const odd = join(project.root, 'it\'s $HOME %j "odd"');
    mkdirSync(odd);
    execFileSync("git", ["init", "--quiet", odd]);
    await runCli(odd, ["install", "--yes", "--no-kb"], { env: project.env });
    const flags = ["--experiment", "E001", "--sp", "n=1", "--command", "echo hi", "--json"];
    const submitted = await runCli(odd, ["slurm", "submit", ...flags], { env: project.env });
    const { runs, slurm } = JSON.parse(submitted.stdout);

    expect(slurm).toMatchObject({ submitted: 1, problems: [] });
    expect(project.slurm.job(1).args).toContainEqual(expect.stringContaining("%%j"));
    expect(execute(project, 1)).toBe(0);
    project.slurm.run(1);
    project.slurm.end(1);
    await runCli(odd, ["slurm", "reconcile"], { env: project.env });
    const shown = await runCli(odd, ["runs", "show", runs[0].job_id, "--json"], { env: project.env });
    expect(JSON.parse(shown.stdout)).toMatchObject({ status: "complete" });
  });
});
