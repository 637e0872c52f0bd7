import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { work } from "../../src/app/work.ts";
import { parsePools } from "../../src/queue/pool.ts";
import { currentUser } from "../../src/wiring/current-user.ts";
import { openWork } from "../../src/wiring/open-work.ts";
import { runCli } from "../helpers/cli.ts";
import { ENDED, factsOf, makeRealProject, theCluster, until, untilState } from "./real-cluster.ts";

const cluster = theCluster();
const PACKAGE_ROOT = join(import.meta.dirname, "..", "..");

describe("a job of a real SLURM", () => {
  it("times out, and is recorded so", { timeout: 200_000 }, async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--time", "1", "--command", "echo begun; sleep 600");

    await untilState(project, id, ENDED, 180);

    expect(factsOf(project, id)).toMatchObject({ status: "failed", reason: { code: "timeout" } });
    expect(project.repo.attempts.logTail(id, 1, "stdout", 100)).toBe("begun\n");
  });

  it("succeeds, with logs, metrics, exit record and ledger entry", async () => {
    const project = await makeRealProject(cluster);
    const command = `echo out; echo err >&2; echo '{{"loss": 0.25}}' >> $AEXP_METRICS_FILE; env > {workspace}/env`;
    const id = await project.addOne("--sp", "n=1", "--cpus", "2", "--mem", "200M", "--command", command);

    expect(await untilState(project, id, ENDED)).toBe("complete");

    expect(factsOf(project, id)).toMatchObject({
      status: "complete",
      exit_code: 0,
      summary_metrics: { loss: 0.25 },
      attempts: [{ n: 1, status: "complete" }],
    });
    expect(project.repo.attempts.logTail(id, 1, "stdout", 100)).toBe("out\n");
    expect(project.repo.attempts.logTail(id, 1, "stderr", 100)).toBe("err\n");
    expect(project.repo.ledger.listJobIds()).toEqual([id]);
    const env = readFileSync(join(project.repo.runs.workspaceOf(id), "env"), "utf8");
    expect(env).toContain(`AEXP_JOB_ID=${id}\n`);
    expect(env).toContain("SLURM_CPUS_PER_TASK=2\n");
  });

  it.each([
    { what: "an exit code", command: "exit 7", facts: { exit_code: 7, reason: { code: "exit_nonzero" } } },
    { what: "a signal", command: "kill -SEGV $$", facts: { signal: "SIGSEGV", reason: { code: "signal" } } },
    { what: "its timeout", command: "sleep 60", flags: ["--timeout", "1s"], facts: { reason: { code: "timeout" } } },
    {
      what: "a missing program",
      command: undefined,
      facts: { reason: { code: "spawn_error", message: expect.stringContaining('there is no program "nothing"') } },
    },
  ])("fails by $what", async ({ command, flags = [], facts }) => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", ...flags, ...(command ? ["--command", command] : ["--", "nothing"]));

    expect(await untilState(project, id, ENDED)).toBe("failed");

    expect(factsOf(project, id)).toMatchObject({ status: "failed", ...facts });
  });

  it("is complete although one of its steps failed", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--command", "srun false; true");

    expect(await untilState(project, id, ENDED)).toBe("complete");

    const [attempt] = await project.store.attempts(id);
    const { stdout } = await cluster.run("sacct", "-n", "-P", "--format=State", `--jobs=${attempt?.schedulerJobId}`);
    expect(stdout.split("\n")).toContain("FAILED");
  });

  it("fails when somebody else cancels it", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--command", "sleep 100");
    await untilState(project, id, ["running"]);
    const [attempt] = await project.store.attempts(id);

    await cluster.run("scancel", attempt?.schedulerJobId ?? "");

    expect(await untilState(project, id, ENDED)).toBe("failed");
    expect(factsOf(project, id)).toMatchObject({
      reason: { code: "signal", message: expect.stringMatching(/^cancelled in SLURM by user \d+$/) },
    });
  });

  it("is stopped when that is asked for, whether it runs or waits", async () => {
    const project = await makeRealProject(cluster);
    const running = await project.addOne(
      "--sp",
      "n=1",
      "--command",
      "trap 'echo got TERM; exit 1' TERM; sleep 100 & wait",
    );
    const waiting = await project.addOne("--sp", "n=2", "--sbatch=--begin=now+1hour", "--command", "true");
    await untilState(project, running, ["running"]);

    const { stdout } = await runCli(project.root, ["queue", "stop", running, waiting], { env: cluster.env });

    expect(stdout).toContain("its job is cancelled");
    await untilState(project, running, ENDED);
    await untilState(project, waiting, ENDED);

    expect(factsOf(project, running)).toMatchObject({ status: "stopped", reason: { code: "operator_stop" } });
    expect(factsOf(project, waiting)).toMatchObject({ status: "stopped", reason: { code: "operator_stop" } });
    expect(project.repo.attempts.logTail(running, 1, "stdout", 100)).toBe("got TERM\n");
  });

  it("is lost when its node goes down", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--command", "sleep 100");
    await untilState(project, id, ["running"]);

    await cluster.run("scontrol", "update", "nodename=n1", "state=down", "reason=test");
    try {
      expect(await untilState(project, id, ENDED)).toBe("failed");
    } finally {
      // It may have come back by itself.
      await cluster.run("scontrol", "update", "nodename=n1", "state=resume").catch(() => undefined);
      await cluster.start();
    }

    expect(factsOf(project, id)).toMatchObject({ reason: { code: "lost" } });
  });

  it("is killed without leaving its command behind", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne(
      "--sp",
      "n=1",
      "--command",
      "kill -KILL $PPID; sleep 100; touch {workspace}/survived",
    );

    expect(await untilState(project, id, ENDED)).toBe("failed");

    expect(factsOf(project, id)).toMatchObject({ reason: { code: "lost" } });
    expect(existsSync(join(project.repo.runs.workspaceOf(id), "survived"))).toBe(false);
  });

  it("is refused by sbatch in sbatch's words", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--partition", "nowhere", "--command", "true");

    await project.tick();

    expect(factsOf(project, id)).toMatchObject({
      status: "failed",
      reason: { code: "spawn_error", message: expect.stringContaining("Invalid partition name") },
    });
  });

  it("lets local runs follow, and follows them", async () => {
    const project = await makeRealProject(cluster);
    await project.store.setLane("here", {});
    const local = ["--lane", "here"];
    const first = await project.addOne("--sp", "n=1", "--name", "first", "--command", "true");
    await project.add("--sp", "n=2", "--name", "second", "--needs", "first", ...local, "--command", "true");
    const third = await project.addOne("--sp", "n=3", "--needs", "second", "--command", "true");
    const broken = await project.addOne("--sp", "n=4", "--name", "broken", "--command", "false");
    const skipped = await project.addOne("--sp", "n=5", "--needs", "broken", ...local, "--command", "true");
    await untilState(project, first, ENDED);
    await untilState(project, broken, ENDED);

    await using ports = await openWork(project.repo, { workerId: "w", env: process.env, packageRoot: PACKAGE_ROOT });
    await work(project.repo, ports, {
      workerId: "w",
      pools: parsePools("*=1"),
      isUntilEmpty: true,
      drainMs: undefined,
      timing: { leaseMs: 60_000, renewMs: 15_000, fenceMs: 45_000, pollMs: 20, reapMs: 15_000, heartbeatMs: 30_000 },
      minFreeBytes: 0,
      owner: currentUser(),
      env: process.env,
      observe: () => undefined,
      ids: (await project.store.tasks({ lane: "here" })).map(({ id }) => id),
    });

    expect(await untilState(project, third, ENDED)).toBe("complete");
    expect(await project.stateOf(skipped)).toBe("skipped");
  });

  it("never stands beside more jobs than its lane allows", async () => {
    const project = await makeRealProject(cluster);
    await project.store.setLane("default", { maxRunning: 4 });
    await project.add("--sweep", "n=1..40", "--command", "sleep 0.2");
    let most = 0;

    await until(project, "40 runs to end", 170, async () => {
      const { stdout } = await cluster.run("squeue", "--noheader", "--format=%j");
      most = Math.max(most, stdout.split("\n").filter((name) => name.startsWith("aexp-")).length);
      const ended = await project.store.tasks({ states: ["complete"] });
      return ended.length === 40 ? true : undefined;
    });

    expect(most).toBeLessThanOrEqual(4);
    expect(most).toBeGreaterThan(1);
  });
});
