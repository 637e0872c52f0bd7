import { spawnSync } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import { resolveStages } from "../../../src/app/resolve-stages.ts";
import { listPipelines, type PipelineGroup } from "../../../src/app/show-pipeline.ts";
import { openStages } from "../../../src/wiring/open-stages.ts";
import { startAexp } from "../../helpers/aexp-process.ts";
import { runCli } from "../../helpers/cli.ts";
import { statesOf, taskOf } from "../../helpers/pipeline-project.ts";
import type { SlurmProject } from "../../helpers/slurm-project.ts";
import { tempDir } from "../../helpers/temp-dir.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
import { startWorker } from "../../helpers/worker-process.ts";
import { ENDED, jobOf, makeRealProject, theCluster, until, untilFile, untilState } from "../real-cluster.ts";

const cluster = theCluster();
/** A whole pipeline of jobs takes its time, and the cluster is busy with other tests. */
const PATIENCE_MS = 300_000;
/** Longer than any test: nothing is executed again because a busy machine let a lease expire. */
const LONG_LEASE = { AEXP_LEASE_S: "600" };

interface Pipelines extends SlurmProject {
  readonly write: (path: string, text: string) => void;
  readonly submit: () => Promise<PipelineGroup>;
  /** A pipeline as it stands now. */
  readonly now: (group: PipelineGroup) => Promise<PipelineGroup>;
  /** What was executed since the last call, by the words behind `note`. */
  readonly executed: () => readonly string[];
}

async function makePipelines(text: string): Promise<Pipelines> {
  const project = await makeRealProject(cluster);
  const log = join(tempDir(), "executed");
  writeFileSync(log, "");
  let seen = 0;
  const write = (path: string, content: string): void => writeFileSync(join(project.root, path), content);
  write("note", `#!/bin/sh\necho "$@" >> ${log}\n`);
  chmodSync(join(project.root, "note"), 0o755);
  write("raw.txt", "b\na\n");
  write(".gitignore", "go\n");
  write("pipeline.yaml", text);
  return {
    ...project,
    write,
    submit: async () => {
      const result = await runCli(project.root, ["pipeline", "run", "pipeline.yaml"], { env: project.env });
      expect(result.exitCode, `it said: ${result.stderr}`).toBe(0);
      const [group] = await listPipelines(project.store);
      if (group === undefined) throw new Error("no pipeline");
      return group;
    },
    now: async ({ group: { id } }) => {
      const found = (await listPipelines(project.store)).find(({ group }) => group.id === id);
      if (found === undefined) throw new Error(`no pipeline ${id}`);
      return found;
    },
    executed: () => {
      const lines = readFileSync(log, "utf8").split("\n").slice(0, -1);
      const fresh = lines.slice(seen);
      seen = lines.length;
      return fresh;
    },
  };
}

/** Looks at stages and jobs, as an agent does, until nothing of a pipeline is left to do. */
async function untilOver(project: Pipelines, group: PipelineGroup): Promise<PipelineGroup> {
  return await until(project, `the end of ${group.group.id}`, async () => {
    await resolve(project);
    const present = await project.now(group);
    return present.group.state === "active" ? undefined : present;
  });
}

async function resolve(project: Pipelines): Promise<void> {
  await using stages = openStages(project.repo);
  await resolveStages(project.repo, { ...stages, store: project.store });
}

/** An agent, as a process of its own, until the test ends. */
function startAgent({ root, env }: Pipelines): void {
  const agent = startAexp(root, ["agent", "start", "--interval", "500ms"], { ...env, ...LONG_LEASE });
  onTestFinished(async () => {
    agent.child.kill("SIGTERM");
    await agent.ended;
  });
}

const READ_ALL = `sed -n 's/.*"path": "\\([^"]*\\)".*/\\1/p' {inputs.models.list} | xargs cat > {outputs.table}`;

function trainSweep(rates: string, lanes: { readonly local?: string } = {}): string {
  const lane = lanes.local === undefined ? "" : `\n    lane: ${lanes.local}`;
  return `
name: demo
defaults: {experiment: E001}
stages:
  prepare:
    command: ./note prepare; sort {inputs.raw} > {outputs.data}${lane}
    inputs: {raw: {path: raw.txt}}
    outputs: {data: {path: data.txt}}
  train:
    command: ./note train {lr} {seed}; (cat {inputs.data}; echo {lr} {seed}) > {outputs.model}
    sweep: {lr: ${rates}, seed: 0..1}
    inputs: {data: {stage: prepare}}
    outputs: {model: {path: model.txt}}
  report:
    command: >-
      ./note report; ${READ_ALL}${lane}
    inputs: {models: {stage: train, all: true}}
    outputs: {table: {path: table.txt}}
`;
}

/** What its report says. */
async function tableOf({ store, repo }: Pipelines, group: PipelineGroup): Promise<string> {
  const [output] = await store.outputs([taskOf(group, "report").id]);
  if (output === undefined) throw new Error("no table");
  return readFileSync(join(repo.runs.workspaceOf(output.holder), output.path), "utf8");
}

/** The numbers of the jobs that it was given to SLURM as. */
async function jobsOf({ store }: Pipelines, { tasks }: PipelineGroup): Promise<ReadonlySet<string>> {
  const attempts = await Promise.all(tasks.map(({ id }) => store.attempts(id)));
  return new Set(attempts.flat().flatMap(({ schedulerJobId }) => schedulerJobId ?? []));
}

const TABLE = ["0.1 0", "0.1 1", "0.01 0", "0.01 1"].map((line) => `a\nb\n${line}\n`).join("");

describe("a pipeline on a real SLURM", () => {
  it("is computed once, and after a change only what depends on it", { timeout: PATIENCE_MS * 2 }, async () => {
    const project = await makePipelines(trainSweep("[0.1, 0.01]"));
    startAgent(project);
    const run = async (): Promise<PipelineGroup> => {
      const waiting = startAexp(project.root, ["pipeline", "run", "pipeline.yaml", "--wait"], project.env);
      const { exitCode } = await waiting.ended;
      expect(exitCode, `it said: ${waiting.printed.stdout}${waiting.printed.stderr}`).toBe(0);
      const [group] = await listPipelines(project.store);
      if (group === undefined) throw new Error("no pipeline");
      return group;
    };

    const first = await run();
    expect(project.executed().toSorted()).toEqual(
      ["prepare", "report", "train 0.01 0", "train 0.01 1", "train 0.1 0", "train 0.1 1"].toSorted(),
    );
    expect(await tableOf(project, first)).toBe(TABLE);
    expect((await jobsOf(project, first)).size).toBe(6);

    const second = await run();
    expect(new Set(second.tasks.map(({ state }) => state))).toEqual(new Set(["cached"]));
    expect(await tableOf(project, second)).toBe(TABLE);
    expect((await jobsOf(project, second)).size).toBe(0);
    expect(project.executed()).toEqual([]);

    project.write("pipeline.yaml", trainSweep("[0.1, 0.02]"));
    const third = await run();
    expect(statesOf(third)).toEqual({
      prepare: "cached",
      train: ["cached", "cached", "complete", "complete"],
      report: "complete",
    });
    expect(project.executed().toSorted()).toEqual(["report", "train 0.02 0", "train 0.02 1"]);
    expect(await tableOf(project, third)).toBe(TABLE.replaceAll("0.01", "0.02"));
  });

  it("goes from this machine to nodes and back", { timeout: PATIENCE_MS }, async () => {
    const project = await makePipelines(trainSweep("[0.1, 0.01]", { local: "here" }));
    await project.store.setLane("here", {});
    const worker = startWorker(project.root, { id: "here", isUntilEmpty: false, env: LONG_LEASE });
    const group = await untilOver(project, await project.submit());
    worker.child.kill("SIGTERM");
    await worker.ended;

    expect(group.group.state).toBe("complete");
    expect(group.tasks.map(({ executor }) => executor)).toEqual(["local", "slurm", "slurm", "slurm", "slurm", "local"]);
    expect(await tableOf(project, group)).toBe(TABLE);
    expect((await jobsOf(project, group)).size).toBe(4);
    const again = await project.submit();
    expect(new Set(again.tasks.map(({ state }) => state))).toEqual(new Set(["cached"]));
  });
});

const STREAM = `
name: stream
stages:
  train:
    command: >-
      mkdir {outputs.steps}; echo 1 > {outputs.steps}/.part; mv {outputs.steps}/.part {outputs.steps}/1;
      until test -e {repo}/go; do sleep 0.1; done;
      echo 22 > {outputs.steps}/.part; mv {outputs.steps}/.part {outputs.steps}/2
    outputs: {steps: {path: steps, stream: true, kind: checkpoint}}
`;

describe("a stream that a job of a real SLURM writes", () => {
  it(
    "is known item by item while the job runs, from what the node has recorded",
    { timeout: PATIENCE_MS },
    async () => {
      const project = await makePipelines(STREAM);
      const { id } = taskOf(await project.submit(), "train");
      const items = async () => (await project.store.outputs([id])).map(({ item, kind, path }) => [item, kind, path]);

      const first = await until(project, "the first item", async () => {
        const known = await items();
        return known.length > 0 ? known : undefined;
      });

      expect(first).toEqual([["1", "checkpoint", "outputs/1/steps/1"]]);
      expect(await project.stateOf(id)).toBe("running");
      const record = join(project.repo.runs.workspaceOf(id), "outputs", "1.items.json");
      const [registered] = await project.store.outputs([id]);
      expect(readFileSync(record, "utf8")).toContain(registered?.digest);
      const shown = await runCli(project.root, ["output", "show", id, "--json"], { env: project.env });
      expect(JSON.parse(shown.stdout)).toMatchObject({ outputs: [{ output: "steps", items: [{ item: "1" }] }] });

      project.write("go", "");
      expect(await untilState(project, id, ENDED)).toBe("complete");

      expect(await items()).toEqual([
        ["", "checkpoint", "outputs/1/steps"],
        ["1", "checkpoint", "outputs/1/steps/1"],
        ["2", "checkpoint", "outputs/1/steps/2"],
      ]);
      expect(existsSync(record)).toBe(false);
    },
  );
});

const ONE = `
name: one
stages:
  work:
    command: ./note work; until test -e {repo}/go; do sleep 0.1; done; echo 12345 > {outputs.out}
    outputs: {out: {path: out.txt}}
`;

describe("a stage that is a job of a real SLURM", () => {
  it("is hashed on its node, and nobody reads it again", { timeout: PATIENCE_MS }, async () => {
    const project = await makePipelines(ONE);
    project.write("go", "");
    const { id } = taskOf(await project.submit(), "work");
    await project.tick();
    const folder = project.repo.runs.workspaceOf(id);
    const record = join(folder, "outputs", "1.json");
    await waitUntil("the record of the node", () => existsSync(record), PATIENCE_MS);
    const hashed: unknown = JSON.parse(readFileSync(record, "utf8"));

    // Other bytes of the same size and time: whoever looks cheaply does not see it, and whoever reads does.
    const output = join(folder, "outputs", "1", "out.txt");
    const reference = join(tempDir(), "reference");
    spawnSync("touch", ["-r", output, reference]);
    writeFileSync(output, "54321\n");
    spawnSync("touch", ["-r", reference, output]);
    expect(await untilState(project, id, ENDED)).toBe("complete");

    const [registered] = await project.store.outputs([id]);
    expect(hashed).toMatchObject({ outputs: [{ digest: registered?.digest }] });
    const verified = await runCli(project.root, ["output", "verify", id], { env: project.env });
    expect(verified.exitCode).toBe(1);
  });

  it("fails when it has ended well without what it declared", { timeout: PATIENCE_MS }, async () => {
    const project = await makePipelines(trainSweep("[0.1]").replace("; sort {inputs.raw} > {outputs.data}", ""));

    const group = await untilOver(project, await project.submit());

    expect(statesOf(group)).toEqual({ prepare: "failed", train: ["skipped", "skipped"], report: "skipped" });
    expect(taskOf(group, "prepare").reason).toMatchObject({
      code: "output_missing",
      message: expect.stringContaining("data.txt"),
    });
    expect(project.executed()).toEqual(["prepare"]);
  });

  it("hands over to who waits for its result, when its job is cancelled", { timeout: PATIENCE_MS }, async () => {
    const project = await makePipelines(ONE);
    const leader = await project.submit();
    const { id } = taskOf(leader, "work");
    await untilState(project, id, ["running"]);
    await until(project, "its program", async () => project.executed().length > 0 || undefined);
    const heir = await project.submit();
    const last = await project.submit();
    expect(taskOf(heir, "work")).toMatchObject({ state: "blocked", follows: id });
    expect(taskOf(last, "work")).toMatchObject({ state: "blocked", follows: id });

    await cluster.run("scancel", await jobOf(project, id));
    expect(await untilState(project, id, ENDED)).toBe("failed");
    expect(taskOf(await project.now(leader), "work").reason).toMatchObject({ code: "signal" });
    await untilFile(project, taskOf(heir, "work").id, "outputs/1");
    project.write("go", "");

    expect((await untilOver(project, heir)).group.state).toBe("complete");
    const cached = taskOf(await untilOver(project, last), "work");
    expect(cached).toMatchObject({ state: "cached", cachedFrom: taskOf(heir, "work").id });
    expect(project.executed()).toEqual(["work"]);
  });
});
