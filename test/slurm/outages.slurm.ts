import { chmodSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";

import { SlurmCluster } from "../../scripts/slurm/cluster.ts";
import { runCli } from "../helpers/cli.ts";
import { startAexp } from "../helpers/aexp-process.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { ENDED, factsOf, makeRealProject, theCluster, until, untilState } from "./real-cluster.ts";

const cluster = theCluster();

describe("agents", () => {
  it("submit every run once when two of them work, and end when they are told to", async () => {
    const project = await makeRealProject(cluster);
    await project.store.setLane("default", { maxRunning: 6 });
    const ids = await project.add("--sweep", "n=1..16", "--command", "echo x >> {workspace}/times");
    const agents = [1, 2].map(() => startAexp(project.root, ["agent", "start", "--interval", "300ms"], cluster.env));

    for (let seconds = 0; seconds < 120; seconds += 1) {
      if ((await project.store.tasks({ states: ["complete"] })).length === 16) break;
      await sleep(1000);
    }

    for (const id of ids) {
      expect(await project.store.attempts(id)).toMatchObject([{ n: 1, outcome: "complete" }]);
      expect(readFileSync(join(project.repo.runs.workspaceOf(id), "times"), "utf8")).toBe("x\n");
    }
    const submitted = agents.flatMap(({ printed }) => printed.stderr.match(/submitted as job \d+/g) ?? []);
    expect(new Set(submitted).size).toBe(16);
    expect(submitted).toHaveLength(16);
    for (const { child } of agents) child.kill("SIGTERM");
    for (const { ended } of agents) expect(await ended).toMatchObject({ exitCode: 0 });
    expect(await project.store.workers()).toEqual([]);
    await waitUntil("documents", () => ids.every((id) => factsOf(project, id).status === "complete"));
  });

  it("make no second job after one was killed between sbatch and its commit", async () => {
    const programs = tempDir();
    const { stdout: real } = await cluster.run("sh", "-c", "command -v sbatch");
    writeFileSync(join(programs, "sbatch"), `#!/bin/sh\n${real.trim()} "$@" && kill -KILL $PPID\n`);
    chmodSync(join(programs, "sbatch"), 0o755);
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--command", "echo x >> {workspace}/times");
    const env = { ...cluster.env, PATH: `${programs}:${process.env["PATH"] ?? ""}`, AEXP_LEASE_S: "1" };

    const killed = startAexp(project.root, ["agent", "start"], env);
    expect(await killed.ended).toMatchObject({ signal: "SIGKILL" });
    expect(await project.stateOf(id)).toBe("submitting");
    project.advance(2000);
    await untilState(project, id, ENDED);

    expect(factsOf(project, id)).toMatchObject({ status: "complete", attempt: 1 });
    expect(readFileSync(join(project.repo.runs.workspaceOf(id), "times"), "utf8")).toBe("x\n");
    const { stdout } = await cluster.run("squeue", "--noheader", "--states=all", `--name=aexp-${id}-1`);
    expect(stdout.trim().split("\n")).toHaveLength(1);
    expect(project.events[0]).toMatchObject({ kind: "submitted", isFound: true });
  });
});

describe("while parts of SLURM are down", () => {
  it("no status is invented without the controller, and nothing is lost", async () => {
    const project = await makeRealProject(cluster);
    const [running, ending] = [
      await project.addOne("--sp", "n=1", "--command", "while [ ! -e {workspace}/go ]; do sleep 0.1; done"),
      await project.addOne("--sp", "n=2", "--command", "while [ ! -e {workspace}/go ]; do sleep 0.1; done"),
    ];
    await untilState(project, running, ["running"]);
    await untilState(project, ending, ["running"]);
    await cluster.stopDaemon("slurmctld");
    writeFileSync(join(project.repo.runs.workspaceOf(ending), "go"), "");
    const later = await project.addOne("--sp", "n=3", "--command", "true");
    try {
      for (let look = 0; look < 4; look += 1) {
        await project.tick();
        await sleep(1000);
      }
      expect(await project.stateOf(running)).toBe("running");
      expect(await project.stateOf(later)).toBe("queued");
      expect(["running", "complete"]).toContain(await project.stateOf(ending));
    } finally {
      await cluster.start();
    }
    writeFileSync(join(project.repo.runs.workspaceOf(running), "go"), "");

    for (const id of [running, ending, later]) expect(await untilState(project, id, ENDED)).toBe("complete");
  });

  it("no status is invented without the accounting", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne(
      "--sp",
      "n=1",
      "--command",
      "while [ ! -e {workspace}/go ]; do sleep 0.1; done; exit 4",
    );
    await untilState(project, id, ["running"]);
    await cluster.stopDaemon("slurmdbd");
    writeFileSync(join(project.repo.runs.workspaceOf(id), "go"), "");
    try {
      for (let look = 0; look < 4; look += 1) {
        await project.tick();
        await sleep(1000);
      }
      expect(await project.stateOf(id)).toBe("running");
    } finally {
      await cluster.startDaemon("slurmdbd");
    }

    await untilState(project, id, ENDED, 90);

    expect(factsOf(project, id)).toMatchObject({ status: "failed", exit_code: 4 });
  });

  it("no command is executed twice when the controller is killed and starts jobs again", async () => {
    const project = await makeRealProject(cluster);
    const command = "echo x >> {workspace}/times; while [ ! -e {workspace}/go ]; do sleep 0.1; done";
    const id = await project.addOne("--sp", "n=1", "--command", command);
    await untilState(project, id, ["running"]);
    await cluster.stopDaemon("slurmctld", "SIGKILL");
    await cluster.start();
    for (let look = 0; look < 12; look += 1) {
      await project.tick();
      await sleep(1000);
    }
    writeFileSync(join(project.repo.runs.workspaceOf(id), "go"), "");

    const state = await untilState(project, id, ENDED, 90);

    // SLURM may go on with the job, or start it again; then nobody can say how the first start would have ended.
    expect(readFileSync(join(project.repo.runs.workspaceOf(id), "times"), "utf8")).toBe("x\n");
    expect(state === "complete" ? "lost" : factsOf(project, id).reason?.code).toBe("lost");
  });
});

describe("aexp doctor", () => {
  it("tells what SLURM can do, and whether its nodes see what runs need", async () => {
    const project = await makeRealProject(cluster);
    const { stdout } = await runCli(project.root, ["doctor", "--slurm-job", "--json"], { env: cluster.env });
    const checks: { name: string; state: string; message: string }[] = JSON.parse(stdout);

    expect(checks.filter(({ name }) => name.startsWith("slurm"))).toEqual([
      { name: "slurm", state: "ok", message: expect.stringMatching(/^slurm/) },
      { name: "slurm accounting", state: "ok", message: "sacct answers" },
      { name: "slurm partitions", state: "ok", message: "main" },
      { name: "slurm clock", state: "ok", message: "agrees with ours" },
      { name: "slurm agent", state: "ok", message: "none is running, and nothing waits for one" },
      { name: "slurm nodes", state: "ok", message: "a job sees the run store and Node.js" },
    ]);
  });

  it("says so when the controller does not answer", async () => {
    const project = await makeRealProject(cluster);
    await cluster.stopDaemon("slurmctld");
    try {
      expect(await project.batch.inspect()).toMatchObject({ problem: expect.stringContaining("DOWN") });
    } finally {
      await cluster.start();
    }
  });
});

describe("a SLURM without accounting", () => {
  it("is followed through its controller", async () => {
    const folder = tempDir("aexp-slurm-");
    const lite = await SlurmCluster.create(folder, { hasAccounting: false, cpus: 4 });
    onTestFinished(() => lite.stop());
    await lite.start();
    const project = await makeRealProject(lite);
    const [a, b] = await project.add("--sweep", "n=0..1", "--command", "exit {n}");
    if (a === undefined || b === undefined) throw new Error("no runs");
    const late = await project.addOne("--sp", "n=9", "--command", "exit 6");
    expect(await untilState(project, a, ENDED)).toBe("complete");
    expect(await untilState(project, b, ENDED)).toBe("failed");
    expect(factsOf(project, b)).toMatchObject({ exit_code: 1 });
    await until(project, "the third run", 30, async () =>
      ENDED.includes((await project.stateOf(late)) ?? "") ? true : undefined,
    );
    expect(factsOf(project, late)).toMatchObject({ status: "failed", exit_code: 6 });
    expect(await project.batch.inspect()).toMatchObject({ hasAccounting: false });
  });
});
