import { existsSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { AexpError } from "../../src/model/errors.ts";
import { git } from "../helpers/git-repo.ts";
import { makeFakeProject, makeSlurmProject, withPrepare } from "../helpers/slurm-project.ts";

const HOUR_MS = 3_600_000;

describe("submitting", () => {
  it("hands a run to sbatch under a name of its own, with what is to be reserved", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne(
      ..."--sp n=1 --mem 4G --time 90m --gpus a100:2 --sbatch=--constraint=avx2 --command true".split(" "),
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
    expect(project.factsOf(id)).toMatchObject({ status: "queued" });
    expect(project.events).toEqual([{ kind: "submitted", jobId: id, schedulerJobId: "1", isFound: false }]);
  });

  it("never has more in the scheduler than the lane allows", async () => {
    const project = await makeFakeProject();
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
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    project.slurm.fail("sbatch", "sbatch: error: Batch job submission failed: Invalid partition name specified\n");

    await project.tick();

    expect(project.factsOf(id)).toMatchObject({
      status: "failed",
      reason: {
        code: "spawn_error",
        message: "sbatch refused it: Batch job submission failed: Invalid partition name specified",
      },
    });
  });

  it("keeps a run, and its attempt, while there is no clear answer", async () => {
    const project = await makeFakeProject();
    const ids = await project.add("--sweep", "n=1..3", "--command", "true");
    project.slurm.fail("sbatch", "sbatch: error: Unable to contact slurm controller (connect failure)\n");

    for (let look = 0; look < 3; look += 1) {
      expect(await project.tick()).toEqual([expect.stringContaining("Unable to contact slurm controller")]);
    }
    expect(await project.store.tasks({ states: ["submitting"] })).toMatchObject(ids.map((id) => ({ id, attempt: 1 })));
    project.slurm.fail("sbatch", undefined);
    expect(await project.tick()).toEqual([]);

    expect(project.slurm.jobs().map(({ name }) => name)).toEqual(ids.map((id) => `aexp-${id}-1`));
  });

  it("blames no run when the disk is full", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    const full = { code: "environment.disk_full" } as const;
    const batch = withPrepare(project.batch, () => Promise.reject(new AexpError("no space left", full)));

    expect(await project.tick({}, batch)).toEqual(["no space left"]);
    expect(await project.stateOf(id)).toBe("submitting");
    await project.tick();

    expect(await project.store.task(id)).toMatchObject({ state: "submitted", attempt: 1 });
  });

  it("notes how the code differs that a job is submitted with", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    git(project.root, "commit", "--quiet", "--allow-empty", "--message", "change");

    await project.tick();
    project.slurm.run(1);
    await project.tick();

    const difference = expect.stringMatching(/^HEAD is \w{8}, and was \w{8} when it was queued$/);
    expect(project.factsOf(id)).toMatchObject({ status: "running", queue: { code_diff_summary: difference } });
    project.execute(1);
    project.slurm.end(1);
    await project.tick();
    expect(project.factsOf(id)).toMatchObject({ status: "complete", queue: { code_diff_summary: difference } });
  });

  it("submits nothing while the controller is down", async () => {
    const project = await makeFakeProject();
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
    const project = await makeFakeProject();
    await project.store.setLane("here", {});
    const id = await project.addOne("--sp", "n=1", "--lane", "here", "--command", "true");

    await project.tick();

    expect(await project.stateOf(id)).toBe("queued");
    expect(project.slurm.jobs()).toEqual([]);
  });
});

describe("following", () => {
  it("takes over that a job runs and how it ends, with its times", async () => {
    const project = await makeFakeProject();
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
    expect(project.factsOf(id)).toMatchObject({ status: "running", attempt: 1 });

    expect(project.execute(1)).toBe(0);
    project.slurm.end(1);
    await project.tick();

    expect(project.factsOf(id)).toMatchObject({
      status: "complete",
      exit_code: 0,
      summary_metrics: { loss: 0.5 },
      attempts: [{ n: 1, status: "complete", exit_code: 0, host: hostname() }],
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
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    project.slurm.end(1, state, code);

    await project.tick();

    expect(project.factsOf(id)).toMatchObject({ status: "failed", reason });
  });

  it("asks in one call, without steps, and ignores a number that is another job's by now", async () => {
    const project = await makeFakeProject();
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
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    const known = Array.from({ length: 450 }, (_, n) => ({ schedulerJobId: String(n + 1), jobId: id, attempt: 1 }));

    await project.batch.poll(known);

    expect(project.slurm.calls("sacct")).toHaveLength(3);
  });

  it("decides nothing by words that it does not know, and says so once", async () => {
    const project = await makeFakeProject();
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
    const project = await makeFakeProject();
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
    const project = await makeFakeProject();
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
    expect(project.factsOf(gone)).toMatchObject({ status: "failed", reason: { code: "scheduler_unknown" } });
  });

  it("gathers what the job left before the run is complete", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.run(1);
    project.slurm.end(1);

    await project.tick();
    expect(await project.stateOf(id)).toBe("finalizing");
    expect(project.factsOf(id)).toMatchObject({ status: "running" });
    project.execute(1);
    await project.tick();

    expect(await project.stateOf(id)).toBe("complete");
  });

  it("does not wait for ever for what a job left", async () => {
    const project = await makeFakeProject();
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
    const project = await makeFakeProject();
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
    const project = await makeFakeProject();
    await project.store.setLane("here", {});
    await project.add("--sp", "n=1", "--name", "first", "--command", "true");
    const local = await project.addOne("--sp", "n=2", "--needs", "first", "--lane", "here", "--command", "true");
    const third = await project.addOne("--sp", "n=3", "--needs", "first", "--command", "true");
    await project.tick();
    expect(project.slurm.jobs()).toHaveLength(1);
    project.execute(1);
    project.slurm.run(1);
    project.slurm.end(1);

    await project.tick();

    expect(await project.stateOf(local)).toBe("queued");
    expect(await project.stateOf(third)).toBe("submitted");
  });
});
