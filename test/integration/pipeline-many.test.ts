import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";

import { type AexpProcess, startAexp } from "../helpers/aexp-process.ts";
import { expectSettled, untilDelivered } from "../helpers/queue-audit.ts";
import { makePipelineProject, type PipelineProject, readOutput, taskOf } from "../helpers/pipeline-project.ts";
import { startWorker } from "../helpers/worker-process.ts";

/** A diamond with a sweep in the middle, in which everything has the same bytes each time. */
const DIAMOND = `
name: diamond
stages:
  top:
    command: ./note top; echo top > {outputs.out}
    outputs: {out: {path: out}}
  side:
    command: ./note side {n}; (cat {inputs.top}; echo {n}) > {outputs.out}
    sweep: {n: 0..3}
    inputs: {top: {stage: top}}
    outputs: {out: {path: out}}
  bottom:
    command: ./note bottom; cp {inputs.sides.list} /dev/null; echo bottom > {outputs.out}
    inputs: {sides: {stage: side, all: true}}
    outputs: {out: {path: out}}
`;
/** Longer than any test: nothing is executed again because a busy machine let a lease expire. */
const LONG_LEASE = { AEXP_LEASE_S: "600" };
const STAGES = ["bottom", "side 0", "side 1", "side 2", "side 3", "top"];

async function expectOnce(project: PipelineProject, processes: readonly AexpProcess[]): Promise<void> {
  const ends = await Promise.all(processes.map(({ ended }) => ended));
  const printed = processes.map(({ printed: { stdout, stderr } }) => stdout + stderr).join("\n");
  expect(
    ends.map(({ exitCode }) => exitCode),
    `they said: ${printed}`,
  ).toEqual(processes.map(() => 0));
  expect(readFileSync(project.log, "utf8").trim().split("\n").toSorted()).toEqual(STAGES);
  await untilDelivered(project.root, project.ports.store);
  const tasks = await expectSettled(project.repo, project.ports.store);
  const groups = await project.groups();
  expect(groups.map(({ group }) => group.state)).toEqual(processes.map(() => "complete"));
  expect(tasks.filter(({ state }) => state === "complete")).toHaveLength(STAGES.length);
  expect(tasks.filter(({ state }) => state === "cached")).toHaveLength(STAGES.length * (processes.length - 1));
  for (const group of groups) expect(await readOutput(project, taskOf(group, "side", "n=2").id)).toBe("top\n2\n");
}

describe("a pipeline whose work another one was to do", () => {
  it("is executed all the same, when nobody executes the other one", async () => {
    const project = await makePipelineProject(DIAMOND);
    const first = await project.submit();

    const second = await project.run();

    expect(second.exitCode, `it said: ${second.stderr}`).toBe(0);
    expect(project.executed().toSorted()).toEqual(STAGES);
    expect(second.pipeline.group.state).toBe("complete");
    expect(first.group.state).toBe("active");
    expect((await project.groups()).map(({ group }) => group.state)).toEqual(["complete", "complete"]);
  });
});

describe("six processes that submit the same pipeline at once", () => {
  it("execute each stage once, and all have everything", { timeout: 300_000 }, async () => {
    const project = await makePipelineProject(DIAMOND);
    const processes = Array.from({ length: 6 }, () =>
      startAexp(project.root, ["pipeline", "run", "pipeline.yaml", "--jobs", "1"], {
        AEXP_POLL_S: "0.05",
        ...LONG_LEASE,
      }),
    );

    await expectOnce(project, processes);
  });

  it("wait for what two workers execute once", { timeout: 300_000 }, async () => {
    const project = await makePipelineProject(DIAMOND);
    const workers = ["a", "b"].map((id) => startWorker(project.root, { id, isUntilEmpty: false, env: LONG_LEASE }));
    const processes = Array.from({ length: 6 }, () =>
      startAexp(project.root, ["pipeline", "run", "pipeline.yaml", "--wait"]),
    );

    await Promise.all(processes.map(({ ended }) => ended));
    for (const { child } of workers) child.kill("SIGTERM");
    await Promise.all(workers.map(({ ended }) => ended));
    await expectOnce(project, processes);
  });
});
