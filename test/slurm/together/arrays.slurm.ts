import { chmodSync, existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { startAexp } from "../../helpers/aexp-process.ts";
import type { SlurmProject } from "../../helpers/slurm-project.ts";
import { tempDir } from "../../helpers/temp-dir.ts";
import {
  countJobs,
  factsOf,
  jobOf,
  letGo,
  makeRealProject,
  theCluster,
  timesOf,
  until,
  untilEnded,
  untilFile,
  untilState,
  WAIT,
} from "../real-cluster.ts";

const cluster = theCluster();

function arraysOf({ repo }: SlurmProject): readonly string[] {
  const place = join(repo.runs.path, ".aexp", "arrays");
  return existsSync(place) ? readdirSync(place) : [];
}

describe("an array of a real SLURM", () => {
  it("executes in each element its own run, which ends in its own way", async () => {
    const project = await makeRealProject(cluster);
    const command = "echo {n}; echo x >> {workspace}/times; [ {n} != 3 ] || exit 7; [ {n} != 4 ] || kill -SEGV $$";
    const ids = await project.add("--sweep", "n=0..5", "--command", command);

    await project.tick();
    const jobs = await Promise.all(ids.map((id) => jobOf(project, id)));
    await untilEnded(project, ids);

    const [array = ""] = (jobs[0] ?? "").split("_");
    expect(jobs).toEqual(ids.map((_, index) => `${array}_${index}`));
    for (const [n, id] of ids.entries()) {
      const failures = [{ exit_code: 7 }, { signal: "SIGSEGV" }];
      const facts = n === 3 || n === 4 ? { status: "failed", ...failures[n - 3] } : { status: "complete" };
      expect(factsOf(project, id)).toMatchObject(facts);
      expect(project.repo.attempts.logTail(id, 1, "stdout", 100)).toBe(`${n}\n`);
      expect(timesOf(project, id)).toBe(1);
    }
    expect(arraysOf(project)).toEqual([]);
  });

  it("loses only those elements that are cancelled, whether they run or wait", async () => {
    const project = await makeRealProject(cluster);
    const [cancelled, stopped, kept] = await project.add("--sweep", "n=1..3", "--command", WAIT);
    if (cancelled === undefined || stopped === undefined || kept === undefined) throw new Error("no runs");
    await project.store.setLane("later", { executor: "slurm" });
    const later = ["--lane", "later", "--sbatch=--begin=now+1hour"];
    const [waiting, other] = await project.add("--sweep", "n=4..5", ...later, "--command", WAIT);
    if (waiting === undefined || other === undefined) throw new Error("no runs");
    for (const id of [cancelled, stopped, kept]) await untilState(project, id, ["running"]);
    const reason = { code: "operator_stop", message: "stopped by ana" } as const;

    await cluster.run("scancel", await jobOf(project, cancelled));
    await project.store.requestStop([stopped, waiting], "graceful", reason);
    await untilEnded(project, [cancelled, stopped, waiting]);

    expect(factsOf(project, cancelled)).toMatchObject({ status: "failed", reason: { code: "signal" } });
    expect(factsOf(project, stopped)).toMatchObject({ status: "stopped", reason });
    expect(factsOf(project, waiting)).toMatchObject({ status: "stopped", reason });
    expect(await project.stateOf(kept)).toBe("running");
    expect(await project.stateOf(other)).toBe("submitted");
    letGo(project, kept);
    await cluster.run("scontrol", "update", `jobid=${await jobOf(project, other)}`, "starttime=now");
    await untilFile(project, other, "times");
    letGo(project, other);
    await untilEnded(project, [kept, other]);
    expect([kept, other].map((id) => factsOf(project, id).status)).toEqual(["complete", "complete"]);
  });

  it("is made once although its agent was killed between sbatch and the commit", async () => {
    const programs = tempDir();
    const { stdout: real } = await cluster.run("sh", "-c", "command -v sbatch");
    writeFileSync(join(programs, "sbatch"), `#!/bin/sh\n${real.trim()} "$@" && kill -KILL $PPID\n`);
    chmodSync(join(programs, "sbatch"), 0o755);
    const project = await makeRealProject(cluster);
    const ids = await project.add("--sweep", "n=1..5", "--command", "echo x >> {workspace}/times");
    const env = { ...cluster.env, PATH: `${programs}:${process.env["PATH"] ?? ""}`, AEXP_LEASE_S: "1" };

    const killed = startAexp(project.root, ["agent", "start"], env);
    expect(await killed.ended).toMatchObject({ signal: "SIGKILL" });
    expect(await project.store.tasks({ states: ["submitting"] })).toHaveLength(5);
    project.advance(60_000);
    await untilEnded(project, ids);

    for (const id of ids) expect(timesOf(project, id)).toBe(1);
    expect(ids.map((id) => factsOf(project, id))).toMatchObject(ids.map(() => ({ status: "complete", attempt: 1 })));
    expect(await countJobs(cluster, project, "--states=all")).toBe(5);
    expect(project.events.filter(({ kind }) => kind === "submitted")).toMatchObject(ids.map(() => ({ isFound: true })));
  });
});

describe("two agents at once", () => {
  it("submit each of 40 runs once, and never more than their lane allows", async () => {
    const project = await makeRealProject(cluster);
    await project.store.setLane("default", { maxRunning: 4 });
    const ids = await project.add("--sweep", "n=1..40", "--command", "echo x >> {workspace}/times");
    const agents = [1, 2].map(() => startAexp(project.root, ["agent", "start", "--interval", "300ms"], cluster.env));
    let most = 0;

    await until(project, "40 runs to end", async () => {
      most = Math.max(most, await countJobs(cluster, project));
      return (await project.store.tasks({ states: ["complete"] })).length === 40 || undefined;
    });

    expect(most).toBeLessThanOrEqual(4);
    expect(most).toBeGreaterThan(1);
    for (const id of ids) {
      expect(await project.store.attempts(id)).toMatchObject([{ n: 1, outcome: "complete" }]);
      expect(timesOf(project, id)).toBe(1);
    }
    expect(await countJobs(cluster, project, "--states=all")).toBe(40);
    for (const { child } of agents) child.kill("SIGTERM");
    for (const { ended } of agents) expect(await ended).toMatchObject({ exitCode: 0 });
    const told = agents.flatMap(({ printed }) => printed.stderr.match(/submitted as job \w+/g) ?? []);
    const ours = project.events.filter(({ kind }) => kind === "submitted");
    expect(new Set(told).size).toBe(told.length);
    expect(told.length + ours.length).toBe(40);
    expect(await project.store.workers()).toEqual([]);
  });
});
