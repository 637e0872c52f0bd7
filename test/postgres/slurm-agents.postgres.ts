import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { type AexpProcess, startAexp } from "../helpers/aexp-process.ts";
import { runCli } from "../helpers/cli.ts";
import { writeFile } from "../helpers/clones.ts";
import { git } from "../helpers/git-repo.ts";
import { FakeSlurm } from "../helpers/slurm-project.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { Machine, makeMachines } from "./machine.ts";

/** Several processes are started and asked in this time. */
const PATIENCE_MS = 100_000;

/** An agent on a machine of a cluster. */
function startAgent({ clone, env }: Machine, slurm: FakeSlurm, ...flags: readonly string[]): AexpProcess {
  return startAexp(clone, ["agent", "start", "--interval", "200ms", ...flags], { ...env, ...slurm.env });
}

/** Has a node execute all jobs that wait. */
function executeAll(slurm: FakeSlurm): void {
  for (const { id, end } of slurm.jobs()) {
    if (end !== "Unknown") continue;
    slurm.run(id);
    const exitCode = slurm.execute(id);
    slurm.end(id, exitCode === 0 ? "COMPLETED" : "FAILED", `${exitCode}:0`);
  }
}

async function untilAll(machine: Machine, state: string, count: number): Promise<void> {
  const areAll = async (): Promise<boolean> => {
    const states = [...(await machine.states()).values()];
    return states.length === count && states.every((one) => one === state);
  };
  await waitUntil(`${count} runs to be ${state}`, areAll, PATIENCE_MS);
}

function timesOf({ clone }: Machine, id: string): string {
  return readFileSync(join(clone, ".runs", "workspace", id, "times"), "utf8");
}

describe("login nodes that share a home and a clone", () => {
  it("are one machine: whoever queues, and whichever agent is left, each run gets one job", async () => {
    const { one: login1, place } = await makeMachines();
    const login2 = new Machine("other", login1.clone, place);
    const slurm = new FakeSlurm();
    slurm.allowArrays();
    await login1.aexp("lane", "set", "cluster", "--executor", "slurm");
    const agents = [startAgent(login1, slurm), startAgent(login2, slurm)];
    const line = "echo x >> {workspace}/times; : {seed}";
    await Promise.all([
      login1.add("seed=1..4", line, "--lane", "cluster"),
      login2.add("seed=5..8", line, "--lane", "cluster"),
    ]);
    await untilAll(login2, "submitted", 8);

    agents[0]?.child.kill("SIGKILL");
    executeAll(slurm);
    await untilAll(login1, "complete", 8);

    expect(slurm.jobs()).toHaveLength(8);
    for (const id of (await login1.states()).keys()) expect(timesOf(login1, id)).toBe("x\n");
  });
});

describe("runs that are queued elsewhere", () => {
  it("are taken by an agent that makes work trees of their commits, which later commits do not change", async () => {
    const { one: laptop, two: cluster } = await makeMachines();
    const slurm = new FakeSlurm();
    writeFile(laptop.clone, "say.sh", 'echo hello >> "$1/times"\n');
    git(laptop.clone, "add", "say.sh");
    git(laptop.clone, "commit", "--quiet", "--message", "Say hello");
    git(laptop.clone, "push", "--quiet", "origin", "HEAD:main");
    await laptop.aexp("lane", "set", "cluster", "--executor", "slurm");
    await laptop.add("seed=1", "sh say.sh {workspace}; : {seed}", "--lane", "cluster");
    const [id = ""] = (await laptop.states()).keys();
    const plain = startAgent(cluster, slurm);
    const isExplained = async (): Promise<boolean> => (await laptop.aexp("why", id)).includes("--checkout");
    await waitUntil("an answer", isExplained, PATIENCE_MS);
    plain.child.kill("SIGTERM");
    await plain.ended;
    expect(slurm.jobs()).toEqual([]);

    startAgent(cluster, slurm, "--checkout");
    await untilAll(laptop, "submitted", 1);
    writeFileSync(join(cluster.clone, "say.sh"), "exit 1\n");
    executeAll(slurm);
    await untilAll(laptop, "complete", 1);

    expect(timesOf(cluster, id)).toBe("hello\n");
    expect(existsSync(join(laptop.clone, ".runs", "workspace", id, "times"))).toBe(false);
    await waitUntil("the ledger entry", () => existsSync(join(cluster.clone, ".aexp", "ledger", `${id}.json`)));
  });

  it("are submitted by a single look that may make work trees, and by no other", async () => {
    const { one: laptop, two: cluster } = await makeMachines();
    const slurm = new FakeSlurm();
    writeFile(laptop.clone, "say.sh", 'echo hello >> "$1/times"\n');
    git(laptop.clone, "add", "say.sh");
    git(laptop.clone, "commit", "--quiet", "--message", "Say hello");
    git(laptop.clone, "push", "--quiet", "origin", "HEAD:main");
    await laptop.aexp("lane", "set", "cluster", "--executor", "slurm");
    await laptop.add("seed=1", "sh say.sh {workspace}; : {seed}", "--lane", "cluster");
    const [id = ""] = (await laptop.states()).keys();
    const reconcile = async (...flags: readonly string[]): Promise<unknown> => {
      const { stdout } = await runCli(cluster.clone, ["slurm", "reconcile", "--json", ...flags], {
        env: { ...cluster.env, ...slurm.env },
      });
      return JSON.parse(stdout);
    };

    expect(await reconcile()).toMatchObject({ submitted: 0, problems: [] });
    expect(await reconcile("--checkout")).toMatchObject({ submitted: 1, problems: [] });
    executeAll(slurm);
    expect(await reconcile("--checkout")).toMatchObject({ ended: 1, problems: [] });

    expect(timesOf(cluster, id)).toBe("hello\n");
    expect([...(await laptop.states()).values()]).toEqual(["complete"]);
  });

  it("are cancelled by their agent when they are stopped from where they were queued", async () => {
    const { one: laptop, two: cluster } = await makeMachines();
    const slurm = new FakeSlurm();
    await laptop.aexp("lane", "set", "cluster", "--executor", "slurm");
    startAgent(cluster, slurm, "--checkout");
    await laptop.add("seed=1", "sleep 60; : {seed}", "--lane", "cluster");
    const [id = ""] = (await laptop.states()).keys();
    await untilAll(laptop, "submitted", 1);

    expect(await laptop.aexp("queue", "stop", id)).toContain("its agent on two will obey");

    await untilAll(laptop, "stopped", 1);
    expect(slurm.job(1).state).toBe("CANCELLED by 1000");
  });
});
