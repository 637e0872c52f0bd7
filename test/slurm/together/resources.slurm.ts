import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli } from "../../helpers/cli.ts";
import {
  ENDED,
  factsOf,
  jobOf,
  letGo,
  makeRealProject,
  theCluster,
  untilFile,
  untilState,
  WAIT,
} from "../real-cluster.ts";

const cluster = theCluster();

describe("what a real SLURM reserves", () => {
  it("is what was asked for", async () => {
    const project = await makeRealProject(cluster);
    const flags =
      "--cpus 2 --mem 300M --gpus a100:2 --time 1:30:00 --nodes 1 --partition wide --qos normal --account lab --exclude n2";
    const options = ["--sbatch=--comment=hello there", "--sbatch=--nice=5"];
    const command = `env > {workspace}/env; ${WAIT}`;
    const id = await project.addOne("--sp", "n=1", ...flags.split(" "), ...options, "--command", command);
    await untilState(project, id, ["running"]);
    await untilFile(project, id, "times");

    const { stdout } = await cluster.run("scontrol", "--oneliner", "show", "job", await jobOf(project, id));

    const facts = [
      "CPUs/Task=2",
      "MinMemoryNode=300M",
      "TimeLimit=01:30:00",
      "NumNodes=1",
      "Partition=wide",
      "QOS=normal",
      "Account=lab",
      "ExcNodeList=n2",
      "Comment=hello there",
      "Nice=5",
      "Requeue=0",
      "TresPerJob=gres:gpu:a100:2",
    ];
    expect(facts.filter((fact) => !`${stdout.trim()} `.includes(` ${fact} `))).toEqual([]);
    expect(stdout).toMatch(/TRES=\S*gres\/gpu:?(?:a100)?=2/);
    const env = readFileSync(join(project.repo.runs.workspaceOf(id), "env"), "utf8").split("\n");
    expect(env).toContain("CUDA_VISIBLE_DEVICES=0,1");
    expect(env).toContain("SLURM_CPUS_PER_TASK=2");
    letGo(project, id);
    expect(await untilState(project, id, ENDED)).toBe("complete");
  });

  it("is never given twice at the same time", async () => {
    const project = await makeRealProject(cluster);
    // The lock is made and removed by the command: a second one at the same time would find it.
    const command = `mkdir ${project.root}/in-use && sleep 0.5 && rmdir ${project.root}/in-use`;

    const ids = await project.add("--sweep", "n=1..4", "--gpus", "2", "--command", command);

    for (const id of ids) expect(await untilState(project, id, ENDED)).toBe("complete");
  });

  it("is refused by SLURM where there is none of it, in SLURM's words", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--gpus", "h100:1", "--command", "true");

    await project.tick();

    expect(factsOf(project, id)).toMatchObject({
      status: "failed",
      reason: { code: "spawn_error", message: expect.stringMatching(/^sbatch refused it: /) },
    });
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
      { name: "slurm partitions", state: "ok", message: "main, wide" },
      { name: "slurm clock", state: "ok", message: "agrees with ours" },
      { name: "slurm agent", state: "ok", message: "none is running, and nothing waits for one" },
      { name: "slurm nodes", state: "ok", message: "a job sees the run store and Node.js" },
      { name: "slurm node clock", state: "ok", message: "agrees with ours" },
    ]);
  });
});
