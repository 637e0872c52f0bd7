import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";

import type { WorkControl, WorkEvent } from "../../src/app/work-events.ts";
import { work } from "../../src/app/work.ts";
import { parsePools } from "../../src/queue/pool.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { makeQueueProject, type QueueProject } from "../helpers/queue-project.ts";
import { git } from "../helpers/git-repo.ts";
import { waitUntil } from "../helpers/wait-until.ts";

function factsOf(project: QueueProject, id: JobId | undefined) {
  if (id === undefined) throw new Error("no such run");
  return project.repo.runs.read(id).document.facts;
}

function kinds(events: readonly WorkEvent[]): readonly string[] {
  return events.map((event) => event.kind);
}

describe("a worker", () => {
  it("executes a sweep, and leaves documents and ledger entries", async () => {
    const project = await makeQueueProject();
    const ids = await project.add("--sweep", "seed=0..3", "--command", "echo {seed} > {workspace}/out.txt");
    const options = project.workerOptions();

    const summary = await work(project.repo, project.ports, options);

    expect(summary).toMatchObject({ complete: 4, failed: 0, waiting: 0, ended: "empty" });
    for (const [seed, id] of ids.entries()) {
      expect(factsOf(project, id)).toMatchObject({ status: "complete", attempt: 1, exit_code: 0 });
      expect(factsOf(project, id).queue?.proc).toBeUndefined();
      expect(project.repo.ledger.has(id)).toBe(true);
      expect(readFileSync(join(project.repo.runs.workspaceOf(id), "out.txt"), "utf8")).toBe(`${seed}\n`);
    }
    expect(await project.ports.store.workers()).toEqual([]);
    expect(await project.ports.store.outboxCounts()).toEqual({ pending: 0, dead: 0 });
  });

  it("starts what needs others as soon as they succeeded, and skips it when they did not", async () => {
    const project = await makeQueueProject();
    const order = join(project.root, "order.txt");
    await project.add("--sp", "n=1", "--name", "first", "--command", `sleep 0.2; echo first >> ${order}`);
    await project.add("--sp", "n=2", "--name", "second", "--needs", "first", "--command", `echo second >> ${order}`);
    await project.add("--sp", "n=3", "--name", "bad", "--command", "exit 7");
    const [after] = await project.add("--sp", "n=4", "--name", "after", "--needs", "bad", "--command", "true");
    const [cleanup] = await project.add("--sp", "n=5", "--needs", "bad?", "--command", "true");
    const [last] = await project.add("--sp", "n=6", "--needs", "after", "--command", "true");

    const summary = await work(project.repo, project.ports, project.workerOptions());

    expect(summary).toMatchObject({ complete: 3, failed: 1 });
    expect(readFileSync(order, "utf8")).toBe("first\nsecond\n");
    expect(factsOf(project, after)).toMatchObject({ status: "abandoned", reason: { code: "needs_failed" } });
    expect(factsOf(project, last)).toMatchObject({ status: "abandoned", reason: { code: "needs_failed" } });
    expect(factsOf(project, last).attempts).toBeUndefined();
    expect(factsOf(project, cleanup)).toMatchObject({ status: "complete" });
  });

  it("repeats a failure as often as it may, and records every attempt", async () => {
    const project = await makeQueueProject();
    const [id] = await project.add("--sp", "n=1", "--retries", "2", "--command", "echo oops >&2; exit 3");
    const options = project.workerOptions();
    const worked = work(project.repo, project.ports, options);
    // Nobody waits ten seconds for the second attempt here.
    const seen = await waitUntil("the first failure", () => options.events.find((event) => event.kind === "ended"));

    expect(seen).toMatchObject({ state: "queued", isReleased: false, exitCode: 3 });
    await waitUntil("the document", () => factsOf(project, id).status === "queued");
    expect(factsOf(project, id)).toMatchObject({
      status: "queued",
      attempt: 1,
      reason: { code: "exit_nonzero" },
      attempts: [{ n: 1, status: "failed", exit_code: 3 }],
      queue: { last_error: { returncode: 3, stderr_tail: "oops\n", cause: "exit 3" } },
    });
    if (id !== undefined)
      await project.ports.store.requestStop([id], "graceful", { code: "removed", message: "enough" });
    expect(await worked).toMatchObject({ retried: 1, complete: 0 });
    expect(factsOf(project, id)).toMatchObject({ status: "abandoned", reason: { code: "removed" } });
  });

  it("stops what it is asked to stop", async () => {
    const project = await makeQueueProject();
    const [id] = await project.add("--sp", "n=1", "--command", "echo started > {workspace}/here; sleep 60");
    const options = project.workerOptions();
    const worked = work(project.repo, project.ports, options);
    await waitUntil("the start", () => kinds(options.events).includes("started"));
    if (id === undefined) throw new Error("no run");

    await project.ports.store.requestStop([id], "graceful", { code: "operator_stop", message: "stopped by ana" });

    expect(await worked).toMatchObject({ stopped: 1 });
    expect(factsOf(project, id)).toMatchObject({
      status: "stopped",
      reason: { code: "operator_stop", message: "stopped by ana" },
    });
  });

  it("does not ask a queue that cannot be read in a tight loop", async () => {
    const project = await makeQueueProject();
    const asked = vi.spyOn(project.ports.store, "waitForChange").mockRejectedValue(new Error("disk I/O error"));
    let control: WorkControl | undefined;
    const options = project.workerOptions({ isUntilEmpty: false, onStart: (given) => (control = given) });
    const startMs = performance.now();
    const worked = work(project.repo, project.ports, options);

    await waitUntil("fifty looks", () => asked.mock.calls.length >= 50);

    // Several chores are due in the time of one look.
    expect(performance.now() - startMs).toBeGreaterThan(5 * options.timing.pollMs);
    expect(options.events).toContainEqual({ kind: "problem", message: "disk I/O error" });
    control?.drain();
    await worked;
  });

  it("gives back what still runs when it is told to end at once", async () => {
    const project = await makeQueueProject();
    const [id] = await project.add("--sp", "n=1", "--command", "sleep 60");
    let control: WorkControl | undefined;
    const options = project.workerOptions({ onStart: (given) => (control = given) });
    const worked = work(project.repo, project.ports, options);
    await waitUntil("the start", () => kinds(options.events).includes("started"));

    control?.stopNow();

    expect(await worked).toMatchObject({ released: 1, ended: "drained" });
    expect(factsOf(project, id)).toMatchObject({
      status: "queued",
      attempts: [{ n: 1, status: "stopped", reason: { code: "interrupted" } }],
    });
    expect(await project.ports.store.tasks({})).toMatchObject([{ state: "queued", failures: 0, attempt: 1 }]);
  });

  it("waits for what runs when it drains, and claims nothing more", async () => {
    const project = await makeQueueProject();
    await project.add("--sweep", "n=1..2", "--command", "sleep 0.3");
    let control: WorkControl | undefined;
    const options = project.workerOptions({ pools: parsePools("*=1"), onStart: (given) => (control = given) });
    const worked = work(project.repo, project.ports, options);
    await waitUntil("the start", () => kinds(options.events).includes("started"));

    control?.drain();

    expect(await worked).toMatchObject({ complete: 1, released: 0, ended: "drained" });
    expect(kinds(options.events)).toContain("draining");
    expect((await project.ports.store.tasks({ states: ["queued"] })).length).toBe(1);
  });

  it("starts nothing while the disk is too full, and the next run says why", async () => {
    const project = await makeQueueProject();
    await project.add("--sp", "n=1", "--command", "true");
    let control: WorkControl | undefined;
    const options = project.workerOptions({ minFreeBytes: 2 ** 60, onStart: (given) => (control = given) });
    const worked = work(project.repo, project.ports, options);
    await waitUntil("the note", () => kinds(options.events).includes("held_back"));
    control?.drain();
    await worked;

    expect(kinds(options.events).filter((kind) => kind === "held_back")).toHaveLength(1);
    expect(await project.ports.store.tasks({})).toMatchObject([
      { state: "queued", attempt: 0, reason: { code: "disk_full" } },
    ]);
    expect(await work(project.repo, project.ports, project.workerOptions())).toMatchObject({ complete: 1 });
    expect(await project.ports.store.tasks({})).toMatchObject([{ state: "complete", attempt: 1, reason: undefined }]);
  });

  it("ends although runs wait in a paused lane, and counts them", async () => {
    const project = await makeQueueProject();
    await project.ports.store.setLane("gpu", { isPaused: true });
    await project.add("--sp", "n=1", "--lane", "gpu", "--name", "a", "--command", "true");
    await project.add("--sp", "n=2", "--needs", "a", "--command", "true");

    expect(await work(project.repo, project.ports, project.workerOptions())).toMatchObject({ complete: 0, waiting: 2 });
  });

  it("says in the document when the code is not the code that was queued", async () => {
    const project = await makeQueueProject();
    writeFileSync(join(project.root, "train.py"), "print(1)\n");
    git(project.root, "add", "train.py");
    git(project.root, "commit", "--quiet", "--message", "Train");
    const [id] = await project.add("--sp", "n=1", "--command", "true");
    writeFileSync(join(project.root, "train.py"), "print(2)\n");
    git(project.root, "commit", "--quiet", "--all", "--message", "Change");
    writeFileSync(join(project.root, "train.py"), "print(3)\n");

    await work(project.repo, project.ports, project.workerOptions());

    expect(factsOf(project, id).queue?.code_diff_summary).toMatch(
      /^HEAD is \w{8}, and was \w{8} when it was queued; the work tree has changes that are not committed$/,
    );
    expect(id && project.repo.attempts.codePatch(id, 1)).toContain("+print(3)");
  });

  it("leaves no process behind, and tells programs where they are", async () => {
    const project = await makeQueueProject();
    const [id] = await project.add("--sp", "n=1", "--resource", "key-a", "--command", "env > {workspace}/env.txt");

    await work(project.repo, project.ports, project.workerOptions());

    if (id === undefined) throw new Error("no run");
    const env = readFileSync(join(project.repo.runs.workspaceOf(id), "env.txt"), "utf8");
    expect(env).toContain(`AEXP_JOB_ID=${id}\n`);
    expect(env).toContain("AEXP_LANE=default\n");
    expect(env).toContain('AEXP_LOCK_FENCES={"key-a":1}\n');
    expect(execFileSync("ps", ["-eo", "args"], { encoding: "utf8" })).not.toContain(id);
  });
});
