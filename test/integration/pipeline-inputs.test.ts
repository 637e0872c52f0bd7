import { mkdirSync, readFileSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli } from "../helpers/cli.ts";
import {
  makePipelineProject,
  pathOfOutput,
  type PipelineProject,
  readOutput,
  statesOf,
  taskOf,
  THREE_STAGES,
} from "../helpers/pipeline-project.ts";
import { tempDir } from "../helpers/temp-dir.ts";

/** A stage that copies a file which lies outside of the repository. */
function reading(path: string, options = "", command = "cat {inputs.file} > {outputs.out}"): string {
  return `
name: reading
stages:
  copy:
    command: ./note copy; ${command}
    inputs: {file: {path: ${JSON.stringify(path)}${options}}}
    outputs: {out: {path: out}}
`;
}

async function makeReader(options = "", command?: string): Promise<{ project: PipelineProject; file: string }> {
  const file = join(tempDir(), "file");
  writeFileSync(file, "one\n");
  return { project: await makePipelineProject(reading(file, options, command)), file };
}

describe("an input that no stage makes", () => {
  it("counts by its content, wherever its times go", async () => {
    const { project, file } = await makeReader();
    await project.run();
    utimesSync(file, new Date(0), new Date(0));
    await project.run();
    expect(project.executed()).toEqual(["copy"]);
    writeFileSync(file, "two\n");

    await project.run();

    expect(project.executed()).toEqual(["copy"]);
  });

  it("counts by its size and times, where that is asked for", async () => {
    const { project, file } = await makeReader(", hash: stat");
    await project.run();
    await project.run();
    expect(project.executed()).toEqual(["copy"]);
    utimesSync(file, new Date(0), new Date(0));

    await project.run();

    expect(project.executed()).toEqual(["copy"]);
  });

  it("that is missing fails the stage before it is executed, and says which", async () => {
    const file = join(tempDir(), "file");
    const behind = reading(file).replace("stages:\n", "stages:\n  make: {command: 'true'}\n").trimEnd();
    const project = await makePipelineProject(`${behind}\n    needs: [make]\n`);

    const { exitCode, pipeline, group } = await project.run();

    expect(exitCode).toBe(1);
    expect(taskOf(pipeline, "copy")).toMatchObject({
      state: "failed",
      attempt: 0,
      reason: { code: "input_missing", message: expect.stringContaining(file) },
    });
    writeFileSync(file, "one\n");
    await runCli(project.root, ["pipeline", "retry", group]);
    await project.work();
    expect(statesOf((await project.groups())[0] ?? pipeline)).toEqual({ make: "complete", copy: "complete" });
  });

  it("that changes between the look at the cache and the start is not read", async () => {
    const { project, file } = await makeReader();
    await project.ports.store.setLane("default", { isPaused: true });
    const submitted = await project.submit();
    expect(statesOf(submitted)).toEqual({ copy: "queued" });
    writeFileSync(file, "two\n");
    await project.ports.store.setLane("default", { isPaused: false });

    await project.work();

    expect(project.executed()).toEqual([]);
    const [failed] = await project.groups();
    expect(taskOf(failed ?? submitted, "copy")).toMatchObject({ state: "failed", reason: { code: "input_changed" } });
    await runCli(project.root, ["pipeline", "retry", submitted.group.id]);
    await project.work();
    expect(await readOutput(project, taskOf(submitted, "copy").id)).toBe("two\n");
  });

  it("that changes while it is read makes the result one that nobody takes", async () => {
    const { project, file } = await makeReader("", "cat {inputs.file} > {outputs.out}; echo two > {inputs.file}");

    const { pipeline } = await project.run();

    expect(taskOf(pipeline, "copy")).toMatchObject({ state: "failed", reason: { code: "input_changed" } });
    expect(readFileSync(file, "utf8")).toBe("two\n");
    expect(await project.ports.store.outputs([taskOf(pipeline, "copy").id])).toEqual([]);
    writeFileSync(file, "one\n");
    project.executed();
    await project.run();
    expect(project.executed()).toEqual(["copy"]);
  });

  it("that is touched while it is read changes nothing", async () => {
    const { project } = await makeReader("", "cat {inputs.file} > {outputs.out}; touch -d 2001-01-01 {inputs.file}");

    expect((await project.run()).exitCode).toBe(0);
  });

  it("may be a folder, and changes with every name in it", async () => {
    const folder = join(tempDir(), "data");
    mkdirSync(join(folder, "empty"), { recursive: true });
    writeFileSync(join(folder, "a"), "1");
    const project = await makePipelineProject(reading(folder, "", "ls {inputs.file} > {outputs.out}"));
    await project.run();
    await project.run();
    expect(project.executed()).toEqual(["copy"]);
    writeFileSync(join(folder, "empty", "b"), "");

    await project.run();

    expect(project.executed()).toEqual(["copy"]);
  });

  it("that leads out of its folder by a link is refused", async () => {
    const folder = join(tempDir(), "data");
    mkdirSync(folder);
    symlinkSync("/etc", join(folder, "out"));
    const project = await makePipelineProject(reading(folder));

    const { pipeline } = await project.run();

    expect(taskOf(pipeline, "copy")).toMatchObject({ state: "failed", attempt: 0, reason: { code: "input_missing" } });
  });
});

describe("names that are hostile", () => {
  it("reach the program as they are", async () => {
    const folder = join(tempDir(), "a b'c\"d$(touch boom) `x`; *");
    mkdirSync(folder);
    const file = join(folder, "-n");
    writeFileSync(file, "content\n");
    const project = await makePipelineProject(`
name: hostile
stages:
  copy:
    command: cat {inputs.in} > {outputs.out}; printf '%s' {text} >> {outputs.out}
    sweep: {text: ["$(touch {outputs.out})", "'; touch boom; '", "a\\nb"]}
    inputs: {in: {path: ${JSON.stringify(file)}}}
    outputs: {out: {path: "o u't/$(x) \\"y\\""}}
  list:
    command: [cp, "{inputs.all.list}", "{outputs.list}"]
    inputs: {all: {stage: copy, all: true}}
    outputs: {list: {path: list}}
`);

    const { exitCode, stderr, pipeline } = await project.run();

    expect(exitCode, `it said: ${stderr}`).toBe(0);
    const list: unknown = JSON.parse(await readOutput(project, taskOf(pipeline, "list").id));
    if (!Array.isArray(list)) throw new Error("no list");
    const texts = ["$(touch {outputs.out})", "'; touch boom; '", "a\nb"];
    expect(list).toMatchObject(texts.map((text) => ({ element: { text } })));
    const copies = list.map(({ path }: { path: string }) => readFileSync(path, "utf8"));
    expect(copies).toEqual(texts.map((text) => `content\n${text}`));
    expect(await project.ports.store.tasks({ states: ["failed"] })).toEqual([]);
  });
});

describe("pins and aliases", () => {
  const READING = `
name: compare
pins: {base: "@baseline"}
stages:
  late:
    command: ./note late; echo late > {outputs.out}
    outputs: {out: {path: out}}
  diff:
    command: ./note diff; cat {inputs.late} {inputs.base} {inputs.same} > {outputs.out}
    inputs: {late: {stage: late}, base: {pin: base, output: model}, same: {alias: baseline}}
    outputs: {out: {path: out}}
`;

  it("are found once, at the submission, also by a late stage", async () => {
    const project = await makePipelineProject();
    const { store } = project.ports;
    const first = taskOf((await project.run()).pipeline, "train").id;
    expect(await store.setAlias("baseline", { run: first }, { caller: "ana" })).toMatchObject({ kind: "set" });
    project.write("compare.yaml", READING);
    await store.setLane("default", { isPaused: true });
    const submitted = await project.submit("compare.yaml");
    project.write("pipeline.yaml", THREE_STAGES.replace("lr: 0.1", "lr: 0.9"));
    await store.setLane("default", { isPaused: false });
    const other = taskOf((await project.run()).pipeline, "train").id;
    await store.setAlias("baseline", { run: other }, { caller: "ana", expect: 1 });

    await project.work();

    const model = "a\nb\nc\n0.1\n";
    expect(await readOutput(project, taskOf(submitted, "diff").id)).toBe(`late\n${model}${model}`);
    expect(await store.setAlias("baseline", { run: first }, { caller: "bo", expect: 1 })).toEqual({
      kind: "conflict",
      version: 2,
    });
    project.executed();
    const moved = await project.run("compare.yaml");
    expect(project.executed()).toContain("diff");
    expect(await readOutput(project, taskOf(moved.pipeline, "diff").id)).toContain("0.9");
  });

  it("may stand for a run that was cached, and keep working when the queue has forgotten it", async () => {
    const project = await makePipelineProject();
    const { store } = project.ports;
    await project.run();
    const cached = taskOf((await project.run()).pipeline, "train").id;
    project.write(
      "compare.yaml",
      READING.replace('"@baseline"', `"${cached.slice(0, 10)}"`)
        .replace(", same: {alias: baseline}", "")
        .replace(" {inputs.same}", ""),
    );
    await store.setLane("default", { keepLast: 0 });
    await store.purge({ dryRun: false, before: (await store.now()) + 1 });
    expect(await store.tasks({})).toEqual([]);

    const { pipeline, stderr } = await project.run("compare.yaml");

    expect(statesOf(pipeline), `it said: ${stderr}`).toEqual({ late: "complete", diff: "complete" });
    expect(await readOutput(project, taskOf(pipeline, "diff").id)).toBe("late\na\nb\nc\n0.1\n");
  });

  it.each([
    { what: "gone", harm: (path: string) => rmSync(path), state: "missing" },
    { what: "edited", harm: (path: string) => writeFileSync(path, "x\n"), state: "changed" },
  ])("whose output is $what fail the stage that reads it before it is executed", async ({ harm, state }) => {
    const project = await makePipelineProject();
    const { id } = taskOf((await project.run()).pipeline, "train");
    expect((await runCli(project.root, ["alias", "set", "baseline", id])).exitCode).toBe(0);
    harm(await pathOfOutput(project, id));
    project.executed();
    project.write(
      "late.yaml",
      `
name: late
stages:
  read:
    command: ./note read; cat {inputs.old} > {outputs.out}
    inputs: {old: {alias: baseline}}
    outputs: {out: {path: out}}
`,
    );

    const { pipeline } = await project.run("late.yaml");

    expect(project.executed()).toEqual([]);
    expect(taskOf(pipeline, "read")).toMatchObject({ state: "failed", attempt: 0, reason: { code: "input_missing" } });
    expect((await project.ports.store.outputs([id]))[0]).toMatchObject({ state });
  });

  it("that mean nothing are refused before anything is queued", async () => {
    const project = await makePipelineProject();
    await project.run();
    await project.ports.store.setAlias(
      "baselin",
      { run: taskOf((await project.groups())[0] ?? neverMade(), "train").id },
      { caller: "ana" },
    );
    project.write("compare.yaml", READING);

    const { exitCode, stderr } = await runCli(project.root, ["pipeline", "run", "compare.yaml"]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain('there is no alias "baseline". Did you mean "baselin"?');
    expect(await project.groups()).toHaveLength(1);
  });
});

function neverMade(): never {
  throw new Error("no pipeline");
}

function container(image: string): string {
  return `
name: container
stages:
  one:
    command: ./note one; echo 1 > {outputs.out}
    container: ${image}
    outputs: {out: {path: out}}
`;
}

describe("a container", () => {
  it("that is named by a name which moves makes its stage one that is not cached", async () => {
    const project = await makePipelineProject(container("python:3.14"));
    const { pipeline } = await project.run();
    await project.run();
    expect(project.executed()).toEqual(["one", "one"]);
    const { facts } = project.repo.runs.read(taskOf(pipeline, "one").id).document;
    expect(facts.stage).toMatchObject({ uncached: expect.stringContaining("python:3.14") });
    project.write("pipeline.yaml", container(`python@sha256:${"a".repeat(64)}`));
    await project.run();
    project.executed();

    await project.run();

    expect(project.executed()).toEqual([]);
  });
});
