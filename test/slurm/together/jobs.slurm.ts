import { existsSync, readFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { startAexp } from "../../helpers/aexp-process.ts";
import { runCli } from "../../helpers/cli.ts";
import { waitUntil } from "../../helpers/wait-until.ts";
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

describe("a job of a real SLURM", () => {
  it("succeeds, with logs, metrics, exit record and ledger entry", async () => {
    const project = await makeRealProject(cluster);
    const command = `echo out; echo err >&2; echo '{{"loss": 0.25}}' >> $AEXP_METRICS_FILE; env > {workspace}/env`;
    const id = await project.addOne("--sp", "n=1", "--cpus", "2", "--mem", "200M", "--command", command);

    expect(await untilState(project, id, ENDED)).toBe("complete");

    expect(factsOf(project, id)).toMatchObject({
      status: "complete",
      exit_code: 0,
      summary_metrics: { loss: 0.25 },
      attempts: [{ n: 1, status: "complete", host: hostname() }],
    });
    expect(project.repo.attempts.logTail(id, 1, "stdout", 100)).toBe("out\n");
    expect(project.repo.attempts.logTail(id, 1, "stderr", 100)).toBe("err\n");
    expect(project.repo.ledger.listJobIds()).toEqual([id]);
    const env = readFileSync(join(project.repo.runs.workspaceOf(id), "env"), "utf8");
    expect(env).toContain(`AEXP_JOB_ID=${id}\n`);
    expect(env).toContain("SLURM_CPUS_PER_TASK=2\n");
  });

  it("shows while it runs that it does, since when and where, and what it prints", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--command", `echo begun; ${WAIT}; echo done`);
    const cli = async (...argv: readonly string[]) => await runCli(project.root, argv, { env: cluster.env });
    await untilState(project, id, ["running"]);
    await untilFile(project, id, "times");

    expect(factsOf(project, id)).toMatchObject({ status: "running", attempt: 1, started_at: expect.any(String) });
    const [listed] = JSON.parse((await cli("queue", "list", "--json")).stdout);
    expect(listed).toMatchObject({ job_id: id, state: "running", started_at: expect.any(String) });
    const shown = JSON.parse((await cli("runs", "show", id, "--json")).stdout);
    expect(shown).toMatchObject({ status: "running", host: hostname(), heartbeat_at: expect.any(String) });
    expect((await cli("status")).stdout).toMatch(/\b1 running\b/);
    const follower = startAexp(project.root, ["logs", id, "--follow"], cluster.env);
    await waitUntil("the log", () => follower.printed.stdout === "begun\n");

    letGo(project, id);

    // The log ends when the command has, although nobody has looked at the job since.
    expect(await follower.ended).toMatchObject({ exitCode: 0 });
    expect(follower.printed.stdout).toBe("begun\ndone\n");
    expect(await untilState(project, id, ENDED)).toBe("complete");
    expect((await cli("logs", id)).stdout).toBe("begun\ndone\n");
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

    const { stdout } = await cluster.run("sacct", "-n", "-P", "--format=State", `--jobs=${await jobOf(project, id)}`);
    expect(stdout.split("\n")).toContain("FAILED");
  });

  it("fails when somebody else cancels it", async () => {
    const project = await makeRealProject(cluster);
    const id = await project.addOne("--sp", "n=1", "--command", "sleep 100");
    await untilState(project, id, ["running"]);

    await cluster.run("scancel", await jobOf(project, id));

    expect(await untilState(project, id, ENDED)).toBe("failed");
    expect(factsOf(project, id)).toMatchObject({
      reason: { code: "signal", message: expect.stringMatching(/^cancelled in SLURM by user \d+$/) },
    });
  });

  it("is stopped when that is asked for, whether it runs or waits", async () => {
    const project = await makeRealProject(cluster);
    const command = "trap 'echo got TERM; exit 1' TERM; touch {workspace}/ready; while :; do sleep 0.1; done";
    const running = await project.addOne("--sp", "n=1", "--command", command);
    const waiting = await project.addOne("--sp", "n=2", "--sbatch=--begin=now+1hour", "--command", "true");
    await untilState(project, running, ["running"]);
    await untilFile(project, running, "ready");

    const { stdout } = await runCli(project.root, ["queue", "stop", running, waiting], { env: cluster.env });

    expect(stdout).toContain("its job is cancelled");
    await untilState(project, running, ENDED);
    await untilState(project, waiting, ENDED);

    expect(factsOf(project, running)).toMatchObject({ status: "stopped", reason: { code: "operator_stop" } });
    expect(factsOf(project, waiting)).toMatchObject({ status: "stopped", reason: { code: "operator_stop" } });
    expect(project.repo.attempts.logTail(running, 1, "stdout", 100)).toBe("got TERM\n");
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
});
