import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import { resolveStages } from "../../src/app/resolve-stages.ts";
import { runAgent } from "../../src/app/run-agent.ts";
import { listPipelines, type PipelineGroup } from "../../src/app/show-pipeline.ts";
import { agentOptions } from "../helpers/agent-options.ts";
import { runCli } from "../helpers/cli.ts";
import { git } from "../helpers/git-repo.ts";
import { statesOf, taskOf, THREE_STAGES } from "../helpers/pipeline-project.ts";
import { type FakeProject, makeFakeProject } from "../helpers/slurm-project.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { openStages } from "../../src/wiring/open-stages.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

const SWEEP = `
name: sweep
stages:
  part:
    command: echo {n} > {outputs.out}
    sweep: {n: 0..2}
    outputs: {out: {path: out.txt}}
`;

const STREAM = `
name: stream
stages:
  train:
    command: >-
      mkdir {outputs.steps}; echo 1 > {outputs.steps}/1; echo no > {outputs.steps}/.2;
      until test -e {run.dir}/go; do sleep 0.05; done; mv {outputs.steps}/.2 {outputs.steps}/2
    outputs: {steps: {path: steps, stream: true, kind: checkpoint}}
`;

async function makeProject(): Promise<FakeProject> {
  const project = await makeFakeProject();
  const write = (name: string, text: string): void => writeFileSync(join(project.root, name), text);
  write("note", "#!/bin/sh\n");
  chmodSync(join(project.root, "note"), 0o755);
  write("raw.txt", "b\na\n");
  write("prepare.sh", 'sort "$1" > "$2"\n');
  write("pipeline.yaml", THREE_STAGES);
  return project;
}

async function submit(project: FakeProject): Promise<PipelineGroup> {
  const { exitCode, stderr } = await runCli(project.root, ["pipeline", "run", "pipeline.yaml"], { env: project.env });
  expect(exitCode, `it said: ${stderr}`).toBe(0);
  return await newest(project);
}

async function newest({ store }: FakeProject): Promise<PipelineGroup> {
  const [group] = await listPipelines(store);
  if (group === undefined) throw new Error("no pipeline");
  return group;
}

/** Executes the only job that there is to execute, as SLURM would, and lets the queue know. */
async function turn(project: FakeProject, id: number): Promise<void> {
  await using stages = openStages(project.repo);
  await resolveStages(project.repo, { ...stages, store: project.store });
  expect(await project.tick()).toEqual([]);
  expect(project.slurm.jobs().map((job) => job.id)).toHaveLength(id);
  const code = project.execute(id);
  project.slurm.run(id);
  if (code === 0) project.slurm.end(id);
  else project.slurm.end(id, "FAILED", `${code}:0`);
  expect(await project.tick()).toEqual([]);
}

describe("a pipeline whose stages SLURM executes", () => {
  it("is executed job by job, and taken from the cache the next time", async () => {
    const project = await makeProject();
    await submit(project);
    for (const id of [1, 2, 3]) await turn(project, id);

    const first = await newest(project);
    expect(statesOf(first)).toEqual({ prepare: "complete", train: "complete", report: "complete" });
    const outputs = await project.store.outputs(first.tasks.map(({ id }) => id));
    expect(outputs.map(({ name, path }) => [name, path])).toEqual([
      ["data", "outputs/1/data.txt"],
      ["model", "outputs/1/model.txt"],
      ["table", "outputs/1/table.txt"],
    ]);

    expect(statesOf(await submit(project))).toEqual({ prepare: "cached", train: "cached", report: "cached" });
    expect(project.slurm.jobs()).toHaveLength(3);
  });

  it("goes out as one array where its elements ask for the same, and each writes what is its own", async () => {
    const project = await makeProject();
    project.slurm.allowArrays();
    writeFileSync(join(project.root, "pipeline.yaml"), SWEEP);
    await submit(project);

    expect(await project.tick()).toEqual([]);

    const calls = project.slurm.calls("sbatch").map((call) => call.find((word) => word.startsWith("--array")));
    expect(calls).toEqual(["--array=0,1,2"]);
    for (const { id } of project.slurm.jobs()) {
      expect(project.execute(id)).toBe(0);
      project.slurm.run(id);
      project.slurm.end(id);
    }
    expect(await project.tick()).toEqual([]);
    const group = await newest(project);
    expect(statesOf(group)).toEqual({ part: ["complete", "complete", "complete"] });
    const outputs = await project.store.outputs(group.tasks.map(({ id }) => id));
    expect(new Set(outputs.map(({ digest }) => digest)).size).toBe(3);
    expect(statesOf(await submit(project))).toEqual({ part: ["cached", "cached", "cached"] });
  });

  it("takes up the job of a killed agent, although an input has changed since", async () => {
    const project = await makeProject();
    await submit(project);
    project.slurm.set("die-after-sbatch");
    const { signal } = spawnSync(process.execPath, [MAIN, "slurm", "reconcile"], {
      cwd: project.root,
      env: { ...process.env, ...project.env, AEXP_LEASE_S: "0.5" },
    });
    expect(signal).toBe("SIGKILL");
    project.slurm.set("die-after-sbatch", false);
    rmSync(join(project.root, "raw.txt"));
    project.advance(1000);

    await project.tick();

    expect(project.slurm.jobs()).toHaveLength(1);
    expect(taskOf(await newest(project), "prepare")).toMatchObject({ state: "submitted" });
  });

  it("fails where a job does not write what it declared", async () => {
    const project = await makeProject();
    writeFileSync(join(project.root, "prepare.sh"), "exit 0\n");
    await submit(project);

    await turn(project, 1);

    const group = await newest(project);
    expect(statesOf(group)).toEqual({ prepare: "failed", train: "skipped", report: "skipped" });
    expect(taskOf(group, "prepare").reason).toMatchObject({ code: "output_missing" });
  });

  it("submits nothing that would read something else than what was keyed", async () => {
    const project = await makeProject();
    await submit(project);
    rmSync(join(project.root, "raw.txt"));

    expect(await project.tick()).toEqual([]);

    expect(project.slurm.jobs()).toEqual([]);
    expect(taskOf(await newest(project), "prepare")).toMatchObject({
      state: "failed",
      reason: { code: "input_changed" },
    });
  });

  it(
    "has the items of its streams registered while they run, as their nodes have recorded them",
    { timeout: 150_000 },
    async () => {
      const project = await makeProject();
      writeFileSync(join(project.root, "pipeline.yaml"), STREAM);
      const { id } = taskOf(await submit(project), "train");
      await project.tick();
      const { script, folder } = project.slurm.job(1);
      project.slurm.run(1);
      const env = { ...process.env, SLURM_JOB_ID: "1" };
      const job = spawn("/bin/sh", [script], { cwd: folder, env, stdio: "ignore" });
      onTestFinished(() => void job.kill("SIGKILL"));
      const ended = once(job, "exit");
      const outputs = join(project.repo.runs.workspaceOf(id), "outputs");
      const record = join(outputs, "1.items.json");
      await waitUntil("the record of the node", () => existsSync(record), 50_000);
      const recorded = readFileSync(record, "utf8");

      // The first look finds that it runs, the next one what it has written.
      await project.tick();
      await project.tick();

      const known = await project.store.outputs([id]);
      expect(known.map(({ item, kind, path }) => [item, kind, path])).toEqual([
        ["1", "checkpoint", "outputs/1/steps/1"],
      ]);
      expect(recorded).toContain(known[0]?.digest);

      // Whatever else somebody writes there, only what was declared counts.
      writeFileSync(record, recorded.replaceAll("outputs/1/steps", "outputs/1/other").replaceAll('"1"', '"9"'));
      await project.tick();
      writeFileSync(record, "no JSON");
      await project.tick();
      expect(await project.store.outputs([id])).toEqual(known);

      writeFileSync(join(outputs, "..", "go"), "");
      expect(await ended).toEqual([0, null]);
      project.slurm.end(1);
      expect(await project.tick()).toEqual([]);
      expect((await project.store.outputs([id])).map(({ item }) => item)).toEqual(["", "1", "2"]);
      expect(readdirSync(outputs).toSorted()).toEqual(["1", "1.json"]);
    },
  );

  it("leaves nothing of its code once an agent has forgotten its runs", { timeout: 150_000 }, async () => {
    const project = await makeProject();
    writeFileSync(join(project.root, "pipeline.yaml"), SWEEP);
    await project.store.setLane("default", { retainMs: 1000, keepLast: 0 });
    await submit(project);
    await project.tick();
    for (const { id } of project.slurm.jobs()) {
      project.execute(id);
      project.slurm.run(id);
      project.slurm.end(id);
    }
    await project.tick();
    const kept = () => git(project.root, "for-each-ref", "refs/aexp/trees").trim();
    const checkouts = () =>
      readdirSync(join(project.root, ".aexp", "checkouts")).filter((name) => /^[0-9a-f]{40}$/.test(name));
    expect(kept()).not.toBe("");
    expect(checkouts()).toHaveLength(1);
    project.advance(3_600_000);
    let laterMs = 0;
    const { clock } = project.repo;
    const repo = {
      ...project.repo,
      clock: { nowMs: () => clock.nowMs(), monotonicMs: () => clock.monotonicMs() + laterMs },
    };

    const over = new AbortController();
    await using stages = openStages(repo);
    const agent = runAgent(
      repo,
      { ...stages, store: project.store, batch: project.batch },
      agentOptions(repo, over.signal),
    );
    laterMs = 100_000;
    await waitUntil("the purge", () => kept() === "" && checkouts().length === 0, 50_000);
    over.abort();
    await agent;

    expect(await project.store.tasks({})).toEqual([]);
  });
});
