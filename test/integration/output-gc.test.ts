import fc from "fast-check";
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { collectOutputs, type DeletionPorts } from "../../src/app/collect-outputs.ts";
import { planCollection } from "../../src/app/plan-collection.ts";
import type { PipelineGroup } from "../../src/app/show-pipeline.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { startAexp } from "../helpers/aexp-process.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import {
  makePipelineProject,
  pathOfOutput,
  type PipelineProject,
  readOutput,
  statesOf,
  taskOf,
  THREE_STAGES,
} from "../helpers/pipeline-project.ts";
import { waitUntil } from "../helpers/wait-until.ts";

/** The pipeline file is not among the code that counts, so that a change of a parameter changes only that. */
const NARROW = THREE_STAGES.replace("{experiment: E001}", "{code: {paths: [note, prepare.sh]}}");
/** Everything that has ended is old enough. */
const ANY_AGE = ["--older-than", "1ms"];
/** The same where the newest of each stage do not count. */
const ALL = [...ANY_AGE, "--keep-last", "0"];
const RULES = { beforeMs: Number.MAX_SAFE_INTEGER, keepLast: 0 };

interface Collected {
  readonly dry_run: boolean;
  readonly outputs: readonly { job_id: string; attempt: number; stage: string; why: string; bytes: number }[];
  readonly kept: Readonly<Record<string, number>>;
}

/** What `aexp output gc` says. */
async function gc({ root }: PipelineProject, ...flags: readonly string[]): Promise<Collected> {
  const { stdout, stderr } = await runCli(root, ["output", "gc", ...flags, "--json"]);
  if (stderr !== "") throw new Error(stderr);
  const said: Collected = JSON.parse(stdout);
  return said;
}

/** The runs whose outputs it is about, by stage. */
function runsOf({ outputs }: Collected): readonly string[] {
  return outputs.map(({ stage, job_id: run }) => `${stage} ${run}`).toSorted();
}

/** The stages whose outputs it is about. */
function stagesOf({ outputs }: Collected): readonly string[] {
  return outputs.map(({ stage }) => stage).toSorted();
}

/** A project whose pipeline was executed with each of some values of `lr`. */
async function makeTrained(
  ...rates: readonly number[]
): Promise<{ readonly project: PipelineProject; readonly idOf: (place: number, stage: string) => JobId }> {
  const project = await makePipelineProject(NARROW);
  const ran: PipelineGroup[] = [];
  for (const rate of rates) {
    project.write("pipeline.yaml", NARROW.replace("lr: 0.1", `lr: ${rate}`));
    ran.push((await project.run()).pipeline);
  }
  project.executed();
  return { project, idOf: (place: number, stage: string): JobId => taskOf(ran[place] ?? fail(), stage).id };
}

function fail(): never {
  throw new Error("nothing was executed");
}

/** Outputs that the queue takes for present although they are not. */
async function wronglyPresent({ repo, ports }: PipelineProject): Promise<readonly string[]> {
  const all = (await ports.store.tasks({})).map(({ id }) => id);
  const outputs = await ports.store.outputs(all);
  return outputs
    .filter(({ state, holder, path }) => state === "present" && !existsSync(join(repo.runs.workspaceOf(holder), path)))
    .map(({ run, name, item }) => `${run} ${name} ${item}`);
}

describe("aexp output gc", () => {
  it("only plans, unless it is told to delete", async () => {
    const { project, idOf } = await makeTrained(0.1, 0.5);

    const { stdout } = await runCli(project.root, ["output", "gc", ...ANY_AGE]);
    const planned = await gc(project, ...ANY_AGE);

    expect(stdout.replaceAll(/\d{4}-\S+Z/g, "YYYY-MM-DDTHH:MM:SSZ")).toBe(
      [
        "run       attempt  stage       size  last used             why",
        `${idOf(0, "train").slice(0, 8)}        1  train   10 bytes  YYYY-MM-DDTHH:MM:SSZ  no run used it since`,
        `${idOf(0, "report").slice(0, 8)}        1  report   2 bytes  YYYY-MM-DDTHH:MM:SSZ  no run used it since`,
        "",
        "Would delete the outputs of 2 attempts, 12 bytes. Do it with --yes.",
        "Keeps those of 3 attempts: they are the newest of their stage.",
        "",
      ].join("\n"),
    );
    expect(planned).toMatchObject({ dry_run: true, bytes: 12 });
    expect(existsSync(await pathOfOutput(project, idOf(0, "train")))).toBe(true);
    expect((await gc(project)).outputs).toEqual([]);
  });

  it("deletes what is old, and keeps the newest of each stage with what they have from others", async () => {
    const { project, idOf } = await makeTrained(0.1, 0.5);

    const done = await gc(project, ...ANY_AGE, "--yes");

    expect(done.dry_run).toBe(false);
    expect(runsOf(done)).toEqual([`report ${idOf(0, "report")}`, `train ${idOf(0, "train")}`]);
    expect(existsSync(await pathOfOutput(project, idOf(0, "train")))).toBe(false);
    expect(await wronglyPresent(project)).toEqual([]);
    const again = await project.run();
    expect(statesOf(again.pipeline)).toEqual({ prepare: "cached", train: "cached", report: "cached" });
    project.write("pipeline.yaml", NARROW);
    expect(statesOf((await project.run()).pipeline)).toEqual({
      prepare: "cached",
      train: "complete",
      report: "complete",
    });
    expect((await gc(project, "--yes")).outputs).toEqual([]);
  });

  it("keeps as many of each stage as it is told", async () => {
    const { project, idOf } = await makeTrained(0.1, 0.2, 0.3, 0.4);

    const planned = await gc(project, ...ANY_AGE, "--keep-last", "2");

    expect(runsOf(planned)).toEqual(
      [0, 1].flatMap((place) => ["report", "train"].map((stage) => `${stage} ${idOf(place, stage)}`)).toSorted(),
    );
  });

  it("never touches what an alias stands for, also where it lies with another run", async () => {
    const { project, idOf } = await makeTrained(0.1, 0.5, 0.1);
    await runCli(project.root, ["alias", "set", "base", `${idOf(2, "train")}.model`]);
    await runCli(project.root, ["alias", "set", "data", idOf(1, "prepare")]);

    const done = await gc(project, ...ALL, "--yes");

    expect(runsOf(done)).toEqual(
      [`report ${idOf(0, "report")}`, `report ${idOf(1, "report")}`, `train ${idOf(1, "train")}`].toSorted(),
    );
    expect(done.kept).toEqual({ alias: 2 });
    expect(existsSync(await pathOfOutput(project, idOf(0, "train")))).toBe(true);
    await runCli(project.root, ["alias", "set", "base", idOf(1, "prepare")]);
    expect(runsOf(await gc(project, ...ALL))).toEqual([`train ${idOf(0, "train")}`]);
  });

  it("never touches what a run that has not ended needs or reads", async () => {
    const { project, idOf } = await makeTrained(0.1);
    await project.ports.store.setLane("later", { maxRunning: 0 });
    project.write("pipeline.yaml", NARROW.replace("    sp: {lr: 0.1}", "    sp: {lr: 9}\n    lane: later"));
    const waiting = await project.run();
    expect(statesOf(waiting.pipeline)).toEqual({ prepare: "cached", train: "queued", report: "blocked" });

    const done = await gc(project, ...ALL, "--yes");

    expect(runsOf(done)).toEqual([`report ${idOf(0, "report")}`, `train ${idOf(0, "train")}`]);
    expect(done.kept).toEqual({ needed: 1 });
    await project.ports.store.setLane("later", { maxRunning: 1 });
    expect((await project.work()).exitCode).toBe(0);
    expect(runsOf(await gc(project, ...ALL))).toContain(`prepare ${idOf(0, "prepare")}`);
  });

  it.each([
    { what: "waits for something else first", lane: "later", first: "queued", second: "blocked" },
    { what: "is about to begin", lane: "default", first: "complete", second: "queued" },
  ])("never touches what a stage reads that $what", async ({ lane, first, second }) => {
    const { project, idOf } = await makeTrained(0.1);
    await project.ports.store.setLane("later", { maxRunning: 0 });
    await project.ports.store.setLane("last", { maxRunning: 0 });
    project.write("eval.yaml", EVAL.replace("RUN", idOf(0, "train")).replace("LANE", lane));
    const { pipeline } = await project.run("eval.yaml");
    expect(statesOf(pipeline)).toEqual({ wait: first, eval: second });

    const done = await gc(project, ...ALL, "--yes");

    expect(runsOf(done)).not.toContain(`train ${idOf(0, "train")}`);
    expect(runsOf(done)).toContain(`prepare ${idOf(0, "prepare")}`);
    for (const name of ["later", "last"]) await project.ports.store.setLane(name, { maxRunning: 1 });
    expect((await project.work()).exitCode).toBe(0);
  });

  it("never touches what the latest entry of an experiment in the ledger refers to", async () => {
    const project = await makePipelineProject();
    const { pipeline } = await project.run();
    const again = await project.run();
    const ends = new Map(
      [...project.repo.ledger.readAll()].flatMap((read) =>
        read.kind === "entry" ? [[read.record.jobId, read.record.entry.ended_at ?? ""]] : [],
      ),
    );
    const last = [...ends.values()].toSorted().at(-1);
    // Times are whole seconds: several runs may have ended last.
    const latest = [...pipeline.tasks, ...again.pipeline.tasks].filter(({ id }) => ends.get(id) === last);

    const done = await gc(project, ...ALL, "--yes");

    expect(latest.length).toBeGreaterThan(0);
    for (const { id } of latest) expect(existsSync(await pathOfOutput(project, id))).toBe(true);
    expect(done.kept).toMatchObject({ ledger: expect.any(Number) });
  });

  it("first deletes what attempts wrote that no run has as its result, at any age", async () => {
    const project = await makePipelineProject(FLAKY);
    const { pipeline, group } = await project.run();
    const { id } = taskOf(pipeline, "flaky");
    project.write("go", "");
    await runCli(project.root, ["pipeline", "retry", group]);
    await project.work();

    const done = await gc(project, "--yes");

    expect(done.outputs).toEqual([expect.objectContaining({ job_id: id, attempt: 1, why: "superseded", bytes: 6 })]);
    expect(readdirSync(join(project.repo.runs.workspaceOf(id), "outputs")).toSorted()).toEqual(["2", "2.json"]);
    expect(statesOf((await project.run()).pipeline)).toEqual({ flaky: "cached" });
  });

  it("deletes what runs wrote that failed, when that is old", async () => {
    const project = await makePipelineProject(FLAKY);
    const { id } = taskOf((await project.run()).pipeline, "flaky");

    expect((await gc(project)).kept).toEqual({ recent: 1 });
    expect((await gc(project, ...ANY_AGE, "--yes")).outputs).toMatchObject([
      { job_id: id, attempt: 1, why: "unsuccessful" },
    ]);
  });

  it("says of the items of a stream that failed that they are missing", async () => {
    const project = await makePipelineProject(FAILED_STREAM);
    const group = await project.submit();
    const { id } = taskOf(group, "stream");
    const working = project.work();
    await waitUntil("an item", async () => (await project.ports.store.outputs([id])).length > 0);
    project.write("go", "");
    await working;

    const before = await runCliJson(project.root, ["output", "verify", id]);
    await gc(project, ...ANY_AGE, "--yes");

    expect(before).toMatchObject([{ output: "all", digest: null, result: "same" }]);
    expect((await project.ports.store.outputs([id])).map(({ item, state }) => [item, state])).toEqual([
      ["one", "missing"],
    ]);
    expect(await runCliJson(project.root, ["output", "verify", id])).toMatchObject([
      { result: "changed", items: ["one"] },
    ]);
  });

  it("touches nothing that is not of a stage", async () => {
    const project = await makePipelineProject();
    await runCli(project.root, ["run", "--experiment", "E001", "--", "true"]);
    const [id] = project.repo.runs.listJobIds();
    const mine = join(project.repo.runs.workspaceOf(id ?? fail()), "outputs", "1");
    mkdirSync(mine, { recursive: true });
    writeFileSync(join(mine, "precious"), "x");

    expect(await gc(project, ...ALL, "--yes")).toMatchObject({ outputs: [], kept: {} });
    expect(existsSync(join(mine, "precious"))).toBe(true);
  });

  it("judges runs that the queue has forgotten by their documents, the newest of a stage among them", async () => {
    const { project, idOf } = await makeTrained(0.1, 0.5);
    const { root } = project;
    await project.ports[Symbol.asyncDispose]();
    rmSync(join(root, ".aexp", "state"), { recursive: true });

    expect((await gc(project)).kept).toEqual({ recent: 5 });
    expect(stagesOf(await gc(project, ...ALL))).toEqual(["prepare", "report", "report", "train", "train"]);
    const done = await gc(project, ...ANY_AGE, "--yes");
    expect(stagesOf(done)).toEqual(["report", "train"]);
    expect(done.kept).toEqual({ newest: 3 });
    expect(existsSync(join(project.repo.runs.workspaceOf(idOf(0, "prepare")), "outputs", "1"))).toBe(true);
  });

  it("says so when something cannot be deleted, and goes on", async () => {
    const { project, idOf } = await makeTrained(0.1, 0.5);
    const rules = { ...RULES, keepLast: 1 };
    const ports: DeletionPorts = {
      ...project.ports,
      outputs: {
        ...project.ports.outputs,
        remove: async (folder, attempt) => {
          if (folder.endsWith(idOf(0, "train"))) throw new Error("it is busy");
          await project.ports.outputs.remove(folder, attempt);
        },
      },
    };
    const plan = await planCollection(project.repo, ports, rules);

    const done = await collectOutputs(project.repo, ports, rules, plan);

    expect(done.failed).toMatchObject([{ item: { run: idOf(0, "train") }, problem: "it is busy" }]);
    expect(done.deleted).toMatchObject([{ run: idOf(0, "report") }]);
    expect((await project.ports.store.outputs([idOf(0, "train")])).map(({ state }) => state)).toEqual(["present"]);
    expect(await wronglyPresent(project)).toEqual([]);
  });
});

describe("a collection at the same time as other things", () => {
  it("spares what gets an alias after it was planned", async () => {
    const { project, idOf } = await makeTrained(0.1, 0.5);
    const { repo, ports } = project;
    const rules = { ...RULES, keepLast: 1 };
    const plan = await planCollection(repo, ports, rules);
    await runCli(project.root, ["alias", "set", "base", idOf(0, "train")]);

    const done = await collectOutputs(repo, ports, rules, plan);

    expect(done.spared).toMatchObject([{ run: idOf(0, "train") }]);
    expect(done.deleted).toMatchObject([{ run: idOf(0, "report") }]);
    expect((await ports.store.outputs([idOf(0, "train")])).map(({ state }) => state)).toEqual(["present"]);
  });

  it("leaves no output that counts as present and is not, wherever it is killed", async () => {
    const { project } = await makeTrained(0.1, 0.2, 0.3);
    const { repo, ports } = project;
    expect((await planCollection(repo, ports, RULES)).collectable).not.toEqual([]);

    for (let last = 0; ; last += 1) {
      let calls = 0;
      const { promise: killed, resolve: kill } = Promise.withResolvers<"killed">();
      /** Every change so far was made; of the last one perhaps nothing, and nothing follows. */
      const step = async <T>(change: () => Promise<T>): Promise<T> => {
        calls += 1;
        if (calls > last) {
          kill("killed");
          return await new Promise<never>(() => undefined);
        }
        return await change();
      };
      const plan = await planCollection(repo, ports, RULES);
      const collecting = collectOutputs(
        repo,
        {
          store: {
            aliases: async () => await ports.store.aliases(),
            outputs: async (ids) => await ports.store.outputs(ids),
            tasks: async (query) => await ports.store.tasks(query),
            noteOutputs: async (...args) => await step(() => ports.store.noteOutputs(...args)),
          },
          outputs: { ...ports.outputs, remove: async (...args) => await step(() => ports.outputs.remove(...args)) },
        },
        RULES,
        plan,
      );
      const outcome = await Promise.race([killed, collecting]);
      expect(await wronglyPresent(project)).toEqual([]);
      if (outcome !== "killed") break;
    }

    expect((await planCollection(repo, ports, RULES)).collectable).toEqual([]);
  });

  it("goes on where one was killed with SIGKILL", async () => {
    const project = await makePipelineProject(SWEEP);
    const { pipeline } = await project.run();
    const folders = pipeline.tasks.map(({ id }) => join(project.repo.runs.workspaceOf(id), "outputs", "1"));
    const leftovers = (): readonly string[] =>
      folders.flatMap((folder) => readdirSync(join(folder, "..")).filter((name) => name.startsWith(".removed")));
    const { ended } = startAexp(project.root, ["output", "gc", ...ALL, "--yes"], { NODE_OPTIONS: DYING });

    expect(await ended).toMatchObject({ signal: "SIGKILL" });
    // It was in the midst of the third.
    expect(folders.filter((folder) => existsSync(folder))).toHaveLength(folders.length - 3);
    expect(leftovers()).toHaveLength(1);
    expect(await wronglyPresent(project)).toEqual([]);
    await gc(project, ...ALL, "--yes");

    expect(folders.filter((folder) => existsSync(folder))).toEqual([]);
    expect(leftovers()).toEqual([]);
    expect(statesOf((await project.run()).pipeline)).toEqual({ part: folders.map(() => "complete") });
  });
});

/** Makes a process kill itself in the midst of its third deletion; a kill from outside may come too late. */
const DYING = `--import=data:text/javascript,${encodeURIComponent(`
  import fs from "node:fs/promises";
  import { syncBuiltinESMExports } from "node:module";
  let [{ rm }, count] = [fs, 0];
  fs.rm = async (path, options) => {
    if (path.includes(".removed-") && (count += 1) === 3) process.kill(process.pid, "SIGKILL");
    await rm(path, options);
  };
  syncBuiltinESMExports();
`)}`;

/** Things that happen in a project, one after the other. */
const steps = fc.array(
  fc.oneof(
    fc.record({ kind: fc.constant("run" as const), rate: fc.constantFrom(0.1, 0.2) }),
    fc.record({
      kind: fc.constant("alias" as const),
      name: fc.constantFrom("a", "b"),
      stage: fc.constantFrom("prepare", "train", "report"),
    }),
    fc.record({ kind: fc.constant("gc" as const), keepLast: fc.integer({ min: 0, max: 2 }) }),
  ),
  { minLength: 3, maxLength: 6 },
);

describe("whatever is executed, named and collected", () => {
  it("aliases keep what they stand for, and a pipeline gives the right result or the cached one", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (history) => {
        const project = await makePipelineProject(NARROW);
        let last = (await project.run()).pipeline;
        const aliased = new Map<string, JobId>();
        let [result, wanted] = [{}, {}];
        for (const step of history) {
          if (step.kind === "run") {
            project.write("pipeline.yaml", NARROW.replace("lr: 0.1", `lr: ${step.rate}`));
            const ran = await project.run();
            last = ran.pipeline;
            result = { exitCode: ran.exitCode, said: await readOutput(project, taskOf(last, "train").id) };
            wanted = { exitCode: 0, said: `a\nb\nc\n${step.rate}\n` };
          } else if (step.kind === "alias") {
            const { id } = taskOf(last, step.stage);
            // What is gone already may have a name as well.
            if (existsSync(await pathOfOutput(project, id))) aliased.set(step.name, id);
            else aliased.delete(step.name);
            await runCli(project.root, ["alias", "set", step.name, id]);
          } else {
            await gc(project, ...ANY_AGE, "--keep-last", String(step.keepLast), "--yes");
          }
          expect(result).toEqual(wanted);
          expect(await wronglyPresent(project)).toEqual([]);
          for (const id of aliased.values()) expect(existsSync(await pathOfOutput(project, id))).toBe(true);
        }
      }),
      { numRuns: 4, endOnFailure: true },
    );
  }, 120_000);
});

const EVAL = `
name: eval
pins: {base: RUN}
stages:
  wait: {command: "true", lane: LANE}
  eval:
    command: cat {inputs.model} > {outputs.score}
    lane: last
    needs: [wait]
    inputs: {model: {pin: base}}
    outputs: {score: {path: score}}
`;

/** It fails, when it has written its output, until there is a file `go` in the repository. */
const FLAKY = `
name: flaky
stages:
  flaky:
    command: echo hello > {outputs.out}; test -e {repo}/go
    code: {paths: [note]}
    outputs: {out: {path: out}}
`;

/** It writes an item, and fails as soon as there is a file `go` in the repository. */
const FAILED_STREAM = `
name: failed
stages:
  stream:
    command: mkdir {outputs.all}; echo 1 > {outputs.all}/one; until test -e {repo}/go; do sleep 0.05; done; exit 1
    outputs: {all: {path: all, stream: true}}
`;

const SWEEP = `
name: sweep
stages:
  part:
    command: for i in 1 2 3 4 5 6 7 8; do mkdir -p {outputs.out}/$i; echo {n} > {outputs.out}/$i/x; done
    sweep: {n: 0..7}
    outputs: {out: {path: out}}
`;
