import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli } from "../helpers/cli.ts";
import { startAexp } from "../helpers/aexp-process.ts";
import { type FakeProject, makeFakeProject } from "../helpers/slurm-project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const CHAIN = `
name: chain
stages:
  one:
    command: echo 1 > {outputs.out}
    outputs: {out: {path: out.txt}}
  two:
    command: cat {inputs.one} > {outputs.out}
    inputs: {one: {stage: one}}
    outputs: {out: {path: out.txt}}
`;

async function run({ root, slurm }: FakeProject, ...argv: readonly string[]) {
  return await runCli(root, argv, { env: slurm.env });
}

/** Something of everything that can be asked for. */
const WANTED = {
  cpus: "2",
  mem: "8G",
  gpus: "a100:2",
  time: "2:00:00",
  nodes: "1-2",
  partition: "wide",
  qos: "low",
  account: "lab",
  exclude: "n1,n[4-6]",
  sbatch: "--constraint=avx2",
};

/** The checks of SLURM, with what came of them. */
function namesOf(stdout: string): readonly string[] {
  const checks: { name: string; state: string }[] = JSON.parse(stdout);
  return checks.flatMap(({ name, state }) => (name.startsWith("slurm") ? [`${name}: ${state}`] : []));
}

describe("aexp slurm submit", () => {
  it("queues runs for SLURM whatever their lane says, and submits them at once", async () => {
    const project = await makeFakeProject();
    await project.store.setLane("here", { maxRunning: 2 });
    const flags = ["--experiment", "E001", "--sweep", "n=1..3", "--lane", "here", "--cpus", "2"];

    const submitted = await run(project, "slurm", "submit", ...flags, "--", "true");

    expect(submitted.stdout).toMatch(/queued 3 runs as group \w+\n2 submitted\n$/);
    expect(submitted.stderr).toMatch(/^\w{8} submitted as job 1\n\w{8} submitted as job 2\n$/);
    expect(project.slurm.job(1).args).toContain("--cpus-per-task=2");
    const again = await run(project, "slurm", "reconcile", "--json");
    expect(JSON.parse(again.stdout)).toEqual({ submitted: 0, started: 0, cancelled: 0, ended: 0, problems: [] });
    expect(await run(project, "slurm", "reconcile")).toMatchObject({ stdout: "nothing has changed\n", exitCode: 0 });
  });

  it("shows what it would do", async () => {
    const project = await makeFakeProject();

    const shown = await run(
      project,
      "slurm",
      "submit",
      "--experiment",
      "E001",
      "--sp",
      "n=1",
      "--dry-run",
      "--",
      "true",
    );

    expect(shown.exitCode).toBe(0);
    expect(await project.store.tasks({})).toEqual([]);
  });

  it("ends with 3 when something could not be done now", async () => {
    const project = await makeFakeProject();
    project.slurm.set("down");

    const submitted = await run(project, "slurm", "submit", "--experiment", "E001", "--sp", "n=1", "--", "true");

    expect(submitted.exitCode).toBe(3);
    expect(submitted.stderr).toContain("warning: nothing is submitted");
  });
});

describe("what SLURM reserves", () => {
  it("comes from the project, above it the experiment, the plan, and the flags", async () => {
    const project = await makeFakeProject();
    const { root } = project;
    const config = "executors:\n  slurm: { account: lab, mem: 1G, time: 10, sbatch: [--nice=1] }\n";
    writeFileSync(join(root, "aexp.yaml"), config);
    const notes = join(root, "kb", "research", "experiments");
    mkdirSync(notes, { recursive: true });
    writeFileSync(join(notes, "E001-fit.md"), "---\nslurm: { mem: 2G, cpus: 2, gpus: 1 }\n---\n# E001: Fit\n");
    const entry = "{ experiment: E001, sp: { n: 1 }, command: 'true', slurm: { cpus: 3, sbatch: --nice=3 } }";
    writeFileSync(join(root, "plan.yaml"), `version: 1\ndefaults: { slurm: { qos: low } }\nruns:\n  - ${entry}\n`);

    const added = await run(project, "queue", "add", "--plan", "plan.yaml", "--gpus", "v100:4");

    expect(added.stderr).toBe("");
    expect((await project.store.tasks({}))[0]?.spec.compute).toEqual({
      account: "lab",
      mem: "2G",
      time: "10",
      cpus: 3,
      gpus: "v100:4",
      qos: "low",
      sbatch: ["--nice=1", "--nice=3"],
    });
  });

  it.each(["flags", "a plan", "aexp.yaml", "an experiment"] as const)(
    "reaches sbatch whole from %s",
    async (source) => {
      const project = await makeFakeProject();
      const { root } = project;
      const yaml = `{ ${Object.entries(WANTED)
        .map(([key, value]) => `${key}: "${value}"`)
        .join(", ")} }`;
      const run1 = ["--experiment", "E001", "--sp", "n=1", "--command", "true"];
      const notes = join(root, "kb", "research", "experiments");
      mkdirSync(notes, { recursive: true });
      if (source === "aexp.yaml") writeFileSync(join(root, "aexp.yaml"), `executors:\n  slurm: ${yaml}\n`);
      const front = source === "an experiment" ? `slurm: ${yaml}\n` : "";
      writeFileSync(join(notes, "E001-fit.md"), `---\n${front}---\n# E001: Fit\n`);
      const entry = `{ experiment: E001, sp: { n: 1 }, command: 'true', slurm: ${yaml} }`;
      writeFileSync(join(root, "plan.yaml"), `version: 1\nruns:\n  - ${entry}\n`);
      const flags = Object.entries(WANTED).map(([key, value]) => `--${key}=${value}`);
      const argv = {
        flags: [...run1, ...flags],
        "a plan": ["--plan", "plan.yaml"],
        "aexp.yaml": run1,
        "an experiment": run1,
      };

      const added = await run(project, "queue", "add", ...argv[source]);
      await run(project, "slurm", "reconcile");

      expect(added.stderr).toBe("");
      expect(project.slurm.job(1).args.slice(0, 10)).toEqual([
        "--cpus-per-task=2",
        "--mem=8G",
        "--gpus=a100:2",
        "--time=2:00:00",
        "--nodes=1-2",
        "--partition=wide",
        "--qos=low",
        "--account=lab",
        "--exclude=n1,n[4-6]",
        "--constraint=avx2",
      ]);
    },
  );

  it("is the project's for what waited when its lane became SLURM's", async () => {
    const project = await makeFakeProject();
    await project.store.setLane("default", { executor: "local" });
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    writeFileSync(join(project.root, "aexp.yaml"), "executors: { slurm: { partition: main } }\n");

    const set = await run(project, "lane", "set", "default", "--executor", "slurm");
    await run(project, "slurm", "reconcile");

    expect(set.stdout).toContain("executed by SLURM");
    expect(await project.stateOf(id)).toBe("submitted");
    expect(project.slurm.job(1).args).toContain("--partition=main");
  });

  it("is nothing for runs of other lanes, and flags that would do nothing are refused", async () => {
    const project = await makeFakeProject();
    await project.store.setLane("here", {});
    const flags = ["--experiment", "E001", "--sp", "n=1", "--lane", "here", "--command", "true"];

    const refused = await run(project, "queue", "add", ...flags, "--mem", "4G");

    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("--mem is for SLURM, which does not serve the lane here. Nothing was queued");
    expect(await run(project, "queue", "add", ...flags, "--time", "soon")).toMatchObject({ exitCode: 2 });
    expect((await run(project, "queue", "add", ...flags)).exitCode).toBe(0);
    expect((await project.store.tasks({}))[0]?.spec.compute).toBeUndefined();
  });

  it("comes back with the queue when its database was lost", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--mem", "3G", "--sbatch=--nice=1", "--command", "true");
    rmSync(join(project.root, ".aexp", "state"), { recursive: true });

    const recovered = await run(project, "queue", "recover", "--rebuild");
    expect(recovered.exitCode).toBe(0);
    await run(project, "slurm", "reconcile");

    expect(project.slurm.job(1)).toMatchObject({ name: `aexp-${id}-1` });
    expect(project.slurm.job(1).args).toEqual(expect.arrayContaining(["--mem=3G", "--nice=1"]));
  });
});

describe("aexp agent start", () => {
  it("submits, records ends, is seen by others, and ends when it is told to", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    const why = async () => (await run(project, "why", id)).stdout;
    expect(await why()).toContain("nobody submits it to SLURM; `aexp agent start` does");
    const agent = startAexp(project.root, ["agent", "start", "--interval", "100ms"], project.slurm.env);

    await waitUntil("the submission", async () => (await project.stateOf(id)) === "submitted");
    expect(await why()).toContain("it was given to the scheduler");
    const workers = await run(project, "worker", "list", "--json");
    expect(JSON.parse(workers.stdout)).toMatchObject([{ pools: "slurm", state: "up" }]);
    project.execute(1);
    project.slurm.run(1);
    project.slurm.end(1);
    await waitUntil("the end", () => project.factsOf(id).status === "complete");
    agent.child.kill("SIGTERM");

    expect(await agent.ended).toMatchObject({ exitCode: 0 });
    expect(agent.printed.stderr).toMatch(
      /submitted as job 1\n(?:\w{8} started as job 1\n)?\w{8} complete\n1 submitted, 1 ended\n$/,
    );
    expect(await project.store.workers()).toEqual([]);
  });
});

describe("an agent that looks rarely", () => {
  it("submits what is queued, and cancels what is stopped, as soon as it is told", async () => {
    const project = await makeFakeProject();
    const agent = startAexp(project.root, ["agent", "start", "--interval", "1h"], project.slurm.env);
    await waitUntil("the agent", async () => (await project.store.workers()).length === 1);

    const id = await project.addOne("--sp", "n=1", "--command", "true");

    await waitUntil("the submission", async () => (await project.stateOf(id)) === "submitted");
    await project.store.requestStop([id], "graceful", { code: "operator_stop", message: "stopped" });
    await waitUntil("the end of its job", () => project.slurm.job(1).state === "CANCELLED by 1000");
    expect(project.slurm.calls("sacct")).toEqual([]);
    agent.child.kill("SIGTERM");
    expect(await agent.ended).toMatchObject({ exitCode: 0 });
  });
});

describe("an agent and the stages of a pipeline", () => {
  it("resolves what is ready, and submits it at once", async () => {
    const project = await makeFakeProject();
    writeFileSync(join(project.root, "pipeline.yaml"), CHAIN);
    const agent = startAexp(project.root, ["agent", "start", "--interval", "100ms"], project.slurm.env);
    await run(project, "pipeline", "run", "pipeline.yaml");

    for (const id of [1, 2]) {
      await waitUntil(`job ${id}`, () => project.slurm.jobs().length === id);
      project.execute(id);
      project.slurm.run(id);
      project.slurm.end(id);
    }

    await waitUntil("the end", async () => {
      const tasks = await project.store.tasks({});
      return tasks.every(({ state }) => state === "complete");
    });
    await run(project, "pipeline", "run", "pipeline.yaml");
    const tasks = await project.store.tasks({});
    expect(tasks.map(({ state }) => state)).toEqual(["complete", "complete", "cached", "cached"]);
    agent.child.kill("SIGTERM");
    expect(await agent.ended).toMatchObject({ exitCode: 0 });
  });
});

describe("aexp queue stop", () => {
  it("cancels the job of a run at once", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();

    const stopped = await run(project, "queue", "stop", id);

    expect(stopped.stdout).toContain("its job is cancelled; the agent, or `aexp slurm reconcile`, records its end");
    expect(project.slurm.job(1).state).toBe("CANCELLED by 1000");
    await project.tick();
    expect(project.factsOf(id)).toMatchObject({ status: "stopped", reason: { code: "operator_stop" } });
  });

  it("leaves it to the agent when SLURM does not answer", async () => {
    const project = await makeFakeProject();
    const id = await project.addOne("--sp", "n=1", "--command", "true");
    await project.tick();
    project.slurm.fail("scancel", "scancel: error: Unable to contact slurm controller\n");

    const stopped = await run(project, "queue", "stop", id);

    expect(stopped.stderr).toContain("jobs are not cancelled yet: scancel failed");
    project.slurm.fail("scancel", undefined);
    await project.tick();
    expect(project.factsOf(id)).toMatchObject({ status: "stopped" });
  });
});

describe("aexp doctor", () => {
  it("asks SLURM where a lane is SLURM's", async () => {
    const project = await makeFakeProject();
    await project.addOne("--sp", "n=1", "--command", "true");

    const { stdout } = await run(project, "doctor", "--json");

    expect(namesOf(stdout)).toEqual([
      "slurm: ok",
      "slurm accounting: ok",
      "slurm partitions: ok",
      "slurm clock: ok",
      "slurm agent: warning",
    ]);
  });

  it("says what is wrong", async () => {
    const project = await makeFakeProject();
    writeFileSync(join(project.root, "aexp.yaml"), "executors: { slurm: { partition: gpu } }\n");
    project.slurm.set("no-accounting");

    expect(namesOf((await run(project, "doctor", "--json")).stdout)).toEqual([
      "slurm: ok",
      "slurm accounting: warning",
      "slurm partitions: bad",
      "slurm clock: ok",
      "slurm agent: ok",
    ]);
    project.slurm.set("down");
    expect(namesOf((await run(project, "doctor", "--json")).stdout)).toEqual(["slurm: bad", "slurm agent: ok"]);
    const without = await runCli(project.root, ["doctor", "--json"], { env: { PATH: "/nonexistent" } });
    expect(without.stdout).toContain("there is no program sbatch: this machine cannot talk to SLURM");
  });

  it("asks nothing where SLURM has nothing to do", async () => {
    const project = await makeFakeProject();
    await project.store.setLane("default", { executor: "local" });

    expect(namesOf((await run(project, "doctor", "--json")).stdout)).toEqual([]);
    expect(project.slurm.calls("sbatch")).toEqual([]);
  });
});
