import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli } from "../helpers/cli.ts";
import { ledgerIds, writeFile } from "../helpers/clones.ts";
import { git } from "../helpers/git-repo.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { untilTold } from "../helpers/worker-process.ts";
import { makeMachines, type Machine } from "./machine.ts";

const CHECKOUT = { TEST_CHECKOUT: "1" };

/** What the program of a run has left in its folder there. */
function outcomeOn({ clone }: Machine, id: string): string {
  return readFileSync(join(clone, ".runs", "workspace", id, "out.txt"), "utf8").trim();
}

function hasFolder({ clone }: Machine, id: string): boolean {
  return existsSync(join(clone, ".runs", "workspace", id));
}

/** Commits a program that says a word, and gives the commit. */
function commitWord({ clone }: Machine, word: string): string {
  writeFile(clone, "say.sh", `echo ${word} "$1" > "$2/out.txt"\n`);
  git(clone, "add", "say.sh");
  git(clone, "commit", "--quiet", "--message", `Say ${word}`);
  return git(clone, "rev-parse", "HEAD").trim();
}

async function why(machine: Machine, id: string): Promise<string> {
  return await machine.aexp("why", id);
}

/** The second stage wants the word that the first one wrote. */
const CHAIN = `
name: words
stages:
  first:
    command: sh say.sh 1 {outputs.out}
    outputs: {out: {path: out.txt}}
  second:
    command: grep captured {inputs.word} > {outputs.out}
    inputs: {word: {stage: first}}
    outputs: {out: {path: out.txt}}
`;

const SAY = "sh say.sh {seed} {workspace}";

describe("a run of committed code", () => {
  it("is executed on another machine that has the commit, with the folder and the paths of that one", async () => {
    const { one, two } = await makeMachines();
    commitWord(one, "hello");
    git(one.clone, "push", "--quiet", "origin", "HEAD:main");
    git(two.clone, "pull", "--quiet", "origin", "main");
    await one.add("seed=1..2", SAY);
    const ids = [...(await one.states()).keys()];

    expect((await two.work().ended).exitCode).toBe(0);

    expect(new Set((await one.states()).values())).toEqual(new Set(["complete"]));
    expect(ids.map((id) => outcomeOn(two, id)).toSorted()).toEqual(["hello 1", "hello 2"]);
    expect(ledgerIds(two.clone)).toEqual(ids.toSorted());
    expect(await two.aexp("validate")).toContain("0 errors");
    // Where it was submitted nothing is left that would tell another story.
    await one.aexp("queue", "recover");
    expect(ids.filter((id) => hasFolder(one, id))).toEqual([]);
    expect(await why(one, ids[0] ?? "")).toContain("complete");
    expect((await one.work().ended).exitCode).toBe(0);
    expect(existsSync(join(one.clone, ".aexp", "ledger"))).toBe(false);
  });

  it("waits where the commit is not, says so, and starts when it comes", async () => {
    const { one, two } = await makeMachines();
    const commit = commitWord(one, "hello");
    await one.add("seed=1", SAY);
    const [id = ""] = [...(await one.states()).keys()];
    const worker = two.work({ isUntilEmpty: false });
    await untilTold(worker, "up");

    const told = await waitUntil("the worker's report", async () => {
      const answer = await why(one, id);
      return answer.includes("commit") && answer;
    });
    expect(told).toContain(
      `it waits for a machine that has commit ${commit.slice(0, 7)} and no changes (or a worker with --checkout), or for a worker on one`,
    );
    git(one.clone, "push", "--quiet", "origin", "HEAD:main");
    git(two.clone, "pull", "--quiet", "origin", "main");

    expect(await untilTold(worker, "ended")).toMatchObject([{ jobId: id, state: "complete" }]);
    expect(outcomeOn(two, id)).toBe("hello 1");
  });

  it("does not begin in a work tree with changes, but for those of aexp itself", async () => {
    const { one, two } = await makeMachines();
    commitWord(one, "hello");
    git(one.clone, "push", "--quiet", "origin", "HEAD:main");
    git(two.clone, "pull", "--quiet", "origin", "main");
    await one.add("seed=1", SAY);
    writeFileSync(join(two.clone, "say.sh"), "exit 1\n");

    expect((await two.work().ended).exitCode).toBe(0);
    expect([...(await two.states()).values()]).toEqual(["queued"]);

    git(two.clone, "checkout", "--quiet", "say.sh");
    writeFile(two.clone, "kb/notes.md", "A note.\n");
    expect((await two.work().ended).exitCode).toBe(0);
    expect([...(await two.states()).values()]).toEqual(["complete"]);
  });

  it("stays with its folder: it is repeated where it was begun", async () => {
    const { one, two } = await makeMachines();
    await one.add("seed=1", "echo x >> {workspace}/tries; exit 3; : {seed}");
    expect((await two.work().ended).exitCode).toBe(0);
    const [id = ""] = [...(await one.states()).keys()];
    await one.aexp("queue", "retry", id);

    expect((await one.work().ended).exitCode).toBe(0);
    expect((await one.states()).get(id)).toBe("queued");
    expect((await two.work().ended).exitCode).toBe(0);
    expect(readFileSync(join(two.clone, ".runs", "workspace", id, "tries"), "utf8")).toBe("x\nx\n");
  });
});

describe("a run that is bound to its machine", () => {
  it("is one of code that is not committed", async () => {
    const { one, two } = await makeMachines();
    commitWord(one, "hello");
    writeFileSync(join(one.clone, "say.sh"), 'echo changed > "$2/out.txt"\n');
    await one.add("seed=1", SAY);
    const [id = ""] = [...(await one.states()).keys()];

    expect((await two.work({ env: CHECKOUT }).ended).exitCode).toBe(0);
    expect((await two.states()).get(id)).toBe("queued");
    expect((await one.work({ env: CHECKOUT }).ended).exitCode).toBe(0);
    expect(outcomeOn(one, id)).toBe("changed");
    await expect(one.add("seed=2", SAY, "--target", "one")).resolves.toBeUndefined();
    await two.aexp("queue", "add", "--experiment", "E001", "--sp", "seed=9", "--command", "true");
    await expect(one.add("seed=3", SAY, "--target", "two")).rejects.toThrow("changes that are not committed");
  });

  it("is a stage of a pipeline, which executes what was captured, whatever a worker checks out", async () => {
    const { one, two } = await makeMachines();
    commitWord(one, "hello");
    writeFileSync(join(one.clone, "say.sh"), 'echo captured > "$2"\n');
    writeFileSync(join(one.clone, "pipeline.yaml"), CHAIN);
    await one.aexp("pipeline", "run", "pipeline.yaml");
    writeFileSync(join(one.clone, "say.sh"), "exit 1\n");

    expect((await two.work({ env: CHECKOUT }).ended).exitCode).toBe(0);
    expect([...(await two.states()).values()].toSorted()).toEqual(["blocked", "queued"]);
    expect((await one.work({ env: CHECKOUT }).ended).exitCode).toBe(0);
    expect([...(await two.states()).values()]).toEqual(["complete", "complete"]);
  });

  it("is one that needs another, or is needed by one that is queued with it", async () => {
    const { one, two } = await makeMachines();
    const runs = [
      "version: 1",
      "runs:",
      "  - { name: first, experiment: E001, sp: { n: 1 }, command: 'true' }",
      "  - { needs: [first], experiment: E001, sp: { n: 2 }, command: 'true' }",
    ];
    const plan = `${runs.join("\n")}\n`;
    writeFileSync(join(one.clone, "plan.yaml"), plan);
    await one.aexp("queue", "add", "--plan", "plan.yaml");

    expect((await two.work().ended).exitCode).toBe(0);

    expect(new Set((await two.states()).values())).toEqual(new Set(["queued", "blocked"]));
  });
});

describe("a worker with --checkout", () => {
  it("fetches the commit of a run, and executes it in a work tree of its own", async () => {
    const { one, two } = await makeMachines();
    const commit = commitWord(one, "hello");
    git(one.clone, "push", "--quiet", "origin", "HEAD:topic");
    await one.add("seed=1..3", SAY);
    writeFileSync(join(two.clone, "say.sh"), "exit 1\n");

    expect((await two.work({ env: CHECKOUT }).ended).exitCode).toBe(0);

    const states = await one.states();
    expect(new Set(states.values())).toEqual(new Set(["complete"]));
    const outcomes = [...states.keys()].map((id) => outcomeOn(two, id));
    expect(outcomes.toSorted()).toEqual(["hello 1", "hello 2", "hello 3"]);
    expect(readFileSync(join(two.clone, "say.sh"), "utf8")).toBe("exit 1\n");
    expect(git(two.clone, "status", "--porcelain", "--", ".aexp/checkouts")).toBe("");
    expect(readFileSync(join(two.clone, ".aexp", "checkouts", `commit-${commit}`, "say.sh"), "utf8")).toContain(
      "hello",
    );
  });

  it("says once of a commit that it cannot get, and leaves the run to others", async () => {
    const { one, two } = await makeMachines();
    const commit = commitWord(one, "hello");
    await one.add("seed=1..2", SAY);
    const worker = two.work({ env: CHECKOUT, isUntilEmpty: false });

    const problem = await untilTold(worker, "problem");
    expect((await one.work().ended).exitCode).toBe(0);

    expect(problem).toMatchObject([{ message: expect.stringContaining(`commit "${commit}" is not here`) }]);
    expect(new Set((await one.states()).values())).toEqual(new Set(["complete"]));
    expect(worker.told("problem")).toHaveLength(1);
    expect(worker.told("started")).toEqual([]);
  });
});

describe("queue add --target", () => {
  it("takes a machine that has worked, and names those when it knows no such one", async () => {
    const { one, two } = await makeMachines();
    expect((await two.work().ended).exitCode).toBe(0);
    git(two.clone, "commit", "--quiet", "--allow-empty", "--message", "Only there");
    await two.add("seed=0", "echo {seed}");
    const add = async (target: string) =>
      await runCli(
        one.clone,
        ["queue", "add", "--experiment", "E001", "--sp", "n=1", "--target", target, "--command", "true"],
        {
          env: one.env,
        },
      );

    const refused = await add("towo");
    expect(refused).toMatchObject({ exitCode: 2 });
    expect(refused.stderr).toMatch(/no machine "towo" has ever worked on this queue.*two/s);
    expect((await one.states()).size).toBe(1);

    expect(await add("two")).toMatchObject({ exitCode: 0 });
    expect((await one.work().ended).exitCode).toBe(0);
    expect(new Set((await one.states()).values())).toEqual(new Set(["queued"]));
    expect((await two.work({ env: CHECKOUT }).ended).exitCode).toBe(0);
    expect(new Set((await one.states()).values())).toEqual(new Set(["complete"]));
  });
});
