import { appendFileSync, cpSync, mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { textWidth } from "../../src/cli/render/text-width.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makePipelineProject, pathOfOutput, taskOf } from "../helpers/pipeline-project.ts";
import { makeProject } from "../helpers/project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

describe("aexp output show", () => {
  it("tells what an output is, where it lies, who reads it, and which aliases mean it", async () => {
    const project = await makePipelineProject();
    const { pipeline } = await project.run();
    const [prepare, train] = [taskOf(pipeline, "prepare").id, taskOf(pipeline, "train").id];
    await runCli(project.root, ["alias", "set", "raw-data", `${prepare}.data`]);

    const { stdout, exitCode } = await runCli(project.root, ["output", "show", prepare.slice(0, 8)]);

    expect(exitCode).toBe(0);
    const digest = (await project.ports.store.outputs([prepare]))[0]?.digest ?? "";
    expect(stdout.replace(/as it was .*/, "as it was TIME")).toBe(
      [
        `run ${prepare.slice(0, 8)}, complete`,
        "",
        "data  dataset",
        `  digest   ${digest}`,
        "  size     6 bytes in 1 file",
        `  place    .runs/workspace/${prepare}/outputs/1/data.txt`,
        "  state    present, as it was TIME",
        "  aliases  @raw-data",
        `  read by  ${train.slice(0, 8)} train (complete)`,
        "",
      ].join("\n"),
    );
  });

  it("tells of a cached run where its outputs lie, and by what alias they go", async () => {
    const project = await makePipelineProject();
    const first = taskOf((await project.run()).pipeline, "train").id;
    const cached = taskOf((await project.run()).pipeline, "train").id;
    await runCli(project.root, ["alias", "set", "best", first]);

    const shown = await runCliJson(project.root, ["output", "show", cached, "model"]);

    expect(shown).toMatchObject({
      job_id: cached,
      status: "complete",
      outputs: [{ output: "model", holder: first, state: "present", aliases: ["best"], noted: { state: "present" } }],
    });
    expect(await runCliJson(project.root, ["output", "show", "@best.model"])).toMatchObject({ job_id: first });
  });

  it.each([
    { what: "missing", harm: (path: string) => rmSync(path) },
    { what: "changed", harm: (path: string) => appendFileSync(path, "more\n") },
  ])("sees what is $what now, whatever the queue knows", async ({ what, harm }) => {
    const project = await makePipelineProject();
    const { id } = taskOf((await project.run()).pipeline, "train");
    harm(await pathOfOutput(project, id));

    const shown = await runCliJson(project.root, ["output", "show", id]);

    expect(shown).toMatchObject({ outputs: [{ state: what, noted: { state: "present" } }] });
  });

  it("tells of a run of another machine what its ledger entry says", async () => {
    const project = await makePipelineProject();
    const { id } = taskOf((await project.run()).pipeline, "train");
    await runCli(project.root, ["ledger", "promote", id, "--machine-label", "cluster"]);
    const { root } = await makeProject();
    cpSync(join(project.root, ".aexp", "ledger"), join(root, ".aexp", "ledger"), { recursive: true });
    const { digest, bytes } = (await project.ports.store.outputs([id]))[0] ?? {};

    const { stdout } = await runCli(root, ["output", "show", id]);
    const verified = await runCli(root, ["output", "verify", id]);

    expect(stdout).toBe(
      `run ${id.slice(0, 8)}, complete\n\nmodel\n  digest   ${digest}\n  size     ${bytes} bytes\n  place    on cluster, and not here\n`,
    );
    expect(await runCliJson(root, ["output", "show", id])).toMatchObject({
      outputs: [{ output: "model", digest, bytes, holder: null, path: null, noted: null, state: "elsewhere" }],
    });
    expect(verified.exitCode).toBe(3);
    expect(verified.stdout).toContain("elsewhere  it is on cluster, and not here\n");
  });

  it("says which outputs there are when there is none of that name", async () => {
    const project = await makePipelineProject();
    const { id } = taskOf((await project.run()).pipeline, "train");

    const { stderr, exitCode } = await runCli(project.root, ["output", "show", id, "modell"]);

    expect(exitCode).toBe(2);
    expect(stderr).toBe(
      `error: run ${id.slice(0, 8)} has no output "modell". Did you mean "model"?\n  It has model.\n`,
    );
  });

  it("fits a terminal", async () => {
    const project = await makePipelineProject(STREAM);
    const { id } = taskOf((await project.run()).pipeline, "train");
    const terminal = { isTTY: true, columns: 60, env: { NO_COLOR: "1" } };

    const shown = await runCli(project.root, ["output", "show", id], terminal);
    const verified = await runCli(project.root, ["output", "verify", id], terminal);
    const planned = await runCli(project.root, ["output", "gc", "--older-than", "1ms", "--keep-last", "0"], terminal);

    const lines = [shown, verified, planned].flatMap(({ stdout }) => stdout.split("\n"));
    expect(lines.filter((line) => textWidth(line) > 60 && !/^(?:Would|Keeps)/.test(line))).toEqual([]);
    expect(shown.stdout).toMatch(/^ {2}place {4}\.runs\/workspace\/.*…$/m);
    expect(shown.stdout).toMatch(/^ {2}state {4}present, as it was (?:just now|\d+ s ago)$/m);
  });

  it("shows the items of a stream", async () => {
    const project = await makePipelineProject(STREAM);
    const { id } = taskOf((await project.run()).pipeline, "train");
    rmSync(join(await pathOfOutput(project, id), "c2"));

    const { stdout } = await runCli(project.root, ["output", "show", id]);

    expect(stdout).toMatch(/c1 +sha256:[0-9a-f]{12} +2 bytes +present/);
    expect(stdout).toMatch(/c2 +sha256:[0-9a-f]{12} +2 bytes +missing/);
    expect(stdout).toContain("  state    changed; present ");
  });
});

describe("a stream", () => {
  it("has its items registered while the run goes on", async () => {
    const project = await makePipelineProject(
      STREAM.replace("touch done", "while [ ! -e {repo}/go ]; do sleep 0.05; done"),
    );
    const group = await project.submit();
    const { id } = taskOf(group, "train");
    const working = project.work();

    const items = await waitUntil("two items", async () => {
      const outputs = await project.ports.store.outputs([id]);
      return outputs.length === 2 ? outputs : undefined;
    });
    const shown = await runCliJson(project.root, ["output", "show", id]);
    writeFileSync(join(project.root, "go"), "");
    await working;

    expect(items.map(({ name, item }) => [name, item])).toEqual([
      ["checkpoints", "c1"],
      ["checkpoints", "c2"],
    ]);
    expect(shown).toMatchObject({
      status: "running",
      outputs: [{ digest: null, bytes: 4, files: 2, state: "present", items: [{ item: "c1" }, { item: "c2" }] }],
    });
    expect((await project.ports.store.outputs([id])).map(({ item }) => item)).toEqual(["", "c1", "c2"]);
  });
});

describe("aexp output verify", () => {
  it("reads outputs again, each once, and finds them the same", async () => {
    const project = await makePipelineProject();
    await project.run();
    const { group, pipeline } = await project.run();

    const { exitCode, stdout } = await runCli(project.root, ["output", "verify", "--group", group]);

    expect(exitCode).toBe(0);
    expect(stdout.match(/ same\n/g)).toHaveLength(3);
    expect(stdout).toContain(taskOf(pipeline, "train").id.slice(0, 8));
  });

  it("finds an edit, and nobody reuses it then", async () => {
    const project = await makePipelineProject();
    const { pipeline } = await project.run();
    const { id } = taskOf(pipeline, "train");
    const path = await pathOfOutput(project, id);
    writeFileSync(path, "x\ny\nz\n0.1\n");
    project.executed();

    const { exitCode, stdout } = await runCli(project.root, ["output", "verify", `${id}.model`]);

    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/ changed +it is sha256:[0-9a-f]{12}\n/);
    expect((await project.ports.store.outputs([id])).map(({ state }) => state)).toEqual(["changed"]);
    await project.run();
    expect(project.executed()).toEqual(["train 0.1"]);
  });

  it("notes what is missing, and what is there again", async () => {
    const project = await makePipelineProject();
    const { id } = taskOf((await project.run()).pipeline, "train");
    const [path, aside] = [await pathOfOutput(project, id), join(project.root, "..", "aside")];
    cpSync(path, aside, { preserveTimestamps: true });
    rmSync(path);

    const missing = await runCliJson(project.root, ["output", "verify", id]);
    const [noted] = await project.ports.store.outputs([id]);
    cpSync(aside, path);
    const touched = await runCliJson(project.root, ["output", "verify", id]);

    expect(missing).toMatchObject([{ result: "missing" }]);
    expect(noted?.state).toBe("missing");
    expect(touched).toMatchObject([{ result: "touched" }]);
    rmSync(aside);
  });

  it("names the items of a stream that differ", async () => {
    const project = await makePipelineProject(STREAM);
    const { id } = taskOf((await project.run()).pipeline, "train");
    const path = await pathOfOutput(project, id);
    writeFileSync(join(path, "c2"), "9\n");
    mkdirSync(join(path, "c3"));
    utimesSync(join(path, "c1"), 1, 1);

    expect(await runCliJson(project.root, ["output", "verify", id])).toMatchObject([
      { result: "changed", items: ["c2", "c3"] },
    ]);
    const states = (await project.ports.store.outputs([id])).map(({ item, state }) => [item, state]);
    expect(states).toEqual([
      ["", "changed"],
      ["c1", "present"],
      ["c2", "changed"],
    ]);
  });

  it("wants to know what to read", async () => {
    const project = await makePipelineProject();

    expect((await runCli(project.root, ["output", "verify"])).stderr).toContain("nothing says which outputs");
    expect((await runCli(project.root, ["output", "verify", "--group", "grp_1"])).exitCode).toBe(2);
  });
});

const STREAM = `
name: stream
stages:
  train:
    command: >-
      mkdir {outputs.checkpoints}; for n in 1 2; do echo $n > {outputs.checkpoints}/.c$n;
      mv {outputs.checkpoints}/.c$n {outputs.checkpoints}/c$n; done; touch done
    outputs: {checkpoints: {path: checkpoints, kind: checkpoint, stream: true}}
`;
