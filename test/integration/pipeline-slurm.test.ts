import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { resolveStages } from "../../src/app/resolve-stages.ts";
import { listPipelines, type PipelineGroup } from "../../src/app/show-pipeline.ts";
import { runCli } from "../helpers/cli.ts";
import { statesOf, taskOf, THREE_STAGES } from "../helpers/pipeline-project.ts";
import { type FakeProject, makeFakeProject } from "../helpers/slurm-project.ts";
import { openStages } from "../../src/wiring/open-stages.ts";

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
});
