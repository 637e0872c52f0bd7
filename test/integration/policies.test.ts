import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import type { PipelineGroup } from "../../src/app/show-pipeline.ts";
import { toPythonJson } from "../../src/model/exact-json.ts";
import { runCli } from "../helpers/cli.ts";
import { pathOfOutput, type PipelineProject, readOutput, statesOf } from "../helpers/pipeline-project.ts";
import { firesOf, makeOwnProject, makePolicyProject, ONE_MODEL, runsOf, trust } from "../helpers/policies.ts";
import { startWorker, untilTold } from "../helpers/worker-process.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const EVALUATE = `
  evaluate:
    on: {kind: model}
    command: ./note evaluate; (cat {input}; echo {input.digest} {penalty}) > {outputs.score}
    sp: {penalty: 0.5}
    outputs: {score: {path: score.txt, kind: score}}
`;

describe("a policy", () => {
  it("submits a run for a new output, which a pipeline's own process executes", async () => {
    const project = await makePolicyProject(ONE_MODEL, EVALUATE);

    expect((await project.run()).exitCode).toBe(0);

    const pipeline = await sourceOf(project);
    expect(statesOf(pipeline)).toEqual({ train: "complete" });
    expect(project.executed()).toEqual(["train 1", "evaluate"]);
    const [train] = pipeline.tasks;
    const [run, ...others] = await runsOf(project, "evaluate");
    expect(others).toEqual([]);
    expect(run).toMatchObject({ state: "complete", experimentId: "E001", spec: { name: "evaluate" } });
    const model = (await project.ports.store.outputs([train?.id].flatMap((id) => id ?? []))).at(0);
    expect(run && (await readOutput(project, run.id))).toBe(`1\n${model?.digest} 0.5\n`);
    const { statePoint, document } = project.repo.runs.read(some(run).id);
    expect(JSON.parse(toPythonJson(statePoint))).toMatchObject({
      experiment_id: "E001",
      penalty: 0.5,
      pipeline: "demo",
      stage: "evaluate",
      triggered_by: { policy: "evaluate", run: train?.id, output: "model", digest: model?.digest },
    });
    expect(document.facts).toMatchObject({ status: "complete", aexp: { experiment_id: "E001" } });
    expect(await firesOf(project, "evaluate")).toMatchObject([{ source: train?.id, run: run?.id, item: "" }]);
    expect((await project.groups()).map(({ group }) => group.name).toSorted()).toEqual(["demo", "demo/evaluate"]);
  });

  it("fires for a process's own outputs although more than it sees to at once wait for others", async () => {
    const project = await makeOwnProject(ONE_MODEL);
    const items = "mkdir {outputs.all}; for i in $(seq 120); do echo $i > {outputs.all}/$i; done";
    project.write(
      "many.yaml",
      `name: many\ndefaults: {experiment: E001}\nstages:\n  write:\n    command: ${items}\n    outputs: {all: {path: all, kind: model, stream: true}}\n`,
    );
    project.write("aexp.yaml", `policies:\n${EVALUATE}`);
    await runCli(project.root, ["pipeline", "run", "many.yaml", "--jobs", "1"]);
    expect(await runsOf(project, "evaluate")).toEqual([]);
    await trust(project);

    await project.run();

    const [source] = (await sourceOf(project)).tasks;
    const fires = await firesOf(project, "evaluate");
    expect(fires.map((fire) => fire.source)).toEqual([source?.id]);
    expect((await runsOf(project, "evaluate")).map(({ state }) => state)).toEqual(["complete"]);
  });

  it("is not fired for what comes from the cache, and equal outputs are evaluated once", async () => {
    const project = await makePolicyProject(ONE_MODEL, EVALUATE);
    await project.run();
    project.executed();

    await project.run();
    expect(await runsOf(project, "evaluate")).toHaveLength(1);
    await project.run("--cache", "refresh");

    expect(project.executed()).toEqual(["train 1"]);
    const runs = await runsOf(project, "evaluate");
    expect(runs.map(({ state }) => state)).toEqual(["complete", "cached"]);
    expect(runs[1]?.cachedFrom).toBe(runs[0]?.id);
  });

  it("executes the code of the run that wrote the output, whatever lies there now", async () => {
    const project = await makePolicyProject(
      ONE_MODEL,
      "  score: {on: {kind: model}, command: 'sh score.sh {input} > {outputs.out}', outputs: {out: {path: out}}}\n",
    );
    project.write("score.sh", "echo then\n");
    await project.submit();
    project.write("score.sh", "echo now\n");

    await project.work();

    const [run] = await runsOf(project, "score");
    expect(await readOutput(project, some(run).id)).toBe("then\n");
  });

  it("takes the files that it names as code as they are when it is fired", async () => {
    const project = await makePolicyProject(
      ONE_MODEL.replace("sp:", "code: {paths: note}\n    sp:"),
      "  score: {on: {kind: model}, command: 'sh score.sh > {outputs.out}', code: {paths: score.sh}, outputs: {out: {path: out}}}\n",
    );
    await project.submit();
    project.write("score.sh", "echo now\n");
    expect((await project.work()).stderr).toContain("changed since you trusted them");
    expect(await runsOf(project, "score")).toEqual([]);
    await trust(project);

    await project.work();

    const [run] = await runsOf(project, "score");
    expect(await readOutput(project, some(run).id)).toBe("now\n");
  });

  it("listens from the moment on when it is first seen, and makes up for the rest when asked", async () => {
    const project = await makeOwnProject(ONE_MODEL);
    await project.run();
    project.write("aexp.yaml", `policies:${EVALUATE}`);
    await trust(project);
    project.write("pipeline.yaml", ONE_MODEL.replace("lr: 1", "lr: 2"));
    await project.run();
    expect(project.executed()).toEqual(["train 1", "train 2", "evaluate"]);

    const dry = await runCli(project.root, ["policy", "run", "evaluate", "--dry-run", "--json"]);
    expect(JSON.parse(dry.stdout)).toMatchObject({ policy: "evaluate", outputs: [{ output: "model" }], runs: [] });
    expect(await runsOf(project, "evaluate")).toHaveLength(1);
    const made = await runCli(project.root, ["policy", "run", "evaluate"]);

    expect(made).toMatchObject({ exitCode: 0 });
    expect(made.stdout).toContain("1 run was submitted");
    await project.work();
    expect(project.executed()).toEqual(["evaluate"]);
    const again = await runCli(project.root, ["policy", "run", "evaluate"]);
    expect(again.stdout).toBe("evaluate has nothing to make up for.\n");
  });

  it.each([
    { who: "whom AEXP_CALLER names", env: { AEXP_CALLER: "ada" }, caller: "ada" },
    { who: "who asked for the run before, when nobody is named", env: { AEXP_CALLER: undefined }, caller: "bea" },
    { who: "who asked for the run before, when the name is empty", env: { AEXP_CALLER: "" }, caller: "bea" },
  ])("is asked for by $who", async ({ env, caller }) => {
    const project = await makeOwnProject(ONE_MODEL);
    await runCli(project.root, ["pipeline", "run", "pipeline.yaml", "--jobs", "1"], { env: { AEXP_CALLER: "bea" } });
    project.write("aexp.yaml", `policies:${EVALUATE}`);
    await trust(project);

    await runCli(project.root, ["policy", "run", "evaluate"], { env });

    const [run] = await runsOf(project, "evaluate");
    expect(run).toMatchObject({ caller });
  });

  it("is never fired by what it has brought about, and chains of policies end", async () => {
    const project = await makePolicyProject(
      ONE_MODEL,
      ["ping", "pong"]
        .map(
          (name) =>
            `  ${name}: {on: {kind: model}, command: './note ${name}; cat {input} > {outputs.m}; echo ${name} >> {outputs.m}', outputs: {m: {path: m, kind: model}}}\n`,
        )
        .join(""),
    );

    await project.run();

    expect(project.executed().toSorted()).toEqual(["ping", "ping", "pong", "pong", "train 1"]);
    expect((await project.groups()).map(({ group }) => group.name).toSorted()).toEqual([
      "demo",
      "demo/ping",
      "demo/ping/pong",
      "demo/pong",
      "demo/pong/ping",
    ]);
  });

  it("belongs to the experiment and the hypothesis of its source, unless it says otherwise", async () => {
    const project = await makePolicyProject(
      ONE_MODEL.replace("E001}", "E001, hypothesis: H007}"),
      "  same: {on: {kind: model}, command: 'true'}\n  other: {on: {kind: model}, command: 'true', experiment: E009}\n",
    );
    await project.run();

    const links = async (policy: string) =>
      (await runsOf(project, policy)).map(({ id }) => project.repo.runs.read(id).document.facts.aexp);
    expect(await links("same")).toMatchObject([{ experiment_id: "E001", hypothesis_id: "H007" }]);
    expect(await links("other")).toMatchObject([{ experiment_id: "E009", hypothesis_id: null }]);
  });
});

describe("policies that come by git", () => {
  it("submit nothing before the user agrees, say so once, and miss nothing", async () => {
    const project = await makeOwnProject(ONE_MODEL);
    project.write("aexp.yaml", `policies:${EVALUATE}`);
    await project.submit();
    const worker = startWorker(project.root, { id: "w", isUntilEmpty: false });
    await untilTold(worker, "ended");

    const [warning] = await untilTold(worker, "warning");
    expect(warning?.["message"]).toBe(
      "the policies of aexp.yaml are not trusted on this machine, so they submit nothing; look at them and agree with `aexp trust`",
    );
    expect(await runsOf(project, "evaluate")).toEqual([]);
    const shown = await runCli(project.root, ["policy", "list", "--json"]);
    expect(JSON.parse(shown.stdout)).toMatchObject([{ policy: "evaluate", trust: "untrusted", fired: 0, pending: 1 }]);
    expect(await runCli(project.root, ["policy", "run", "evaluate", "--json"])).toMatchObject({
      exitCode: 2,
      stdout: expect.stringContaining("policy.untrusted"),
    });
    await trust(project);
    // Something has to happen, so that it looks again.
    await project.submit("--cache", "refresh");
    await waitUntil("the evaluation", () => readFileSync(project.log, "utf8").includes("evaluate"));
    expect(worker.told("warning")).toHaveLength(1);
  });

  it("are not trusted any more once they have changed, and hooks are not either", async () => {
    const project = await makePolicyProject(ONE_MODEL, EVALUATE);
    project.write("aexp.yaml", `policies:${EVALUATE.replace("0.5", "0.6")}`);

    const { stderr } = await project.run();

    expect(stderr).toContain("the policies of aexp.yaml, or a file that they name, changed since you trusted them");
    expect(project.executed()).toEqual(["train 1"]);
    const doctor = await runCli(project.root, ["doctor"]);
    expect(doctor.stdout).toContain("the policies of aexp.yaml changed since you trusted them");
  });

  it("are shown to whoever is asked to agree, with the files of the work tree that they take", async () => {
    const project = await makeOwnProject(ONE_MODEL);
    project.write("score.sh", "true\n");
    project.write(
      "aexp.yaml",
      "hooks: {run.ended: ['true']}\npolicies:\n  score: {on: {kind: model}, command: 'sh {repo}/score.sh {input}'}\n",
    );

    const shown = await runCli(project.root, ["trust", "--dry-run"]);
    expect(shown.stdout.replace(/[0-9a-f]{12}/, "<digest>")).toBe(
      [
        "hooks of aexp.yaml:",
        "  run.ended  true",
        "policies of aexp.yaml, which submit runs:",
        "  score      sh {repo}/score.sh {input}",
        "files of this repository that they name:",
        "  <digest>  score.sh",
        "You do not trust them.",
        "",
      ].join("\n"),
    );
    await trust(project);
    const trusted = async (): Promise<unknown> =>
      JSON.parse((await runCli(project.root, ["trust", "--dry-run", "--json"])).stdout);
    expect(await trusted()).toMatchObject({ trust: "trusted", policies: [{ policy: "score" }] });
    project.write("score.sh", "false\n");
    expect(await trusted()).toMatchObject({ trust: "changed" });
  });

  it("are listed with what became of them", async () => {
    const project = await makePolicyProject(
      ONE_MODEL,
      `${EVALUATE}  plot: {on: {kind: figure, pipeline: demo, stage: train, every_n: 3}, command: 'true'}\n`,
    );
    await project.run();

    const shown = await runCli(project.root, ["policy", "list"]);

    const [run] = await runsOf(project, "evaluate");
    const lines = shown.stdout
      .replace(some(run).id.slice(0, 8), "<run-id>")
      .replace(/\d{4}-\S+Z/, "<time>")
      .split("\n");
    expect(lines.map((line) => line.trimEnd().replaceAll(/ {2,}/g, "  "))).toEqual([
      "policy  listens to  trusted  fired  pending  last run  last",
      "evaluate  model  yes  1  0  <run-id>  <time>",
      "plot  figure of demo train every 3  yes  0  0",
      "",
    ]);
    expect(await runCli(project.root, ["policy", "run", "evaluat"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('aexp.yaml has no policy "evaluat". Did you mean "evaluate"?'),
    });
  });

  it("are read before anything is queued, and faults are told with their lines", async () => {
    const project = await makeOwnProject(ONE_MODEL);
    project.write("aexp.yaml", "policies:\n  evaluate:\n    on: {kind: model, evry_n: 2}\n    comand: x\n");

    const { exitCode, stderr } = await runCli(project.root, ["pipeline", "run", "pipeline.yaml"]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain('aexp.yaml:3:23: unknown key "evry_n". Did you mean "every_n"?');
    expect(stderr).toContain('aexp.yaml:4:5: unknown key "comand". Did you mean "command"?');
    expect(await project.groups()).toEqual([]);
  });
});

describe("a policy for checkpoints", () => {
  it("is fired for each while the program that writes them goes on", async () => {
    const project = await makePolicyProject("name: later\nstages: {a: {command: 'true'}}\n", CHECKPOINTS);
    project.write("pipeline.yaml", streaming(project.log));

    await project.run();

    const pipeline = await sourceOf(project);
    expect(statesOf(pipeline)).toEqual({ train: "complete" });
    expect(project.executed()).toEqual([
      "train",
      "evaluate step-1",
      "saw 1",
      "evaluate step-2",
      "saw 2",
      "evaluate step-3",
    ]);
    const runs = await runsOf(project, "evaluate");
    expect(runs.map(({ spec, state }) => [spec.name, state])).toEqual(
      [1, 2, 3].map((n) => [`evaluate[step-${n}]`, "complete"]),
    );
    expect(await Promise.all(runs.map(async ({ id }) => await readOutput(project, id)))).toEqual(["1\n", "2\n", "3\n"]);
    expect(await pathOfOutput(project, some(pipeline.tasks[0]).id)).toMatch(/outputs\/1\/checkpoints$/);
  });

  it("takes every n-th of them", async () => {
    const project = await makePolicyProject(
      ONE_MODEL,
      CHECKPOINTS.replace("kind: checkpoint", "kind: checkpoint, every_n: 2"),
    );
    project.write(
      "pipeline.yaml",
      `
name: fast
stages:
  train:
    command: mkdir -p {outputs.checkpoints}; for n in 1 2 3 4 5; do echo $n > {outputs.checkpoints}/step-$n; done
    outputs: {checkpoints: {path: checkpoints, kind: checkpoint, stream: true}}
`,
    );

    await project.run();

    expect(project.executed().toSorted()).toEqual(["evaluate step-2", "evaluate step-4"]);
  });
});

const CHECKPOINTS = `
  evaluate:
    on: {kind: checkpoint}
    command: cat {input} > {outputs.score}; ./note evaluate {item}
    outputs: {score: {path: score.txt}}
`;

/** Writes a checkpoint, and the next one only when somebody has evaluated it. */
function streaming(log: string): string {
  const wait = (n: number): string => `until grep -q 'evaluate step-${n}' ${log}; do sleep 0.02; done; ./note saw ${n}`;
  return `
name: streaming
stages:
  train:
    command: |
      ./note train; mkdir -p {outputs.checkpoints}
      ${save(1)}; ${wait(1)}
      ${save(2)}; ${wait(2)}
      ${save(3)}
    outputs: {checkpoints: {path: checkpoints, kind: checkpoint, stream: true}}
`;
}

function save(n: number): string {
  return `echo ${n} > {outputs.checkpoints}/.tmp; mv {outputs.checkpoints}/.tmp {outputs.checkpoints}/step-${n}`;
}

/** The newest pipeline that somebody submitted. */
async function sourceOf(project: PipelineProject): Promise<PipelineGroup> {
  return some((await project.groups()).find(({ group }) => !group.name.includes("/")));
}

function some<T>(value: T | undefined): T {
  if (value === undefined) throw new Error("there is none");
  return value;
}
