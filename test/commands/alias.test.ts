import { describe, expect, it } from "vitest";

import { parseJobId } from "../../src/run/job-id.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import {
  makePipelineProject,
  type PipelineProject,
  readOutput,
  taskOf,
  THREE_STAGES,
} from "../helpers/pipeline-project.ts";

/** A project in which the pipeline was executed once, and the run of its stage `train`. */
async function makeTrained(): Promise<{ readonly project: PipelineProject; readonly id: string }> {
  const project = await makePipelineProject();
  const { pipeline } = await project.run();
  return { project, id: taskOf(pipeline, "train").id };
}

describe("aexp alias set", () => {
  it("names a run, or an output with its digest, and keeps every version in its log", async () => {
    const { project, id } = await makeTrained();
    const { root } = project;
    const env = { AEXP_CALLER: "ada" };
    const digest = (await project.ports.store.outputs([parseJobId(id)]))[0]?.digest;

    const first = await runCli(root, ["alias", "set", "best", id.slice(0, 8)], { env });
    const second = await runCli(root, ["alias", "set", "@best", `${id.slice(0, 8)}.model`], { env });

    expect(first.stdout).toBe(`@best is run ${id.slice(0, 8)} now, version 1\n`);
    expect(second.stdout).toBe(`@best is model of run ${id.slice(0, 8)} now, version 2\n`);
    const newest = { alias: "best", version: 2, job_id: id, output: "model", digest, caller: "ada" };
    expect(await runCliJson(root, ["alias", "list"])).toMatchObject([newest]);
    expect(await runCliJson(root, ["alias", "log", "best"])).toMatchObject([
      newest,
      { alias: "best", version: 1, job_id: id, output: null, digest: null },
    ]);
    const { stdout } = await runCli(root, ["alias", "list"]);
    expect(stdout).toMatch(
      /^alias  version  run       output  digest               set +by\nbest         2  [0-9a-f]{8}  model   sha256:/,
    );
  });

  it("refuses when another version is in force than was expected, with the code of a lost race", async () => {
    const { project, id } = await makeTrained();
    await runCli(project.root, ["alias", "set", "best", id, "--expect", "0"]);
    await runCli(project.root, ["alias", "set", "best", id, "--expect", "1"]);

    const late = await runCli(project.root, ["alias", "set", "best", id, "--expect", "1"]);
    const none = await runCli(project.root, ["alias", "set", "other", id, "--expect", "3"]);

    expect(late).toMatchObject({
      exitCode: 75,
      stderr:
        'error: the alias "best" is at version 2, and not at version 1; nothing was changed\n' +
        "  `aexp alias log best` says who set it; --expect 2 sets it nevertheless.\n",
    });
    expect(none).toMatchObject({ exitCode: 75 });
    expect(none.stderr).toContain('the alias "other" is not there, and not at version 3');
  });

  it("lets one of many win who expect the same version", async () => {
    const { project, id } = await makeTrained();
    const calls = Array.from({ length: 6 }, () => runCli(project.root, ["alias", "set", "best", id, "--expect", "0"]));

    const codes = (await Promise.all(calls)).map(({ exitCode }) => exitCode);

    expect(codes.toSorted((a, b) => a - b)).toEqual([0, 75, 75, 75, 75, 75]);
  });

  it("takes @last and other aliases, with and without an output", async () => {
    const { project, id } = await makeTrained();
    const { root } = project;
    await runCli(root, ["alias", "set", "v1.0", `${id}.model`]);

    expect(await runCliJson(root, ["alias", "set", "a", "@v1.0"])).toMatchObject({ job_id: id, output: "model" });
    expect(await runCliJson(root, ["alias", "set", "b", "@v1.0.model"])).toMatchObject({ job_id: id, output: "model" });
    expect(await runCliJson(root, ["alias", "set", "c", "@last"])).toMatchObject({ version: 1, output: null });
    expect((await runCli(root, ["alias", "set", "d", "@v2"])).stderr).toContain('there is no alias "v2"');
  });

  it.each([
    { what: "a name that is none", args: ["a b", "@last"], problem: '"a b" is no name of an alias' },
    { what: "a name that is taken", args: ["last", "@last"], problem: '"last" is taken: @last is the newest run' },
    { what: "an output that is none", args: ["best", "@last.modell"], problem: 'has no output "modell"' },
    { what: "a run that is none", args: ["best", "ffffffff"], problem: 'no run begins with "ffffffff"' },
  ])("refuses $what", async ({ args, problem }) => {
    const { project } = await makeTrained();

    const { exitCode, stderr } = await runCli(project.root, ["alias", "set", ...args]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(problem);
  });

  it("refuses a run that is not complete", async () => {
    const project = await makePipelineProject();
    const { id } = taskOf(await project.submit(), "train");

    const { exitCode, stderr } = await runCli(project.root, ["alias", "set", "best", id]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain(`run ${id.slice(0, 8)} is queued, and only what is complete gets an alias`);
  });
});

describe("an alias in a pipeline", () => {
  it("is read by its stages, and what it stands for later executes them again", async () => {
    const { project, id } = await makeTrained();
    const { root } = project;
    await runCli(root, ["alias", "set", "base", `${id}.model`]);
    project.write("eval.yaml", EVAL);
    const first = await project.run("eval.yaml");
    project.write("pipeline.yaml", THREE_STAGES.replace("lr: 0.1", "lr: 0.7"));
    const other = taskOf((await project.run()).pipeline, "train").id;
    await runCli(root, ["alias", "set", "base", `${other}.model`]);
    project.executed();

    const second = await project.run("eval.yaml");

    expect(project.executed()).toEqual(["eval"]);
    expect(await readOutput(project, taskOf(first.pipeline, "eval").id)).toContain("0.1\n");
    expect(await readOutput(project, taskOf(second.pipeline, "eval").id)).toContain("0.7\n");
  });
});

it("alias list says how to make one, and alias log knows no alias that nobody set", async () => {
  const project = await makePipelineProject();

  expect((await runCli(project.root, ["alias", "list"])).stdout).toContain("There is no alias yet.");
  expect((await runCli(project.root, ["alias", "log", "best"])).exitCode).toBe(2);
});

const EVAL = `
name: eval
pins: {base: "@base"}
stages:
  eval:
    command: ./note eval; tail -n 1 {inputs.model} > {outputs.score}
    inputs: {model: {pin: base}}
    outputs: {score: {path: score}}
`;
