import { readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli } from "../helpers/cli.ts";
import {
  makePipelineProject,
  type PipelineProject,
  readOutput,
  type RanPipeline,
  statesOf,
  taskOf,
} from "../helpers/pipeline-project.ts";
import type { PipelineGroup } from "../../src/app/show-pipeline.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { startWorker } from "../helpers/worker-process.ts";

/** Its second stage fails until there is a file `go` in the repository. */
const FAILING = `
name: failing
stages:
  one:
    command: ./note one; echo 1 > {outputs.out}
    outputs: {out: {path: out}}
  two:
    command: ./note two; test -e {repo}/go && cat {inputs.one} > {outputs.out}
    inputs: {one: {stage: one}}
    outputs: {out: {path: out}}
  three:
    command: ./note three; cat {inputs.two} > {outputs.out}
    inputs: {two: {stage: two}}
    outputs: {out: {path: out}}
`;

/** A sweep of which one element fails, and what is made of the rest. */
const sweep = (minSuccess: string): string => `
name: sweep
stages:
  part:
    command: ./note part {n}; test {n} != 1 && echo {n} > {outputs.out}
    sweep: {n: 0..3}
    outputs: {out: {path: out.txt}}
  sum:
    command: ./note sum; cp {inputs.parts.list} {outputs.list}
    inputs: {parts: {stage: part, output: out, all: true}}${minSuccess}
    outputs: {list: {path: list.json}}
`;

async function now(project: PipelineProject, group: string): Promise<PipelineGroup> {
  const found = (await project.groups()).find((pipeline) => pipeline.group.id === group);
  if (found === undefined) throw new Error(`no group ${group}`);
  return found;
}

describe("a stage that fails", () => {
  it("fails the pipeline, and a retry goes on from there", async () => {
    const project = await makePipelineProject(FAILING);
    const first = await project.run();
    expect(first.exitCode).toBe(1);
    expect(statesOf(first.pipeline)).toEqual({ one: "complete", two: "failed", three: "skipped" });
    expect(project.executed()).toEqual(["one", "two"]);
    project.write("go", "");

    expect((await runCli(project.root, ["pipeline", "retry", first.group])).exitCode).toBe(0);
    await project.work();

    const after = await now(project, first.group);
    expect(statesOf(after)).toEqual({ one: "complete", two: "complete", three: "complete" });
    expect(after.group).toMatchObject({ state: "complete", epoch: 2 });
    expect(project.executed()).toEqual(["two", "three"]);
    expect(await readOutput(project, taskOf(after, "three").id)).toBe("1\n");
  });

  it("is executed again by the next submission, and what succeeded is not", async () => {
    const project = await makePipelineProject(FAILING);
    await project.run();
    await project.run();

    expect(project.executed()).toEqual(["one", "two", "two"]);
  });

  it("that does not write what it declares has failed, and is no hit", async () => {
    const project = await makePipelineProject(FAILING.replace("cat {inputs.one} > {outputs.out}", "true"));
    project.write("go", "");

    const { exitCode, pipeline } = await project.run();

    expect(exitCode).toBe(1);
    expect(statesOf(pipeline)).toEqual({ one: "complete", two: "failed", three: "skipped" });
    const { reason, id } = taskOf(pipeline, "two");
    expect(reason).toMatchObject({ code: "output_missing", message: expect.stringContaining('"out"') });
    expect(project.repo.runs.read(id).document.facts).toMatchObject({
      status: "failed",
      reason: { code: "output_missing" },
      exit_code: 0,
    });
    expect(await project.ports.store.outputs([id])).toEqual([]);
    await project.run();
    expect(project.executed()).toEqual(["one", "two", "two"]);
  });

  it("that does not mark what it wrote as whole has failed", async () => {
    const project = await makePipelineProject(`
name: marked
stages:
  model:
    command: mkdir -p {outputs.model}; echo 1 > {outputs.model}/weights; test -e {repo}/go && touch {outputs.model}/DONE; true
    outputs: {model: {path: model, marker: DONE}}
`);
    const { pipeline } = await project.run();
    expect(taskOf(pipeline, "model")).toMatchObject({ state: "failed", reason: { code: "output_missing" } });
    project.write("go", "");

    expect((await project.run()).exitCode).toBe(0);
  });

  it("that writes a link out of its folder has failed, and says which file", async () => {
    const project = await makePipelineProject(`
name: link
stages:
  model:
    command: mkdir {outputs.model}; ln -s /etc/passwd {outputs.model}/users
    outputs: {model: {path: model}}
`);
    const { pipeline } = await project.run();

    expect(taskOf(pipeline, "model").reason).toMatchObject({
      code: "output_invalid",
      message: expect.stringContaining("users"),
    });
  });

  it("has nothing left of its outputs in its document, when it had succeeded before", async () => {
    const project = await makePipelineProject(FAILING);
    project.write("go", "");
    const { pipeline } = await project.run();
    const { id } = taskOf(pipeline, "two");
    expect(project.repo.runs.read(id).document.facts.outputs).toBeDefined();
    project.executed();
    rmSync(join(project.root, "go"));

    await runCli(project.root, ["queue", "run-one", id, "--force"]);

    expect(project.executed()).toEqual(["two"]);
    const { facts } = project.repo.runs.read(id).document;
    expect(facts).toMatchObject({ status: "failed", attempt: 2 });
    expect(facts.outputs).toBeUndefined();
    expect(facts.stage).toBeUndefined();
  });
});

describe("a stage that gathers a sweep", () => {
  it("is skipped when an element fails", async () => {
    const project = await makePipelineProject(sweep(""));

    const { pipeline } = await project.run();

    expect(statesOf(pipeline)).toEqual({ part: ["complete", "failed", "complete", "complete"], sum: "skipped" });
  });

  it("gets a list without those that failed, when fewer are enough", async () => {
    const project = await makePipelineProject(sweep("\n    min_success: 3"));

    const { exitCode, pipeline } = await project.run();

    expect(exitCode).toBe(1);
    expect(statesOf(pipeline)).toMatchObject({ sum: "complete" });
    const list: unknown = JSON.parse(await readOutput(project, taskOf(pipeline, "sum").id));
    const digest = expect.stringMatching(/^sha256:[0-9a-f]{64}$/);
    expect(list).toEqual(
      [0, 2, 3].map((n) => {
        const { id } = taskOf(pipeline, "part", `n=${n}`);
        return { element: { n }, path: join(project.repo.runs.workspaceOf(id), "outputs/1/out.txt"), digest };
      }),
    );
  });

  it("fails when even fewer succeeded, without being executed", async () => {
    const project = await makePipelineProject(sweep("\n    min_success: 4"));

    const { pipeline } = await project.run();

    expect(taskOf(pipeline, "sum")).toMatchObject({
      state: "failed",
      attempt: 0,
      reason: { code: "needs_failed", message: expect.stringContaining("only 3 of 4") },
    });
  });

  it("executes new elements only, when the sweep grows", async () => {
    const text = sweep("").replace("test {n} != 1 && ", "").replaceAll("0..3", "0..1");
    const project = await makePipelineProject(text);
    await project.run();
    expect(project.executed().toSorted()).toEqual(["part 0", "part 1", "sum"]);
    project.write("pipeline.yaml", text.replace("0..1", "0..3"));

    const { pipeline } = await project.run();

    expect(statesOf(pipeline)).toEqual({ part: ["cached", "cached", "complete", "complete"], sum: "complete" });
    expect(project.executed().toSorted()).toEqual(["part 2", "part 3", "sum"]);
  });
});

async function submitTwo(project: PipelineProject): Promise<readonly [string, string]> {
  const first = await project.submit();
  const second = await project.submit();
  expect(taskOf(second, "work")).toMatchObject({ state: "blocked", follows: taskOf(first, "work").id });
  return [first.group.id, second.group.id];
}

function release(project: PipelineProject): void {
  // Not a file of the repository as git sees it, so that the code stays the same.
  writeFileSync(join(project.root, "go"), "");
}

describe("the same work in two pipelines", () => {
  /** Its stage waits for a file `go` in the repository. */
  const WAITING = `
name: waiting
stages:
  work:
    command: ./note work $$; until test -e {repo}/go; do sleep 0.02; done; test ! -e {repo}/fail && echo 1 > {outputs.out}
    outputs: {out: {path: out}}
  after:
    command: ./note after; cat {inputs.work} > {outputs.out}
    inputs: {work: {stage: work}}
    outputs: {out: {path: out}}
`;

  async function makeProject(): Promise<PipelineProject> {
    const project = await makePipelineProject(WAITING);
    project.write(".gitignore", "go\nfail\n");
    return project;
  }

  it("is executed once, and both have its result", async () => {
    const project = await makeProject();
    const [first, second] = await submitTwo(project);
    release(project);

    await project.work();

    expect(project.executed()).toHaveLength(2);
    expect(statesOf(await now(project, first))).toEqual({ work: "complete", after: "complete" });
    expect(statesOf(await now(project, second))).toEqual({ work: "cached", after: "cached" });
  });

  it("goes to the other one, when the first is cancelled before it begins", async () => {
    const project = await makeProject();
    const [first, second] = await submitTwo(project);
    release(project);

    expect((await runCli(project.root, ["pipeline", "cancel", first])).exitCode).toBe(0);
    await project.work();

    expect(statesOf(await now(project, first))).toEqual({ work: "abandoned", after: "abandoned" });
    expect(statesOf(await now(project, second))).toEqual({ work: "complete", after: "complete" });
  });

  it("goes to the other one, when the first is cancelled while it is executed", async () => {
    const project = await makeProject();
    const [first, second] = await submitTwo(project);
    const worker = startWorker(project.root, { id: "worker" });
    await waitUntil("the first execution", () => readFileSync(project.log, "utf8").includes("work"));

    expect((await runCli(project.root, ["pipeline", "cancel", first])).exitCode).toBe(0);
    await waitUntil("the second execution", () => readFileSync(project.log, "utf8").split("\n").length > 2);
    release(project);
    await worker.ended;

    expect(statesOf(await now(project, first))).toEqual({ work: "stopped", after: "abandoned" });
    expect(statesOf(await now(project, second))).toEqual({ work: "complete", after: "complete" });
    expect((await now(project, second)).group.state).toBe("complete");
  });

  it("fails both, when it fails by itself, and is executed once", async () => {
    const project = await makeProject();
    const [first, second] = await submitTwo(project);
    writeFileSync(join(project.root, "fail"), "");
    release(project);

    await project.work();

    expect(project.executed()).toHaveLength(1);
    expect(statesOf(await now(project, first))).toEqual({ work: "failed", after: "skipped" });
    const other = await now(project, second);
    expect(statesOf(other)).toEqual({ work: "skipped", after: "skipped" });
    expect(taskOf(other, "work").reason).toMatchObject({ because: taskOf(await now(project, first), "work").id });
    expect(other.group.state).toBe("failed");
  });

  it("is executed again for the second, when that is retried", async () => {
    const project = await makeProject();
    const [first, second] = await submitTwo(project);
    writeFileSync(join(project.root, "fail"), "");
    release(project);
    await project.work();
    rmSync(join(project.root, "fail"));

    expect((await runCli(project.root, ["pipeline", "retry", second])).exitCode).toBe(0);
    await project.work();

    expect(statesOf(await now(project, second))).toEqual({ work: "complete", after: "complete" });
    expect(statesOf(await now(project, first))).toEqual({ work: "failed", after: "skipped" });
  });
});

describe("a pipeline that was cancelled", () => {
  it("is done to its end by a retry, whatever of it had begun", async () => {
    const project = await makePipelineProject();
    const { group } = await project.submit();
    expect((await runCli(project.root, ["pipeline", "cancel", group.id])).exitCode).toBe(0);
    const cancelled = await now(project, group.id);
    expect(statesOf(cancelled)).toEqual({ prepare: "abandoned", train: "abandoned", report: "abandoned" });

    expect((await runCli(project.root, ["pipeline", "retry", group.id])).exitCode).toBe(0);
    await project.work();

    expect(statesOf(await now(project, group.id))).toEqual({
      prepare: "complete",
      train: "complete",
      report: "complete",
    });
  });

  it("goes on without what was removed from the queue", async () => {
    const project = await makePipelineProject();
    const submitted = await project.submit();
    const { group } = submitted;
    const removed = taskOf(submitted, "report").id;
    expect((await runCli(project.root, ["queue", "remove", removed])).exitCode).toBe(0);
    expect((await runCli(project.root, ["pipeline", "cancel", group.id])).exitCode).toBe(0);

    expect((await runCli(project.root, ["pipeline", "retry", group.id])).exitCode).toBe(0);
    await project.work();

    expect(statesOf(await now(project, group.id))).toEqual({
      prepare: "complete",
      train: "complete",
      report: "abandoned",
    });
  });
});

const states = (ran: RanPipeline): unknown => Object.values(statesOf(ran.pipeline));

describe("the flag --cache", () => {
  it("executes again and leaves the result for others, or neither takes nor leaves anything", async () => {
    const project = await makePipelineProject();
    const first = await project.run();
    const refreshed = await project.run("--cache", "refresh");
    expect(states(refreshed)).toEqual(["complete", "complete", "complete"]);

    const cached = await project.run();
    expect(states(cached)).toEqual(["cached", "cached", "cached"]);
    expect(taskOf(cached.pipeline, "train").cachedFrom).toBe(taskOf(refreshed.pipeline, "train").id);
    expect(taskOf(cached.pipeline, "train").cacheKey).toBe(taskOf(first.pipeline, "train").cacheKey);

    const off = await project.run("--cache", "off");
    expect(states(off)).toEqual(["complete", "complete", "complete"]);
    expect(taskOf(off.pipeline, "train").cacheKey).toBeUndefined();
    expect(taskOf((await project.run()).pipeline, "train").cachedFrom).toBe(taskOf(refreshed.pipeline, "train").id);
  });
});
