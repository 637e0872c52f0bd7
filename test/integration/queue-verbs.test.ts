import { existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { work } from "../../src/app/work.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeProject } from "../helpers/project.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";

function statusOf(repo: Awaited<ReturnType<typeof makeQueueProject>>["repo"], id: JobId | undefined) {
  return id === undefined ? undefined : repo.runs.read(id).document.facts;
}

describe("aexp queue remove and clear", () => {
  it("abandons what has not started, skips what needs it, and writes both into the documents", async () => {
    const { root, repo, ports, add } = await makeQueueProject();
    const [first] = await add("--sp", "n=1", "--name", "first", "--command", "true");
    const [second] = await add("--sp", "n=2", "--needs", `${first}`, "--command", "true");

    const removed = await runCli(root, ["queue", "remove", `${first}`]);

    expect(removed).toMatchObject({ exitCode: 0, stdout: `${first?.slice(0, 8)} removed\n`, stderr: "" });
    expect(statusOf(repo, first)).toMatchObject({ status: "abandoned", reason: { code: "removed" } });
    expect(statusOf(repo, second)).toMatchObject({
      status: "abandoned",
      reason: { code: "needs_failed", because: first },
    });
    expect((await ports.store.tasks({})).map(({ state }) => state)).toEqual(["abandoned", "skipped"]);
  });

  it("names each of several runs, and gives exit code 3 when some cannot be removed", async () => {
    const { root, add } = await makeQueueProject();
    const ids = await add("--sweep", "n=1..2", "--command", "true");
    await runCli(root, ["queue", "run-one", `${ids[0]}`]);

    const mixed = await runCli(root, ["queue", "remove", `${ids[0]}`, `${ids[1]}`, "ffff0000", "--json"]);

    expect(mixed.exitCode).toBe(3);
    expect(JSON.parse(mixed.stdout)).toEqual([
      { run: ids[0], outcome: "ended", note: "it is complete already; nothing was changed" },
      { run: ids[1], outcome: "removed" },
      expect.objectContaining({ run: "ffff0000", outcome: "failed", code: "run.not_found" }),
    ]);
    expect((await runCli(root, ["queue", "remove", "ffff0000"])).exitCode).toBe(2);
  });

  it("clears a selection, and asks first", async () => {
    const { root, ports, add } = await makeQueueProject();
    await add("--sweep", "n=1..2", "--tag", "night", "--command", "true");
    await add("--sp", "n=3", "--tag", "day", "--command", "true");

    const unasked = await runCli(root, ["queue", "clear", "--tag", "night"]);
    expect(unasked.exitCode).toBe(2);
    expect(unasked.stderr).toContain("--yes");
    expect(await runCliJson(root, ["queue", "clear", "--tag", "night", "--yes"])).toHaveLength(2);

    expect((await ports.store.tasks({ states: ["queued"] })).map(({ spec }) => spec.tag)).toEqual(["day"]);
    expect((await runCli(root, ["queue", "clear", "--tag", "night", "--yes"])).stdout).toBe(
      "Nothing is there to remove.\n",
    );
  });
});

describe("aexp queue retry", () => {
  it("queues a failed run again, with what was skipped because of it, and leaves the rest as it was", async () => {
    const { root, repo, ports, add, workerOptions } = await makeQueueProject();
    const [good] = await add("--sp", "n=1", "--name", "good", "--command", "true");
    const [bad] = await add("--sp", "n=2", "--needs", `${good}`, "--command", "test -e fixed");
    const [last] = await add("--sp", "n=3", "--needs", `${bad}`, "--command", "true");
    await work(repo, ports, workerOptions());
    expect(statusOf(repo, last)).toMatchObject({ status: "abandoned", reason: { because: bad } });

    const retried = await runCli(root, ["queue", "retry", `${bad}`]);

    expect(retried.stdout).toBe(
      `${bad?.slice(0, 8)} queued again\n${last?.slice(0, 8)} waits again for what it needs\n`,
    );
    expect(statusOf(repo, bad)?.status).toBe("queued");
    expect(statusOf(repo, last)?.status).toBe("queued");
    expect(statusOf(repo, good)?.status).toBe("complete");
  });

  it("repeats a group, or all that failed of a selection", async () => {
    const { root, repo, ports, add, workerOptions } = await makeQueueProject();
    const ids = await add("--sweep", "n=1..3", "--tag", "night", "--command", "test {n} = 2");
    await work(repo, ports, workerOptions());
    const groupId = (await ports.store.task(ids[0] ?? fail()))?.groupId ?? "";

    expect(await runCliJson(root, ["queue", "retry", "--failed", "--tag", "day"])).toEqual([]);
    expect(await runCliJson(root, ["queue", "retry", groupId])).toEqual([
      { run: ids[0], outcome: "queued" },
      { run: ids[2], outcome: "queued" },
    ]);
    await work(repo, ports, workerOptions());
    expect(await runCliJson(root, ["queue", "retry", "--failed", "--tag", "night"])).toHaveLength(2);
    expect((await ports.store.task(ids[0] ?? fail()))?.attempt).toBe(2);
  });

  it("says why there is nothing to repeat", async () => {
    const { root, repo, ports, add, workerOptions } = await makeQueueProject();
    const [bad] = await add("--sp", "n=1", "--command", "false");
    const [skipped] = await add("--sp", "n=2", "--needs", `${bad}`, "--command", "true");
    const [done] = await add("--sp", "n=3", "--command", "true");
    await work(repo, ports, workerOptions());
    const [waiting] = await add("--sp", "n=4", "--command", "true");

    const results = await runCli(root, ["queue", "retry", `${skipped}`, `${done}`, `${waiting}`, "--json"]);

    expect(results.exitCode).toBe(2);
    expect(JSON.parse(results.stdout)).toMatchObject([
      { run: skipped, code: "queue.need_failed", message: expect.stringContaining(`${bad?.slice(0, 8)} (failed)`) },
      { run: done, code: "run.already_finished" },
      { run: waiting, code: "run.busy" },
    ]);
    expect((await runCli(root, ["queue", "retry"])).exitCode).toBe(2);
    expect((await runCli(root, ["queue", "retry", `${bad}`, "--failed"])).exitCode).toBe(2);
    expect((await runCli(root, ["queue", "retry", "grp_none"])).stderr).toContain('there is no group "grp_none"');
  });

  it("points to the documents when the database is another one", async () => {
    const { root, ports, add } = await makeQueueProject();
    const [id] = await add("--sp", "n=1", "--command", "true");
    await ports.store[Symbol.asyncDispose]();
    rmSync(join(root, ".aexp", "state"), { recursive: true });

    const { stderr, exitCode } = await runCli(root, ["queue", "retry", `${id}`]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain("does not know it any more");
    expect(stderr).toContain("aexp queue recover --rebuild");
  });
});

describe("aexp queue pause and resume", () => {
  it("keeps runs from starting until the lane goes on", async () => {
    const { root, repo, ports, add, workerOptions } = await makeQueueProject();
    const [id] = await add("--sp", "n=1", "--command", "true");

    expect((await runCli(root, ["queue", "pause", "default"])).stdout).toBe("lane default is paused\n");
    expect((await runCli(root, ["queue", "pause", "--all"])).stdout).toBe("lane default was paused already\n");
    expect(await work(repo, ports, workerOptions())).toMatchObject({ complete: 0, waiting: 1 });
    expect((await runCli(root, ["doctor"])).stdout).toContain("aexp queue resume default");
    expect(await runCliJson(root, ["queue", "resume", "default"])).toEqual([
      { lane: "default", paused: false, changed: true },
    ]);
    await work(repo, ports, workerOptions());

    expect(statusOf(repo, id)?.status).toBe("complete");
  });

  it("changes nothing when a lane is unknown, and names the nearest", async () => {
    const { root, ports } = await makeQueueProject();
    await ports.store.setLane("gpu", { maxRunning: 1 });

    const { stderr, exitCode } = await runCli(root, ["queue", "pause", "default", "gqu"]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain('Did you mean "gpu"?');
    expect((await ports.store.lanes()).map(({ name, isPaused }) => [name, isPaused])).toEqual([
      ["default", false],
      ["gpu", false],
    ]);
    expect((await runCli(root, ["queue", "pause"])).exitCode).toBe(2);
    expect((await runCli(root, ["queue", "pause", "gpu", "--all"])).exitCode).toBe(2);
  });
});

describe("aexp queue purge", () => {
  it("forgets exactly what the dry run named, with its logs and nothing else", async () => {
    const { root, repo, ports, add, workerOptions } = await makeQueueProject();
    const ids = await add("--sweep", "n=1..5", "--command", "echo a line");
    await work(repo, ports, workerOptions());
    const before = await runCliJson(root, ["queue", "purge", "--dry-run", "--older-than", "1ms"]);

    const after = await runCliJson(root, ["queue", "purge", "--older-than", "1ms"]);

    expect(before).toMatchObject({ dry_run: true, freed_bytes: 2 * "a line\n".length });
    expect(after).toEqual({ ...Object(before), dry_run: false });
    const gone = ids.filter((id) => !existsSync(logOf(repo, id)));
    expect(gone).toHaveLength(2);
    expect(after).toMatchObject({ runs: expect.arrayContaining(gone) });
    expect(await ports.store.tasks({})).toHaveLength(3);
    for (const id of gone) {
      expect(statusOf(repo, id)?.status).toBe("complete");
      expect(repo.ledger.has(id)).toBe(true);
      expect(existsSync(join(repo.runs.workspaceOf(id), ".aexp", "attempt-1", "exit.json"))).toBe(true);
    }
  });

  it("forgets nothing where lanes keep all, and makes no database", async () => {
    const { root, repo, ports, add, workerOptions } = await makeQueueProject();
    await add("--sweep", "n=1..5", "--command", "true");
    await work(repo, ports, workerOptions());
    expect(await runCliJson(root, ["queue", "purge"])).toMatchObject({ runs: [] });

    const { root: fresh } = await makeProject();
    expect(await runCliJson(fresh, ["queue", "purge"])).toMatchObject({ runs: [] });
    expect(existsSync(join(fresh, ".aexp", "state"))).toBe(false);
  });
});

describe("aexp queue freeze", () => {
  it("keeps an order that does not change any more", async () => {
    const { root, add } = await makeQueueProject();
    const ids = await add("--sweep", "n=0..2", "--tag", "night", "--command", "true");
    const first = await runCli(root, ["queue", "freeze", "mine", "--tag", "night"]);
    await runCli(root, ["queue", "run-one", `${ids[0]}`]);

    expect(first.stdout).toBe("order mine: 3 runs, index 0 to 2\n");
    expect(await runCliJson(root, ["queue", "freeze", "mine"])).toEqual({ name: "mine", runs: ids });
    expect((await runCli(root, ["queue", "freeze", "none", "--tag", "no such"])).exitCode).toBe(2);
  });
});

function logOf(repo: Awaited<ReturnType<typeof makeQueueProject>>["repo"], id: JobId): string {
  return join(repo.runs.workspaceOf(id), ".aexp", "attempt-1", "stdout.log");
}

function fail(): never {
  throw new Error("nothing was queued");
}
