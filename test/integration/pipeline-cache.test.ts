import { chmodSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { readStageWork } from "../../src/pipeline/stage-work.ts";
import { git } from "../helpers/git-repo.ts";
import {
  makePipelineProject,
  pathOfOutput,
  readOutput,
  statesOf,
  taskOf,
  THREE_STAGES,
} from "../helpers/pipeline-project.ts";

const ALL_CACHED = { prepare: "cached", train: "cached", report: "cached" };

describe("a pipeline that is submitted again", () => {
  it("executes nothing when nothing has changed", async () => {
    const project = await makePipelineProject();
    const first = await project.run();
    expect(first.exitCode, `it said: ${first.stderr}`).toBe(0);
    expect(statesOf(first.pipeline)).toEqual({ prepare: "complete", train: "complete", report: "complete" });
    expect(project.executed()).toEqual(["prepare", "train 0.1", "report"]);

    const second = await project.run();

    expect(second.exitCode).toBe(0);
    expect(project.executed()).toEqual([]);
    expect(second.pipeline.group.state).toBe("complete");
    for (const stage of ["prepare", "train", "report"]) {
      const [was, is] = [taskOf(first.pipeline, stage), taskOf(second.pipeline, stage)];
      expect(is).toMatchObject({ state: "cached", cachedFrom: was.id, attempt: 0, reason: { code: "cache_hit" } });
      expect(await readOutput(project, is.id)).toBe(await readOutput(project, was.id));
    }
  });

  it("needs no worker when everything is there, and its documents and entries say whose results they are", async () => {
    const project = await makePipelineProject();
    const first = (await project.run()).pipeline;

    const again = await project.submit();

    expect(again.group.state).toBe("complete");
    const [was, is] = [taskOf(first, "train").id, taskOf(again, "train").id];
    const { facts } = project.repo.runs.read(is).document;
    expect(facts).toMatchObject({
      status: "complete",
      reason: { code: "cache_hit", because: was },
      stage: { cached_from: was },
      outputs: { model: { digest: expect.stringMatching(/^sha256:/), path: "outputs/1/model.txt" } },
    });
    expect(facts.attempts).toBeUndefined();
    const entry = project.repo.ledger.read(is);
    expect(entry).toMatchObject({
      record: { entry: { status: "complete", reason: { code: "cache_hit", because: was } } },
    });
  });

  it("has the metrics of the run whose result it is", async () => {
    const project = await makePipelineProject(`
name: measured
defaults: {experiment: E001}
stages:
  measure:
    command: sh measure.sh > {outputs.out}
    outputs: {out: {path: out}}
`);
    project.write("measure.sh", `echo '{"loss": 0.25}' >> "$AEXP_METRICS_FILE"; echo done`);
    await project.run();

    const { id } = taskOf((await project.run()).pipeline, "measure");

    expect(project.repo.runs.read(id).document.facts).toMatchObject({
      reason: { code: "cache_hit" },
      summary_metrics: { loss: 0.25 },
    });
    expect(project.repo.ledger.read(id)).toMatchObject({ record: { entry: { summary_metrics: { loss: 0.25 } } } });
  });

  it("is cached after a commit of what it was executed from", async () => {
    const project = await makePipelineProject();
    await project.run();
    git(project.root, "add", "--all");
    git(project.root, "commit", "--quiet", "--message", "As it was");

    expect(statesOf((await project.run()).pipeline)).toEqual(ALL_CACHED);
  });

  it.each([
    { what: "a name", from: "name: demo", to: "name: other" },
    { what: "a lane's priority", from: "    sp: {lr: 0.1}", to: "    sp: {lr: 0.1}\n    priority: 7" },
    { what: "a timeout", from: "    sp: {lr: 0.1}", to: "    sp: {lr: 0.1}\n    timeout: 1h" },
    { what: "a tag", from: "    sp: {lr: 0.1}", to: "    sp: {lr: 0.1}\n    tag: night" },
    { what: "an experiment", from: "experiment: E001", to: "experiment: E002" },
  ])("is cached when $what is another one", async ({ from, to }) => {
    const project = await makePipelineProject(THREE_STAGES);
    await project.run();
    project.write("pipeline.yaml", THREE_STAGES.replace(from, to));

    expect(statesOf((await project.run()).pipeline)).toEqual(ALL_CACHED);
  });
});

function noteOf(lr: string): string {
  return `---\nid: E001\ntype: experiment\ntitle: T\nhypothesis: H001\nstatus: planned\nconditions:\n  fast: {lr: ${lr}}\n---\n`;
}

describe("a change", () => {
  /** A file that git does not ignore is code, even when it is an input. */
  const NARROW = THREE_STAGES.replace("experiment: E001", "experiment: E001, code: {paths: [note, prepare.sh]}");

  const CODE = "    code: {paths: [note, prepare.sh]}\n";
  it("of a parameter executes the stage that has it and those that depend on it", async () => {
    const project = await makePipelineProject();
    await project.run();
    project.executed();
    project.write("pipeline.yaml", THREE_STAGES.replace("lr: 0.1", "lr: 0.5"));

    const { pipeline } = await project.run();

    expect(project.executed()).toEqual(["train 0.5", "report"]);
    expect(statesOf(pipeline)).toEqual({ prepare: "cached", train: "complete", report: "complete" });
  });

  it("of a command executes the stage, and not those that get the same bytes from it", async () => {
    const project = await makePipelineProject();
    await project.run();
    project.executed();
    project.write("pipeline.yaml", THREE_STAGES.replace("./note prepare;", "./note prepare; true;"));

    const { pipeline } = await project.run();

    expect(project.executed()).toEqual(["prepare"]);
    expect(statesOf(pipeline)).toEqual({ prepare: "complete", train: "cached", report: "cached" });
  });

  it("of a byte of an input executes what depends on it", async () => {
    const project = await makePipelineProject();
    await project.run();
    project.executed();
    project.write("raw.txt", "b\na\nd\n");

    expect(statesOf((await project.run()).pipeline)).toMatchObject({ prepare: "complete", train: "complete" });
    expect(project.executed()).toEqual(["prepare", "train 0.1", "report"]);
  });

  it("of the order of an input's lines stops where the bytes are the same again", async () => {
    const project = await makePipelineProject(NARROW);
    await project.run();
    project.executed();
    project.write("raw.txt", "c\nb\na\n");

    expect(statesOf((await project.run()).pipeline)).toEqual({
      prepare: "complete",
      train: "cached",
      report: "cached",
    });
    expect(project.executed()).toEqual(["prepare"]);
  });

  it("of a source file executes the stages whose code it is", async () => {
    const project = await makePipelineProject(
      THREE_STAGES.replace("  prepare:\n", `  prepare:\n${CODE}`)
        .replace("  train:\n", "  train:\n    code: {paths: [note]}\n")
        .replace("  report:\n", "  report:\n    code: {paths: [note]}\n"),
    );
    await project.run();
    project.executed();
    project.write("prepare.sh", 'sort -r "$1" > "$2"\n');

    expect(statesOf((await project.run()).pipeline)).toMatchObject({ prepare: "complete", train: "complete" });
    expect(project.executed()).toEqual(["prepare", "train 0.1", "report"]);
  });

  it("of aexp's own settings is none", async () => {
    const project = await makePipelineProject();
    await project.run();
    project.write("aexp.yaml", "lanes: {gpu: {max_running: 1}}\n");

    expect(statesOf((await project.run()).pipeline)).toEqual(ALL_CACHED);
  });

  it("of the pipeline's file is one of the code, where it is named as code", async () => {
    const named = THREE_STAGES.replace(
      "  prepare:\n",
      "  prepare:\n    code: {paths: [note, prepare.sh, pipeline.yaml]}\n",
    );
    const project = await makePipelineProject(named);
    await project.run();
    project.write("pipeline.yaml", named.replace("name: demo", "name: other"));

    expect(statesOf((await project.run()).pipeline)).toEqual({
      prepare: "complete",
      train: "cached",
      report: "cached",
    });
  });

  it("of a file's executable bit is a change of the code", async () => {
    const project = await makePipelineProject();
    await project.run();
    project.executed();
    chmodSync(`${project.root}/prepare.sh`, 0o755);

    expect(statesOf((await project.run()).pipeline)).toEqual({
      prepare: "complete",
      train: "complete",
      report: "complete",
    });
  });

  it("of what a condition stands for in its experiment is a change of the parameters", async () => {
    const project = await makePipelineProject(THREE_STAGES.replace("sp: {lr: 0.1}", "sp: {condition: fast}"));
    project.write("kb/research/experiments/E001-t.md", noteOf("0.1"));
    await project.run();
    expect(project.executed()).toEqual(["prepare", "train 0.1", "report"]);
    project.write("kb/research/experiments/E001-t.md", noteOf("0.7"));

    await project.run();

    expect(project.executed()).toEqual(["train 0.7", "report"]);
  });

  it("back to what was before takes what was computed then", async () => {
    const project = await makePipelineProject();
    await project.run();
    project.write("pipeline.yaml", THREE_STAGES.replace("lr: 0.1", "lr: 0.5"));
    await project.run();
    project.executed();
    project.write("pipeline.yaml", THREE_STAGES);

    expect(statesOf((await project.run()).pipeline)).toEqual(ALL_CACHED);
    expect(project.executed()).toEqual([]);
  });
});

describe("outputs on disk", () => {
  it.each([
    { what: "deleted", harm: (path: string) => rmSync(path) },
    { what: "edited in place", harm: (path: string) => writeFileSync(path, "something else\n") },
  ])("that were $what are no hit, and are made again", async ({ harm }) => {
    const project = await makePipelineProject();
    const first = await project.run();
    project.executed();
    const { id } = taskOf(first.pipeline, "train");
    harm(await pathOfOutput(project, id));

    const second = await project.run();

    expect(second.exitCode).toBe(0);
    expect(project.executed()).toEqual(["train 0.1"]);
    expect(statesOf(second.pipeline)).toEqual({ prepare: "cached", train: "complete", report: "cached" });
    const [noted] = await project.ports.store.outputs([id]);
    expect(noted?.state).not.toBe("present");
    expect(await readOutput(project, taskOf(second.pipeline, "train").id)).toBe("a\nb\nc\n0.1\n");
    expect(statesOf((await project.run()).pipeline)).toEqual(ALL_CACHED);
  });

  it("that were edited and then recorded as they are now are no hit", async () => {
    const project = await makePipelineProject();
    const first = await project.run();
    const task = taskOf(first.pipeline, "train");
    writeFileSync(await pathOfOutput(project, task.id), "something else\n");
    const { outputs } = readStageWork(task.spec.stage ?? { pipeline: "", stage: "" });
    const recorded = await project.ports.outputs.record(project.repo.runs.workspaceOf(task.id), task.attempt, outputs);
    expect(recorded).toMatchObject({ state: "recorded", outputs: [{ bytes: 15 }] });
    project.executed();

    await project.run();

    expect(project.executed()).toEqual(["train 0.1"]);
  });

  it("that lack one of several are no hit", async () => {
    const project = await makePipelineProject(`
name: two
stages:
  make:
    command: ./note make; echo 1 > {outputs.one}; echo 2 > {outputs.two}
    outputs: {one: {path: one}, two: {path: deep/down/two}}
`);
    const first = await project.run();
    rmSync(await pathOfOutput(project, taskOf(first.pipeline, "make").id, "two"));

    await project.run();

    expect(project.executed()).toEqual(["make", "make"]);
  });

  it("that change before their reader begins are not read", async () => {
    const project = await makePipelineProject();
    await project.ports.store.setLane("later", { maxRunning: 0 });
    project.write("pipeline.yaml", THREE_STAGES.replace("    sp: {lr: 0.1}", "    sp: {lr: 0.1}\n    lane: later"));
    const { pipeline, group } = await project.run();
    expect(statesOf(pipeline)).toEqual({ prepare: "complete", train: "queued", report: "blocked" });
    writeFileSync(await pathOfOutput(project, taskOf(pipeline, "prepare").id), "x\n");
    await project.ports.store.setLane("later", { maxRunning: 1 });
    project.executed();

    expect((await project.work()).exitCode).toBe(1);

    expect(project.executed()).toEqual([]);
    const [after] = await project.groups();
    expect(after?.group).toMatchObject({ id: group, state: "failed" });
    expect(statesOf(after ?? pipeline)).toEqual({ prepare: "complete", train: "failed", report: "skipped" });
    expect(taskOf(after ?? pipeline, "train").reason).toMatchObject({ code: "input_changed" });
  });
});
