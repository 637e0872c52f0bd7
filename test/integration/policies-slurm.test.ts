import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished, vi } from "vitest";

import { runAgent } from "../../src/app/run-agent.ts";
import type { Task } from "../../src/queue/task.ts";
import { openStages } from "../../src/wiring/open-stages.ts";
import { agentOptions } from "../helpers/agent-options.ts";
import { runCli } from "../helpers/cli.ts";
import { type FakeProject, makeFakeProject } from "../helpers/slurm-project.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const PIPELINE = `
name: demo
stages:
  train: {command: 'echo 1 > {outputs.model}', outputs: {model: {path: model, kind: model}}}
`;
const POLICIES = `
policies:
  evaluate: {on: {kind: model}, command: 'cat {input} > {outputs.score}', outputs: {score: {path: score}}}
`;

/** A submitted pipeline whose stage SLURM has executed, with a policy that is trusted. */
async function makeSource(): Promise<FakeProject> {
  const project = await makeFakeProject();
  vi.stubEnv("XDG_STATE_HOME", tempDir());
  onTestFinished(() => void vi.unstubAllEnvs());
  writeFileSync(join(project.root, "pipeline.yaml"), PIPELINE);
  writeFileSync(join(project.root, "aexp.yaml"), POLICIES);
  expect((await runCli(project.root, ["trust", "--yes"])).exitCode).toBe(0);
  expect((await runCli(project.root, ["pipeline", "run", "pipeline.yaml"], { env: project.env })).exitCode).toBe(0);
  return project;
}

async function policyRun({ store }: FakeProject): Promise<Task | undefined> {
  return (await store.tasks({})).find(({ spec }) => spec.stage?.stage === "evaluate");
}

function executeJob({ slurm, execute }: FakeProject, id: number): void {
  slurm.run(id);
  expect(execute(id)).toBe(0);
  slurm.end(id);
}

it("an agent submits the runs of policies, and SLURM executes them", async () => {
  const project = await makeSource();
  const { repo, store, batch } = project;
  const over = new AbortController();
  await using stages = openStages(repo);
  const agent = runAgent(repo, { ...stages, store, batch }, agentOptions(repo, over.signal));
  for (const id of [1, 2]) {
    await waitUntil(`job ${id}`, () => project.slurm.jobs().length === id);
    executeJob(project, id);
  }
  await waitUntil("the end of the policy's run", async () => (await policyRun(project))?.state === "complete");
  over.abort();
  await agent;

  expect(project.slurm.jobs()).toHaveLength(2);
  expect(await policyRun(project)).toMatchObject({ executor: "slurm", state: "complete" });
});

it("a single look submits them as well", async () => {
  const project = await makeSource();
  const look = async (): Promise<void> => {
    expect(await runCli(project.root, ["slurm", "reconcile"], { env: project.env })).toMatchObject({ exitCode: 0 });
  };
  await look();
  executeJob(project, 1);
  await look();
  await look();
  executeJob(project, 2);
  await look();

  expect(await policyRun(project)).toMatchObject({ executor: "slurm", state: "complete" });
});
