import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { isJsonObject } from "../../src/model/json.ts";
import { startAexp } from "../helpers/aexp-process.ts";
import { runCli } from "../helpers/cli.ts";
import { writeFile } from "../helpers/clones.ts";
import { git } from "../helpers/git-repo.ts";
import { makeMachines, type Machine } from "./machine.ts";

/** Longer than any test: nothing is executed again because a busy machine let a lease expire. */
const LONG_LEASE = { AEXP_LEASE_S: "600", AEXP_POLL_S: "0.05" };

/** Its stages say in a file of the clone, which git ignores, that they are executed. */
const CHAIN = `
name: words
stages:
  first:
    command: echo first >> {repo}/executed; echo word > {outputs.out}
    outputs: {out: {path: out.txt}}
  second:
    command: echo second >> {repo}/executed; cat {inputs.word} > {outputs.out}
    inputs: {word: {stage: first}}
    outputs: {out: {path: out.txt}}
`;

const PINNED = `
name: pinned
pins: {base: "@word"}
stages:
  third:
    command: cat {inputs.word} > {outputs.out}
    inputs: {word: {pin: base, output: out}}
    outputs: {out: {path: out.txt}}
`;

/** Two machines that have the same pipelines. */
async function makePipelineMachines(): Promise<{ one: Machine; two: Machine; place: string }> {
  const machines = await makeMachines();
  const { one, two } = machines;
  writeFile(one.clone, "pipeline.yaml", CHAIN);
  writeFile(one.clone, "pinned.yaml", PINNED);
  writeFile(one.clone, ".gitignore", `${readFileSync(join(one.clone, ".gitignore"), "utf8")}\nexecuted\n`);
  git(one.clone, "add", "pipeline.yaml", "pinned.yaml", ".gitignore");
  git(one.clone, "commit", "--quiet", "--message", "Describe the pipelines");
  git(one.clone, "push", "--quiet", "origin", "HEAD:main");
  rmSync(join(two.clone, ".gitignore"));
  git(two.clone, "pull", "--quiet", "origin", "main");
  return machines;
}

interface Ran {
  readonly group: string;
  readonly runs: readonly { readonly id: string; readonly state: string }[];
}

async function run(machine: Machine): Promise<Ran> {
  const shown: unknown = JSON.parse(await machine.aexp("pipeline", "run", "pipeline.yaml", "--jobs", "1", "--json"));
  return toRan(shown);
}

function toRan(shown: unknown): Ran {
  if (!isJsonObject(shown) || typeof shown["group"] !== "string" || !Array.isArray(shown["stages"]))
    throw new Error(`no pipeline: ${JSON.stringify(shown)}`);
  const runs = shown["stages"].flatMap((stage: unknown) =>
    isJsonObject(stage) && Array.isArray(stage["runs"]) ? stage["runs"].map(toRun) : [],
  );
  return { group: shown["group"], runs };
}

function toRun(task: unknown): Ran["runs"][number] {
  return isJsonObject(task) ? { id: String(task["job_id"]), state: String(task["state"]) } : { id: "", state: "" };
}

function statesOf({ runs }: Ran): readonly string[] {
  return runs.map(({ state }) => state);
}

function executedOn({ clone }: Machine): readonly string[] {
  try {
    return readFileSync(join(clone, "executed"), "utf8").trim().split("\n");
  } catch {
    return [];
  }
}

describe("a pipeline that two machines submit", () => {
  it("is computed on each, because outputs lie where they were written, and says so", async () => {
    const { one, two } = await makePipelineMachines();
    const first = await run(one);
    expect(statesOf(first)).toEqual(["complete", "complete"]);

    const plan = await two.aexp("pipeline", "plan", "pipeline.yaml", "--explain");
    expect(plan).toContain("did the same, but its outputs are on one, and not on two");
    const second = await run(two);

    expect(statesOf(second)).toEqual(["complete", "complete"]);
    expect(executedOn(two)).toEqual(["first", "second"]);
    const [ours] = second.runs;
    const [theirs] = first.runs;
    const why = await two.aexp("why", ours?.id ?? "");
    expect(why).toContain(`${theirs?.id.slice(0, 8)} computed the same before, but its outputs are on one`);
    // Neither has taken the other one's outputs for missing.
    for (const machine of [one, two]) expect(statesOf(await run(machine))).toEqual(["cached", "cached"]);
    expect(await one.aexp("why", theirs?.id ?? "")).not.toContain("computed the same before");
  });

  it("is computed once on each by six processes at once", { timeout: 180_000 }, async () => {
    const { one, two } = await makePipelineMachines();
    const processes = [one, two].flatMap(({ clone, env }) =>
      Array.from({ length: 3 }, () =>
        startAexp(clone, ["pipeline", "run", "pipeline.yaml", "--jobs", "1", "--json"], { ...env, ...LONG_LEASE }),
      ),
    );

    const ends = await Promise.all(processes.map(({ ended }) => ended));

    const printed = processes.map(({ printed: { stdout, stderr } }) => stdout + stderr).join("\n");
    expect(
      ends.map(({ exitCode }) => exitCode),
      `they said: ${printed}`,
    ).toEqual(processes.map(() => 0));
    expect([executedOn(one), executedOn(two)]).toEqual([
      ["first", "second"],
      ["first", "second"],
    ]);
  });

  it("reads no output of the other machine, and does not say that it is gone", async () => {
    const { one, two } = await makePipelineMachines();
    const { runs, group } = await run(one);
    await one.aexp("alias", "set", "word", runs[0]?.id ?? "");

    const refused = await runCli(two.clone, ["pipeline", "run", "pinned.yaml"], { env: two.env });

    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("which has no outputs on this machine");
    expect(await one.aexp("output", "verify", "--group", group)).not.toMatch(/missing|changed/);
    expect(statesOf(await run(one))).toEqual(["cached", "cached"]);
  });
});

describe("two clones of one host that go by one name", () => {
  it("do not share a queue, until one of them gets another name", async () => {
    const { one, two } = await makePipelineMachines();
    await two.aexp("install", "--machine-label", "one", "--no-kb");
    const first = await run(one);

    const refused = await runCli(two.clone, ["pipeline", "run", "pipeline.yaml", "--jobs", "1"], { env: two.env });

    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain(`the one in ${JSON.stringify(one.clone)} both go by the name "one"`);
    expect(refused.stderr).toContain("aexp install --machine-label");
    expect(executedOn(two)).toEqual([]);

    await two.aexp("install", "--machine-label", "two", "--no-kb");
    expect(statesOf(await run(two))).toEqual(["complete", "complete"]);
    expect(statesOf(await run(one))).toEqual(["cached", "cached"]);
    expect(await one.aexp("output", "verify", "--group", first.group)).not.toMatch(/missing|changed/);
  });

  it("follow each other, when the first one is gone, was moved or has another name by now", async () => {
    const { one, two, place } = await makePipelineMachines();
    await run(one);
    await two.aexp("install", "--machine-label", "one", "--no-kb");
    const moved = join(place, "elsewhere", "one");
    mkdirSync(join(place, "elsewhere"));
    renameSync(one.clone, moved);
    expect(statesOf(await run(two))).toEqual(["complete", "complete"]);

    // Now the name is that of the second one.
    const list = async () => await runCli(moved, ["queue", "list"], { env: one.env });
    expect((await list()).stderr).toContain("both go by the name");
    await two.aexp("install", "--machine-label", "two", "--no-kb");
    await two.aexp("queue", "list");
    expect((await list()).exitCode).toBe(0);
  });

  it("are one, where they are two ways to the same folder", async () => {
    const { one } = await makePipelineMachines();
    await run(one);
    writeFileSync(join(one.clone, "note.txt"), "");

    const below = await runCli(one.clone, ["queue", "list", "--repo", `${one.clone}/.`], { env: one.env });

    expect(below.exitCode).toBe(0);
  });
});
