import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { completeResult } from "../../src/app/complete-result.ts";
import { showPipeline } from "../../src/app/show-pipeline.ts";
import type { Task } from "../../src/queue/task.ts";
import { openQueue } from "../../src/wiring/open-queue.ts";
import { isRunning } from "../helpers/aexp-process.ts";
import { runCli } from "../helpers/cli.ts";
import { dropQueue } from "../helpers/drop-queue.ts";
import { expectSettled, untilDelivered } from "../helpers/queue-audit.ts";
import {
  makePipelineProject,
  type PipelineProject,
  readOutput,
  statesOf,
  taskOf,
} from "../helpers/pipeline-project.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { killWorker, startWorker, supervisorsOf } from "../helpers/worker-process.ts";

/** Its first stage waits for a file `go`, which git ignores. */
const WAITING = `
name: waiting
stages:
  work:
    command: ./note work; until test -e {repo}/go; do sleep 0.02; done; echo 1 > {outputs.out}
    outputs: {out: {path: out}}
  after:
    command: ./note after; cat {inputs.work} > {outputs.out}
    inputs: {work: {stage: work}}
    outputs: {out: {path: out}}
`;
/** Longer than any test: what is settled was not settled because the lease expired. */
const LONG_LEASE = { AEXP_LEASE_S: "600" };

/** A pipeline whose worker was killed in its first stage, which has ended since then and was recorded. */
async function makeOrphan(): Promise<{ project: PipelineProject; task: Task; folder: string }> {
  const project = await makePipelineProject(WAITING);
  project.write(".gitignore", "go\n");
  const submitted = await project.submit();
  const task = taskOf(submitted, "work");
  const folder = project.repo.runs.workspaceOf(task.id);
  const worker = startWorker(project.root, { id: "first", env: LONG_LEASE });
  await waitUntil("the start", () => readFileSync(project.log, "utf8").includes("work"));
  await waitUntil("the process on record", () => existsSync(join(folder, ".aexp/attempt-1/process.json")));
  const [supervisor = 0] = supervisorsOf(worker.pid);
  await killWorker(worker);
  writeFileSync(join(project.root, "go"), "");
  await waitUntil("the end on record", () => existsSync(join(folder, ".aexp/attempt-1/exit.json")));
  await waitUntil("the end of the supervisor", () => !isRunning(supervisor));
  expect(existsSync(join(folder, "outputs/1.json"))).toBe(true);
  return { project, task, folder };
}

async function expectFinishedByNext(project: PipelineProject): Promise<void> {
  const next = startWorker(project.root, { id: "next", env: LONG_LEASE });
  expect((await next.ended).exitCode).toBe(0);
  expect(project.executed()).toEqual(["work", "after"]);
  await untilDelivered(project.root, project.ports.store);
  const tasks = await expectSettled(project.repo, project.ports.store);
  expect(tasks).toMatchObject([
    { state: "complete", attempt: 1 },
    { state: "complete", attempt: 1 },
  ]);
  for (const { id } of tasks) expect(await readOutput(project, id)).toBe("1\n");
}

describe("a stage whose worker was killed before its end was registered", () => {
  it("is finished by the next worker, from what its supervisor recorded", async () => {
    const { project } = await makeOrphan();

    await expectFinishedByNext(project);
  });

  it("and whose supervisor was killed after it had recorded the outputs, has succeeded", async () => {
    const { project, folder } = await makeOrphan();
    rmSync(join(folder, ".aexp/attempt-1/exit.json"));

    await expectFinishedByNext(project);
  });

  it("and whose supervisor was killed before that, is lost", async () => {
    const { project, folder } = await makeOrphan();
    rmSync(join(folder, ".aexp/attempt-1/exit.json"));
    rmSync(join(folder, "outputs/1.json"));

    const next = startWorker(project.root, { id: "next", env: LONG_LEASE });

    await next.ended;
    expect(project.executed()).toEqual(["work"]);
    const [group] = await project.groups();
    expect(group && statesOf(group)).toEqual({ work: "failed", after: "skipped" });
  });

  it("and of whose outputs no record is left, has them recorded by the next worker", async () => {
    const { project, folder } = await makeOrphan();
    rmSync(join(folder, "outputs/1.json"));

    await expectFinishedByNext(project);
  });

  it("and whose outputs are gone, has failed", async () => {
    const { project, folder } = await makeOrphan();
    rmSync(join(folder, "outputs"), { recursive: true });

    await startWorker(project.root, { id: "next", env: LONG_LEASE }).ended;

    const [group] = await project.groups();
    expect(group && taskOf(group, "work")).toMatchObject({ state: "failed", reason: { code: "output_missing" } });
    expect(project.executed()).toEqual(["work"]);
  });

  it("has succeeded for a worker whose supervisor was killed, when its outputs are on record", async () => {
    const { project, task } = await makeOrphan();
    const claimed = await project.ports.store.task(task.id);
    if (claimed === undefined) throw new Error("no task");
    const lost = { state: "failed", reason: { code: "lost", message: "its supervisor died" } } as const;

    const result = await completeResult(project.repo, project.ports, claimed, lost);

    expect(result).toMatchObject({ state: "complete", exitCode: 0, outputs: [{ name: "out" }] });
  });
});

async function loseDatabase(project: PipelineProject): Promise<void> {
  await dropQueue(project.repo);
  const { exitCode, stderr } = await runCli(project.root, ["queue", "recover", "--rebuild"]);
  expect(exitCode, `it said: ${stderr}`).toBe(0);
}

async function expectGoesOn(project: PipelineProject, group: string): Promise<void> {
  await loseDatabase(project);
  await using rebuilt = await openQueue(project.repo);
  expect(await rebuilt.tasks({})).toMatchObject([{ state: "blocked" }, { state: "blocked" }]);
  await rebuilt.setLane("later", { maxRunning: 1 });
  const { exitCode, stderr } = await project.work();
  expect(exitCode, `it said: ${stderr}`).toBe(0);
  expect(project.executed()).toEqual(["sum"]);
  const shown = await showPipeline(rebuilt, group);
  expect(statesOf(shown)).toEqual({ sum: "complete", end: "complete" });
  const outputs = await rebuilt.outputs([taskOf(shown, "end").id]);
  const path = join(project.repo.runs.workspaceOf(taskOf(shown, "end").id), outputs[0]?.path ?? "");
  expect(readFileSync(path, "utf8")).toBe("raw\n0\nraw\n1\nraw\n2\nraw\n");
}

describe("a pipeline whose queue's database is lost", () => {
  const GATHERING = `
name: gathering
stages:
  raw:
    command: ./note raw; echo raw > {outputs.out}
    outputs: {out: {path: out}}
  part:
    command: ./note part {n}; (cat {inputs.raw}; echo {n}) > {outputs.out}
    sweep: {n: 0..2}
    inputs: {raw: {stage: raw}}
    outputs: {out: {path: out}}
  sum:
    lane: later
    command: ./note sum; cat $(sed -n 's/.*"path". "\\([^"]*\\)".*/\\1/p' {inputs.parts.list}) {inputs.raw} > {outputs.out}
    inputs: {parts: {stage: part, all: true}, raw: {stage: raw}}
    outputs: {out: {path: out}}
  end:
    lane: later
    command: cat {inputs.sum} > {outputs.out}
    inputs: {sum: {stage: sum}}
    outputs: {out: {path: out}}
`;

  it("goes on with what had ended before", async () => {
    const project = await makePipelineProject(GATHERING);
    await project.ports.store.setLane("later", { maxRunning: 0 });
    const { group, pipeline, exitCode } = await project.run();
    expect(exitCode).toBe(3);
    expect(statesOf(pipeline)).toMatchObject({ sum: "queued", end: "blocked" });
    project.executed();

    await expectGoesOn(project, group);
  });

  it("goes on with what was cached", async () => {
    const project = await makePipelineProject(GATHERING);
    await project.ports.store.setLane("later", { maxRunning: 0 });
    const first = await project.run();
    await runCli(project.root, ["pipeline", "cancel", first.group]);
    const { group, pipeline } = await project.run();
    expect(statesOf(pipeline)).toMatchObject({ raw: "cached", part: ["cached", "cached", "cached"], sum: "queued" });
    project.executed();

    await expectGoesOn(project, group);
  });

  it("goes on with what was executed meanwhile", async () => {
    const { project, task } = await makeOrphan();
    await loseDatabase(project);
    expect(project.repo.runs.read(task.id).document.facts.status).toBe("complete");

    const { exitCode, stderr } = await project.work();

    expect(exitCode, `it said: ${stderr}`).toBe(0);
    expect(project.executed()).toEqual(["work", "after"]);
    await using rebuilt = await openQueue(project.repo);
    expect(await rebuilt.tasks({})).toMatchObject([{ state: "complete", spec: { name: "after" } }]);
  });

  it("does not take for an input what was changed since", async () => {
    const project = await makePipelineProject(GATHERING);
    await project.ports.store.setLane("later", { maxRunning: 0 });
    const { pipeline } = await project.run();
    const { id } = taskOf(pipeline, "raw");
    writeFileSync(join(project.repo.runs.workspaceOf(id), "outputs/1/out"), "edited\n");
    await loseDatabase(project);
    project.executed();

    expect((await project.work()).exitCode).toBe(0);

    expect(project.executed()).toEqual([]);
    await using rebuilt = await openQueue(project.repo);
    expect(await rebuilt.tasks({})).toMatchObject([
      { state: "failed", reason: { code: "input_missing", message: expect.stringContaining("changed") } },
      { state: "skipped" },
    ]);
  });
});
