import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";

describe("aexp queue run", () => {
  it("executes what the selection names, and stops after a failure", async () => {
    const { root, add } = await makeQueueProject();
    await add("--sp", "n=1", "--tag", "night", "--command", "exit 3");
    await add("--sp", "n=2", "--tag", "night", "--command", "true");
    await add("--sp", "n=3", "--tag", "day", "--command", "true");

    const first = await runCli(root, ["queue", "run", "--tag", "night"]);

    expect(first.exitCode).toBe(1);
    expect(first.stderr).toMatch(/\w{8} E001 started\n\w{8} E001 failed after \d\.\d s: exit 3\n/);
    expect(first.stderr).toMatch(/0 complete, 1 failed in \d+\.\d s\n$/);
    expect(await runCliJson(root, ["queue", "run", "--tag", "night"])).toMatchObject({ complete: 1, ended: "empty" });
    expect(await runCliJson(root, ["queue", "run", "--tag", "night"])).toMatchObject({ complete: 0, waiting: 0 });
  });

  it("goes on after a failure when it is told to", async () => {
    const { root, add } = await makeQueueProject();
    await add("--sweep", "n=1..3", "--command", "test {n} != 2");

    const result = await runCli(root, ["queue", "run", "--continue-on-failure", "--jobs", "2", "--json"]);

    expect(JSON.parse(result.stdout)).toMatchObject({ complete: 2, failed: 1 });
    expect(result.exitCode).toBe(1);
  });

  it("binds an index to an order that does not shrink", async () => {
    const { root, add } = await makeQueueProject();
    const ids = await add("--sweep", "n=0..2", "--command", "true");
    const at = (index: number) =>
      runCli(root, ["queue", "run", "--index", String(index), "--json"], { env: { SLURM_ARRAY_JOB_ID: "77" } });

    const second = await at(1);
    const again = await at(1);
    const first = await at(0);
    const beyond = await at(3);

    expect(JSON.parse(second.stdout)).toMatchObject({ job_id: ids[1], status: "complete", had_ended: false });
    expect(JSON.parse(again.stdout)).toMatchObject({ job_id: ids[1], status: "complete", had_ended: true });
    expect(JSON.parse(first.stdout)).toMatchObject({ job_id: ids[0], status: "complete" });
    expect(beyond.exitCode).toBe(2);
    expect(beyond.stdout).toContain("has 3 runs, and none at index 3");
  });

  it("asks for the order's name outside of an array", async () => {
    const { root, add } = await makeQueueProject();
    await add("--sp", "n=0", "--command", "true");
    const env = { SLURM_ARRAY_JOB_ID: undefined };

    expect(await runCli(root, ["queue", "run", "--index", "0"], { env })).toMatchObject({ exitCode: 2 });
    expect(await runCli(root, ["queue", "run", "--index", "0", "--order", "mine"], { env })).toMatchObject({
      exitCode: 0,
    });
  });

  it("is refused inside a run of a worker", async () => {
    const { root } = await makeQueueProject();

    const result = await runCli(root, ["queue", "run"], { env: { AEXP_WORKER: "w1" } });

    expect(result.exitCode).toBe(2);
    expect(result.stderr).toContain("this is a run of worker w1, and a run starts no workers");
  });
});

describe("aexp queue run-one", () => {
  it("shows what the run prints, and ends with its exit code", async () => {
    const { root, add } = await makeQueueProject();
    const [id = ""] = await add("--sp", "n=1", "--command", "echo out; echo err >&2; exit 5");

    const result = await runCli(root, ["run-queued", id.slice(0, 8)]);

    expect(result).toMatchObject({ stdout: "out\n", exitCode: 5 });
    expect(result.stderr).toContain("err\n");
    expect(result.stderr).toContain("failed after");
  });

  it("leaves a run alone that has ended, unless it is forced", async () => {
    const { root, repo, add } = await makeQueueProject();
    const [id] = await add("--sp", "n=1", "--command", "echo x >> {workspace}/times");
    if (id === undefined) throw new Error("no run");
    const times = () => readFileSync(join(repo.runs.workspaceOf(id), "times"), "utf8");

    await runCli(root, ["queue", "run-one", id]);
    const skipped = await runCli(root, ["queue", "run-one", id]);

    expect(skipped).toMatchObject({ exitCode: 0, stdout: "" });
    expect(skipped.stderr).toContain("is complete already; nothing was executed");
    expect(times()).toBe("x\n");
    expect(await runCliJson(root, ["queue", "run-one", id, "--force"])).toEqual({
      job_id: id,
      status: "complete",
      attempt: 2,
      exit_code: 0,
      had_ended: false,
    });
    expect(times()).toBe("x\nx\n");
    expect(repo.runs.read(id).document.facts.attempts).toMatchObject([{ n: 1 }, { n: 2 }]);
  });

  it("says what a run waits for", async () => {
    const { root, add, ports } = await makeQueueProject();
    await add("--sp", "n=1", "--name", "a", "--command", "true");
    const [id = ""] = await add("--sp", "n=2", "--needs", "a", "--command", "true");
    await ports.store.setLane("gpu", { isPaused: true });
    const [paused = ""] = await add("--sp", "n=3", "--lane", "gpu", "--command", "true");

    expect(await runCli(root, ["queue", "run-one", id])).toMatchObject({
      exitCode: 75,
      stderr: expect.stringMatching(/cannot start yet: it needs \w{8} \(queued\)/),
    });
    expect(await runCli(root, ["queue", "run-one", paused])).toMatchObject({
      exitCode: 75,
      stderr: expect.stringContaining("its lane is paused or has no slots"),
    });
  });

  it("executes no run that another process executes, and none that was never queued", async () => {
    const { root, add, ports } = await makeQueueProject();
    const [id = ""] = await add("--sp", "n=1", "--command", "true");
    const task = await ports.store.tasks({});
    await ports.store.claim({
      workerId: "other",
      owner: task[0]?.owner ?? "",
      machine: task[0]?.machine ?? "",
      executors: ["local"],
      filter: { mode: "any" },
      leaseMs: 60_000,
      token: "t",
    });
    await runCli(root, ["run", "--experiment", "E001", "--sp", "n=2", "--", "true"]);

    expect(await runCli(root, ["queue", "run-one", id])).toMatchObject({ exitCode: 75 });
    expect(await runCli(root, ["queue", "run-one", "@last"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("is not in the queue"),
    });
  });
});

describe("a run of the queue", () => {
  it("is not executed or marked behind the queue's back", async () => {
    const { root, add } = await makeQueueProject();
    const [id = ""] = await add("--sp", "n=1", "--command", "true");

    const run = await runCli(root, ["run", "--experiment", "E001", "--sp", "n=1", "--", "true"]);
    const mark = await runCli(root, ["runs", "mark", id, "complete"]);

    expect(run.exitCode).toBe(2);
    expect(run.stderr).toContain(`run ${id} is in the queue (queued)`);
    expect(mark.stderr).toContain(`run ${id} is in the queue (queued)`);
  });
});

describe("aexp queue recover --rebuild", () => {
  it("brings back what waits, with needs and lanes, when the database is gone", async () => {
    const { root, add, repo, ports } = await makeQueueProject();
    await ports.store.setLane("gpu", { maxRunning: 1 });
    const [done] = await add("--sp", "n=0", "--name", "done", "--command", "true");
    await runCli(root, ["queue", "run"]);
    await add("--sp", "n=1", "--name", "a", "--lane", "gpu", "--priority", "5", "--command", "true");
    await add("--sp", "n=2", "--name", "b", "--needs", "a", "--needs", "done", "--retries", "3", "--command", "true");
    await ports[Symbol.asyncDispose]();
    for (const suffix of ["", "-wal", "-shm"])
      rmSync(join(root, ".aexp", "state", `aexp.db${suffix}`), { force: true });

    const rebuilt = await runCliJson(root, ["queue", "recover", "--rebuild"]);

    expect(rebuilt).toMatchObject({ rebuilt: { restored: [{}, {}].map(() => expect.any(String)), problems: [] } });
    expect(await runCliJson(root, ["lane", "list"])).toContainEqual(
      expect.objectContaining({ name: "gpu", max_running: 1 }),
    );
    const again = await runCliJson(root, ["queue", "recover", "--rebuild"]);
    expect(again).toMatchObject({ rebuilt: { restored: [], problems: [] } });
    expect(await runCliJson(root, ["queue", "run"])).toMatchObject({ complete: 2, failed: 0 });
    expect(existsSync(join(root, ".aexp", "ledger", `${done}.json`))).toBe(true);
    expect(repo.ledger.listJobIds()).toHaveLength(3);
  });
});
