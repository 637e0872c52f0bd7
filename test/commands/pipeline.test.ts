import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { makePipelineProject, type PipelineProject, taskOf, THREE_STAGES } from "../helpers/pipeline-project.ts";

/** Without what is another one each time: ids, times, how long something took, and the spaces that follow from that. */
function stable(text: string, machine: string): string {
  return text
    .replace(/\b[0-9a-f]{8}\b/g, "IIIIIIII")
    .replace(/grp_[0-9a-f]{12}/g, "grp_GGGGGGGGGGGG")
    .replace(/\d{4}-\d\d-\d\dT[\d:]+Z/g, "INSTANT")
    .replace(/(?: |^)(?:\d+ m )?\d+(?:\.\d)? s\b/gm, " TIME")
    .replaceAll(`a worker on ${machine}`, "a worker on MACHINE")
    .replace(/(?<=\S) {2,}/g, "  ")
    .replace(/ +$/gm, "")
    .trimEnd();
}

async function tell(project: PipelineProject, ...argv: readonly string[]): Promise<string> {
  const { stdout, stderr } = await runCli(project.root, argv, { columns: 100 });
  return stable(`${stdout}${stderr}`, project.repo.machineLabel);
}

describe("aexp pipeline plan", () => {
  it("says what would be executed before anything is, and stores nothing", async () => {
    const project = await makePipelineProject();

    expect(await tell(project, "pipeline", "plan", "pipeline.yaml")).toMatchInlineSnapshot(`
      "demo: 3 stages, 3 runs
      1 to run, 2 known later

      stage  runs  cache  after
      prepare  1  to run
        train  1  known later  prepare
          report  1  known later  train"
    `);
    expect(await project.ports.store.tasks({})).toEqual([]);
    expect(project.repo.runs.listJobIds()).toEqual([]);
  });

  it("says of each run why it is in the cache, or is not", async () => {
    const project = await makePipelineProject();
    await project.run();
    project.write("pipeline.yaml", THREE_STAGES.replace("lr: 0.1", "lr: 0.5"));

    expect(await tell(project, "pipeline", "plan", "pipeline.yaml", "--explain")).toMatchInlineSnapshot(`
      "demo: 3 stages, 3 runs
      1 cached, 1 to run, 1 known later

      stage  runs  cache  after
      prepare  1  cached
        train  1  to run  prepare
          report  1  known later  train

      run  why
      prepare  cached: run IIIIIIII did the same
      train  to run: parameters.lr is 0.5, was 0.1 in run IIIIIIII
      report  known later: depends on what train will write"
    `);
  });

  it("names the files in which the code differs", async () => {
    const project = await makePipelineProject();
    await project.run();
    for (const name of ["a.py", "b.py", "c.py"]) project.write(name, "");
    project.write("note", `${readFileSync(join(project.root, "note"), "utf8")}\n`);

    const explained = await tell(project, "pipeline", "plan", "pipeline.yaml", "--explain");
    expect(explained).toContain(
      "prepare  to run: the code of run IIIIIIII was another: note edited, a.py added, b.py added, and 1 more",
    );
    const plan = await runCliJson(project.root, ["pipeline", "plan", "pipeline.yaml", "--explain"]);
    expect(plan).toMatchObject({
      stages: [{ runs: [{ files: expect.arrayContaining([{ change: "edited", path: "note" }]) }] }, {}, {}],
    });
  });

  it("refuses a file that is not there, where no stage before could make it", async () => {
    const project = await makePipelineProject(`
name: demo
stages:
  make: {command: "echo 1 > made.txt"}
  early: {command: "cat {inputs.raw}", inputs: {raw: {path: raw.csv}}}
  late: {command: "cat {inputs.made}", inputs: {made: {path: made.txt}}, needs: [make]}
`);

    const { exitCode, stderr } = await runCli(project.root, ["pipeline", "run", "pipeline.yaml"]);

    expect(stderr).toContain(
      'pipeline.yaml: there is no "raw.csv", which early reads as {inputs.raw}\nNothing was queued\n',
    );
    expect(stderr).not.toContain("made.txt");
    expect(exitCode).toBe(2);
    expect(await project.ports.store.tasks({})).toEqual([]);
  });

  it("names everything that is wrong with a file, with its place", async () => {
    const project = await makePipelineProject(
      THREE_STAGES.replace("stage: prepare", "stage: prepar").replace("{outputs.table}", "{outputs.tabel}"),
    );

    const { exitCode, stderr } = await runCli(project.root, ["pipeline", "plan", "pipeline.yaml"]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain('pipeline.yaml:12:28: there is no stage "prepar". Did you mean "prepare"?');
    expect(stderr).toContain(
      'pipeline.yaml:15:14: {outputs.tabel} names no output of the stage. Did you mean "table"?',
    );
  });
});

describe("aexp pipeline run", () => {
  it("executes it here and shows each stage", async () => {
    const project = await makePipelineProject();

    const { exitCode, stdout, stderr } = await project.run();

    expect(exitCode).toBe(0);
    expect(stable(stdout, project.repo.machineLabel)).toMatchInlineSnapshot(`
      "demo grp_GGGGGGGGGGGG: complete, 3 runs: 3 complete

      stage  runs  state  took  after
      prepare  1  1 complete  TIME
      train  1  1 complete  TIME  prepare
      report  1  1 complete  TIME  train

      critical path: TIME in 3 of 3 runs

      stage  element  took
      prepare  TIME
      train  TIME
      report  TIME"
    `);
    expect(stderr).toContain("prepare started");
    expect(await tell(project, "pipeline", "run", "pipeline.yaml", "--jobs", "1")).toMatchInlineSnapshot(`
      "demo grp_GGGGGGGGGGGG: complete, 3 runs: 3 cached

      stage  runs  state  took  after
      prepare  1  1 cached
      train  1  1 cached  prepare
      report  1  1 cached  train"
    `);
  });

  it("leaves it to workers, and says how it goes on", async () => {
    const project = await makePipelineProject(THREE_STAGES.replace("defaults: {experiment: E001}\n", ""));

    expect(await tell(project, "pipeline", "run", "pipeline.yaml")).toMatchInlineSnapshot(`
      "demo grp_GGGGGGGGGGGG: active, 3 runs: 2 blocked, 1 queued

      stage  runs  state  took  after
      prepare  1  1 queued
      train  1  1 blocked  prepare
      report  1  1 blocked  train

      Workers execute it: \`aexp worker start\`. How far it is: \`aexp pipeline show grp_GGGGGGGGGGGG\`.
      warning: no experiment is named for prepare, train, report: \`aexp validate\` reports such runs (run.orphan); \`defaults: {experiment: E001}\` names one"
    `);
  });

  it("names a few of many stages that have the same fault", async () => {
    const stages = Array.from({ length: 40 }, (_, index) => `  s${index}: {command: "true"}\n`).join("");
    const project = await makePipelineProject(`name: many\nstages:\n${stages}`);

    expect((await runCli(project.root, ["pipeline", "run", "pipeline.yaml"])).stderr).toContain(
      "warning: no experiment is named for s0, s1, s2 and 37 more stages: ",
    );
  });

  it("says what failed and what never began", async () => {
    const project = await makePipelineProject(THREE_STAGES.replace("./note train {lr};", "exit 7;"));

    const { exitCode, stdout } = await project.run();

    expect(exitCode).toBe(1);
    expect(stable(stdout, project.repo.machineLabel)).toMatchInlineSnapshot(`
      "demo grp_GGGGGGGGGGGG: failed, 3 runs: 1 complete, 1 failed, 1 skipped

      stage  runs  state  took  after
      prepare  1  1 complete  TIME
      train  1  1 failed  TIME  prepare
      report  1  1 skipped  train

      run  stage  state  why
      IIIIIIII  train  failed  exit 7
      IIIIIIII  report  skipped  IIIIIIII failed

      critical path: TIME in 2 of 3 runs

      stage  element  took
      prepare  TIME
      train  TIME

      What it said: \`aexp runs logs IIIIIIII\`. Go on from there: \`aexp pipeline retry grp_GGGGGGGGGGGG\`."
    `);
  });

  it("is refused inside of a run before anything is queued, and where there is no such file", async () => {
    const project = await makePipelineProject();
    const argv = ["pipeline", "run", "pipeline.yaml", "--jobs", "1"];

    expect(await runCli(project.root, argv, { env: { AEXP_WORKER: "w" } })).toMatchObject({ exitCode: 2 });
    expect(await runCli(project.root, ["pipeline", "run", "none.yaml"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('the pipeline file "none.yaml" cannot be read'),
    });
    expect(await project.groups()).toEqual([]);
  });
});

describe("aexp pipeline list, show, cancel and retry", () => {
  it("tell of what was submitted, and stop and repeat it", async () => {
    const project = await makePipelineProject();
    expect(await tell(project, "pipeline", "list")).toBe(
      "No pipeline was submitted yet. `aexp pipeline run FILE` submits one.",
    );
    const { id } = (await project.submit()).group;
    expect(await tell(project, "pipeline", "list")).toMatchInlineSnapshot(`
      "group  pipeline  state  runs  of them  submitted
      grp_GGGGGGGGGGGG  demo  active  3  2 blocked, 1 queued  INSTANT"
    `);
    expect(await tell(project, "pipeline", "show", id)).toMatchInlineSnapshot(`
      "demo grp_GGGGGGGGGGGG: active, 3 runs: 2 blocked, 1 queued

      stage  runs  state  took  after
      prepare  1  1 queued
      train  1  1 blocked  prepare
      report  1  1 blocked  train

      Workers execute it: \`aexp worker start\`. How far it is: \`aexp pipeline show grp_GGGGGGGGGGGG\`."
    `);

    expect(await tell(project, "pipeline", "cancel", id)).toMatchInlineSnapshot(`
      "IIIIIIII abandoned before it started
      IIIIIIII abandoned before it started
      IIIIIIII abandoned before it started"
    `);
    expect(await tell(project, "pipeline", "cancel", id)).toBe("Nothing of it is there to stop.");
    const shown = await tell(project, "pipeline", "show", id);
    expect(await tell(project, "pipeline", "show")).toBe(shown);
    expect(await tell(project, "pipeline", "cancel", "@last")).toBe("Nothing of it is there to stop.");
    expect(await tell(project, "pipeline", "retry", id)).toMatchInlineSnapshot(`
      "IIIIIIII waits again for what it needs
      IIIIIIII waits again for what it needs
      IIIIIIII waits again for what it needs"
    `);
    expect(await tell(project, "pipeline", "retry", id)).toBe("Nothing is there to repeat.");
    expect(await runCli(project.root, ["pipeline", "show", `${id.slice(0, -1)}x`])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining(`Did you mean "${id}"?`),
    });
  });

  it("print the same as JSON", async () => {
    const project = await makePipelineProject();
    const { group, pipeline } = await project.run();

    expect(await runCliJson(project.root, ["pipeline", "show", group])).toMatchObject({
      group,
      pipeline: "demo",
      state: "complete",
      counts: { complete: 3 },
      stages: [
        { stage: "prepare", after: [], runs: [{ job_id: taskOf(pipeline, "prepare").id, state: "complete" }] },
        { stage: "train", after: ["prepare"] },
        { stage: "report", after: ["train"] },
      ],
      critical_path: { runs: pipeline.tasks.map(({ id }) => id) },
    });
    expect(await runCliJson(project.root, ["pipeline", "list"])).toMatchObject([{ group, state: "complete" }]);
  });
});

describe("the sentences about stages", () => {
  it("say whose result a stage has, whom it waits for, and why it was not executed", async () => {
    const project = await makePipelineProject(THREE_STAGES.replace("./note prepare;", "test -e {repo}/go || exit 3;"));
    project.write(".gitignore", "go\n");
    const first = await project.submit();
    const second = await project.submit();
    const why = async (id: string): Promise<string> => await tell(project, "why", id);
    const follower = taskOf(second, "prepare").id;
    expect(await why(follower)).toMatchInlineSnapshot(
      `"Run IIIIIIII is queued: it waits for IIIIIIII, which computes the same."`,
    );
    expect(await why(taskOf(second, "train").id)).toMatchInlineSnapshot(
      `"Run IIIIIIII is queued: it waits for IIIIIIII (waiting)."`,
    );
    expect(await tell(project, "queue", "list")).toMatchInlineSnapshot(`
      "id  experiment  name  lr  lane  state  waits for  age
      IIIIIIII  E001  prepare  default  ◷ queued  a worker on MACHINE  TIME
      IIIIIIII  E001  train  0.1  default  ◌ blocked  IIIIIIII  TIME
      IIIIIIII  E001  report  default  ◌ blocked  IIIIIIII  TIME
      IIIIIIII  E001  prepare  default  ◌ blocked  IIIIIIII (same work)  TIME
      IIIIIIII  E001  train  0.1  default  ◌ blocked  IIIIIIII  TIME
      IIIIIIII  E001  report  default  ◌ blocked  IIIIIIII  TIME

      1 queued, 5 blocked"
    `);

    await project.work();
    expect(await why(follower)).toMatchInlineSnapshot(
      `"Run IIIIIIII is abandoned: it was skipped because IIIIIIII, which computes the same, failed (exit 3); \`aexp queue retry IIIIIIII\` queues both again."`,
    );

    project.write("go", "");
    await runCli(project.root, ["pipeline", "retry", first.group.id]);
    await project.work();
    const third = (await project.run()).pipeline;
    expect(await why(taskOf(third, "prepare").id)).toMatchInlineSnapshot(
      `"Run IIIIIIII is complete: it was not executed, because IIIIIIII computed the same."`,
    );
    const shown = await tell(project, "runs", "show", taskOf(third, "train").id);
    expect(shown).toContain("✓ cached: IIIIIIII computed the same\n");
    expect(shown).toContain("model  sha256:");
  });
});
