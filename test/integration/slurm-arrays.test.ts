import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import type { JobId } from "../../src/run/job-id.ts";
import { type FakeProject, makeFakeProject, withPrepare } from "../helpers/slurm-project.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");
const TIMES = ["--command", "echo x >> {workspace}/times"];

const TIME = "2026-11-21T12:00:00";

async function makeArrayProject(size?: number): Promise<FakeProject> {
  const project = await makeFakeProject();
  project.slurm.allowArrays(size);
  return project;
}

function timesOf({ repo }: FakeProject, id: JobId): string {
  return readFileSync(join(repo.runs.workspaceOf(id), "times"), "utf8");
}

function arraysOf({ repo }: FakeProject): readonly string[] {
  const place = join(repo.runs.path, ".aexp", "arrays");
  return existsSync(place) ? readdirSync(place) : [];
}

async function jobsOf({ store }: FakeProject, ids: readonly JobId[]): Promise<readonly (string | undefined)[]> {
  return await Promise.all(ids.map(async (id) => (await store.attempts(id)).at(-1)?.schedulerJobId));
}

describe("submitting together", () => {
  it("hands runs of equal resources over as one array, of which each element is bound to one run", async () => {
    const project = await makeArrayProject();
    const ids = await project.add("--sweep", "n=1..5", "--mem", "1G", ...TIMES);
    const other = await project.addOne("--sp", "n=9", "--mem", "2G", ...TIMES);

    expect(await project.tick()).toEqual([]);

    const [array] = arraysOf(project);
    const place = join(project.repo.runs.path, ".aexp", "arrays", array ?? "");
    expect(project.slurm.calls("sbatch")).toEqual([
      [
        "sbatch",
        "--mem=1G",
        "--parsable",
        "--no-requeue",
        `--job-name=${array}`,
        `--chdir=${place}`,
        `--output=${place}/%a/slurm.log`,
        "--open-mode=append",
        "--array=0,1,2,3,4",
        join(place, "array.sh"),
      ],
      expect.arrayContaining(["--mem=2G", `--job-name=aexp-${other}-1`]),
    ]);
    expect(ids.map((_, index) => readlinkSync(join(place, String(index))))).toEqual(
      ids.map((id) => join(project.repo.runs.workspaceOf(id), ".aexp", "attempt-1")),
    );
    expect(await jobsOf(project, ids)).toEqual(["1_0", "1_1", "1_2", "1_3", "1_4"]);
    expect(await project.store.tasks({ states: ["submitted"] })).toHaveLength(6);
  });

  it("makes arrays no longer than the site allows", async () => {
    const project = await makeArrayProject(3);
    const ids = await project.add("--sweep", "n=1..7", ...TIMES);

    await project.tick();

    expect(await jobsOf(project, ids)).toEqual(["1_0", "1_1", "1_2", "4_0", "4_1", "4_2", "7"]);
    expect(project.slurm.calls("sbatch").map((call) => call.find((arg) => arg.startsWith("--array")))).toEqual([
      "--array=0,1,2",
      "--array=0,1,2",
      undefined,
    ]);
  });

  it("never has more in the scheduler than the lane allows", async () => {
    const project = await makeArrayProject();
    await project.store.setLane("default", { maxRunning: 4 });
    await project.add("--sweep", "n=1..9", "--command", "true");
    const active = (): readonly number[] =>
      project.slurm.jobs().flatMap(({ id, end }) => (end === "Unknown" ? [id] : []));

    for (let ended = 0; ended < 9;) {
      await project.tick();
      expect(active().length).toBe(Math.min(4, 9 - ended));
      for (const id of active().slice(0, 2)) {
        project.slurm.run(id);
        project.slurm.end(id, "CANCELLED by 0");
        ended += 1;
      }
    }

    expect(project.slurm.jobs()).toHaveLength(9);
  });

  it("submits one by one where arrays are refused", async () => {
    const project = await makeArrayProject();
    project.slurm.set("no-arrays");
    const ids = await project.add("--sweep", "n=1..3", ...TIMES);

    expect(await project.tick()).toEqual([]);

    expect(await jobsOf(project, ids)).toEqual(["1", "2", "3"]);
  });

  it("leaves out what is to stop, and what somebody else has taken over", async () => {
    const project = await makeArrayProject();
    const [stopped, taken, ...rest] = await project.add("--sweep", "n=1..4", ...TIMES);
    if (stopped === undefined || taken === undefined) throw new Error("no runs");
    const batch = withPrepare(project.batch, async (spec) => {
      const isNew = await project.batch.prepare(spec);
      // What happens while folders are written.
      if (spec.jobId === stopped) {
        await project.store.requestStop([stopped], "graceful", { code: "operator_stop", message: "stopped" });
      }
      const { lease } = (await project.store.task(taken)) ?? {};
      if (spec.jobId === taken && lease !== undefined) {
        await project.store.adopt(taken, lease.token, { workerId: "other", token: "theirs", leaseMs: 60_000 });
      }
      return isNew;
    });

    await project.tick({}, batch);

    expect(await project.stateOf(stopped)).toBe("stopped");
    expect(await project.store.task(taken)).toMatchObject({ state: "submitting", lease: { token: "theirs" } });
    expect(await jobsOf(project, rest)).toEqual(["1_0", "1_1"]);
    expect(project.slurm.jobs()).toHaveLength(2);
  });
});

describe("elements of an array", () => {
  it("execute their own runs, each once, and end each in its way", async () => {
    const project = await makeArrayProject();
    const ids = await project.add("--sweep", "n=0..3", "--command", "echo x >> {workspace}/times; exit {n}");
    await project.tick();
    for (const [at, job] of project.slurm.jobs().entries()) {
      project.slurm.run(job.id);
      expect(project.execute(job.id)).toBe(at);
      expect(project.execute(job.id)).toBe(at);
      project.slurm.end(job.id, at === 0 ? "COMPLETED" : "FAILED", `${at}:0`);
    }

    await project.tick();

    for (const [at, id] of ids.entries()) {
      expect(project.factsOf(id)).toMatchObject({ status: at === 0 ? "complete" : "failed", exit_code: at });
      expect(timesOf(project, id)).toBe("x\n");
    }
    expect(arraysOf(project)).toEqual([]);
  });

  it("are asked for by their array, and are nothing before they are told of one by one", async () => {
    const project = await makeArrayProject();
    const ids = await project.add("--sweep", "n=1..3", "--command", "true");
    await project.tick();
    project.slurm.run(2);
    await project.tick();

    expect(await Promise.all(ids.map(project.stateOf))).toEqual(["submitted", "running", "submitted"]);
    expect(project.slurm.calls("sacct").at(-1)).toContain("--jobs=1");
    // Right after its end, an array was seen in one line that hid a failed element.
    for (const { id } of project.slurm.jobs()) project.slurm.change(id, { isLate: true });
    project.slurm.printAlso("sacct", `1|${project.slurm.job(1).name}|COMPLETED|0:0|${TIME}|${TIME}|/`);
    await project.tick();

    expect(await Promise.all(ids.map(project.stateOf))).toEqual(["submitted", "running", "submitted"]);
  });

  it("are cancelled one by one", async () => {
    const project = await makeArrayProject();
    const [waiting, running, other] = await project.add("--sweep", "n=1..3", ...TIMES);
    if (waiting === undefined || running === undefined || other === undefined) throw new Error("no runs");
    await project.tick();
    project.slurm.run(2);
    await project.tick();
    const reason = { code: "operator_stop", message: "stopped by ana" } as const;
    await project.store.requestStop([waiting, running], "graceful", reason);

    await project.tick();

    expect(project.slurm.calls("scancel")).toEqual([["scancel", "--quiet", "1_0", "1_1"]]);
    expect(project.factsOf(running)).toMatchObject({ status: "stopped", reason });
    // An element that waited leaves no record; that nobody lists it must be enough.
    expect(project.factsOf(waiting)).toMatchObject({ status: "stopped", reason });
    expect(await project.stateOf(other)).toBe("submitted");
    // Should its job come after all, it executes nothing.
    expect(project.execute(1)).toBe(1);
    expect(existsSync(join(project.repo.runs.workspaceOf(waiting), "times"))).toBe(false);
  });

  it("that vanish while they wait have failed, but not at once, and not without the controller's word", async () => {
    const project = await makeArrayProject();
    const [gone] = await project.add("--sweep", "n=1..2", ...TIMES);
    if (gone === undefined) throw new Error("no runs");
    await project.tick();
    project.slurm.change(1, { isForgotten: true });
    project.slurm.fail("squeue", "slurm_load_jobs error: Unable to contact slurm controller\n");
    await project.tick();
    project.advance(120_000);
    await project.tick();
    expect(await project.stateOf(gone)).toBe("submitted");
    project.slurm.fail("squeue", undefined);

    await project.tick();

    expect(project.factsOf(gone)).toMatchObject({
      status: "failed",
      reason: { code: "signal", message: "cancelled in SLURM before it began" },
    });
    expect(project.execute(1)).toBe(1);
  });
});

describe("arrays and agents that die", () => {
  it("are found again after a kill between sbatch and the commit, element by element", async () => {
    const project = await makeArrayProject();
    const ids = await project.add("--sweep", "n=1..5", ...TIMES);
    project.slurm.set("die-after-sbatch");
    const killed = spawnSync(process.execPath, [MAIN, "slurm", "reconcile"], {
      cwd: project.root,
      env: { ...process.env, ...project.env, AEXP_LEASE_S: "0.5" },
    });
    expect(killed.signal).toBe("SIGKILL");
    expect(await project.store.tasks({ states: ["submitting"] })).toHaveLength(5);
    project.slurm.set("die-after-sbatch", false);

    project.advance(60_000);
    await project.tick();

    expect(project.slurm.jobs()).toHaveLength(5);
    expect(await jobsOf(project, ids)).toEqual(["1_0", "1_1", "1_2", "1_3", "1_4"]);
    expect(project.events.every((event) => event.kind === "submitted" && event.isFound)).toBe(true);
    expect(project.slurm.calls("squeue")).toHaveLength(1);
  });

  it("are submitted together once more when nobody knows of them, and then found by either name", async () => {
    const project = await makeArrayProject();
    const ids = await project.add("--sweep", "n=1..3", ...TIMES);
    project.slurm.fail("sbatch", "sbatch: error: Socket timed out on send/recv operation\n");
    await project.tick();
    project.slurm.fail("sbatch", undefined);

    await project.tick();
    for (const { id } of project.slurm.jobs()) project.slurm.run(id);
    await project.tick();

    expect(await jobsOf(project, ids)).toEqual(["1_0", "1_1", "1_2"]);
    expect(await Promise.all(ids.map(project.stateOf))).toEqual(["running", "running", "running"]);
    const found = await project.batch.find(
      ids.map((jobId) => ({ jobId, attempt: 1 })),
      0,
    );
    expect(found).toEqual([["1_0"], ["1_1"], ["1_2"]]);
  });

  it("submit every run once when several look at the same time", async () => {
    const project = await makeArrayProject();
    const ids = await project.add("--sweep", "n=1..12", ...TIMES);

    await Promise.all(Array.from({ length: 3 }, () => project.reconciler().tick()));
    for (const { id } of project.slurm.jobs()) project.execute(id);

    expect(project.slurm.jobs()).toHaveLength(12);
    expect(new Set(await jobsOf(project, ids)).size).toBe(12);
    for (const id of ids) expect(timesOf(project, id)).toBe("x\n");
  });
});
