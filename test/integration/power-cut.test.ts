import { cpSync, globSync, readFileSync, statSync, truncateSync, writeFileSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFailed } from "vitest";

import type { Repo } from "../../src/app/repo.ts";
import { TASK_STATES } from "../../src/queue/task.ts";
import { openRepo } from "../../src/wiring/open-repo.ts";
import { openQueue } from "../../src/wiring/open-queue.ts";
import { isRunning } from "../helpers/aexp-process.ts";
import { runCli } from "../helpers/cli.ts";
import { expectSettled, untilDelivered } from "../helpers/queue-audit.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";
import { queueRuns, type TestRun } from "../helpers/queue-runs.ts";
import { Random, seedFrom } from "../helpers/random.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { startWorker, supervisorsOf, type WorkerProcess } from "../helpers/worker-process.ts";

const RUNS = 60;
const CUTS = 8;
const LOG = join(".aexp", "state", "aexp.db-wal");
const BOOT_ID = /[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/;

it("loses nothing when the power fails at any moment", async () => {
  const seed = seedFrom("AEXP_POWER_SEED");
  onTestFailed(() => console.error(`AEXP_POWER_SEED=${seed} repeats the runs and the moments`));
  const random = new Random(seed);
  const { root, repo, ports } = await makeQueueProject();
  await ports.store.setLane("default", { onLost: "requeue", maxRunning: 4 });
  await queueRuns(repo, ports.store, makeRuns(random));
  const durable = statSync(join(root, LOG)).size;
  const workers = [1, 2].map((n) => startWorker(root, { id: `worker-${n}`, pools: "*=3" }));

  const copies: string[] = [];
  for (let cut = 0; cut < CUTS; cut += 1) {
    await sleep(random.between(50, 400));
    copies.push(copyAtOnce(root, workers, `cut-${cut}`));
  }
  for (const { ended } of workers) expect((await ended).exitCode).toBe(0);
  await expectSettled(repo, ports.store);

  const inFlight: number[] = [];
  for (const [cut, copy] of copies.entries()) {
    // Of the log the last pages may never have reached the disk, with documents that are newer.
    if (cut % 2 === 1) tearLog(copy, durable, random);
    inFlight.push(await expectRecovery(copy));
  }
  // Otherwise this test would prove nothing.
  expect(inFlight.some((count) => count > 0)).toBe(true);
}, 300_000);

/** Runs that hold each other up, and whose commands name no folder, so that they can be executed in a copy. */
function makeRuns(random: Random): Readonly<Record<string, TestRun>> {
  return Object.fromEntries(
    Array.from({ length: RUNS }, (_, index) => {
      const run: TestRun = {
        command: `sleep ${random.between(1, 20) / 100}; echo "$AEXP_ATTEMPT" > "$AEXP_JOB_WORKSPACE/out"`,
        needs: index > 5 && random.chance(0.5) ? [`r${index - random.between(1, 5)}`] : [],
        resources: random.chance(0.2) ? ["key"] : [],
        retry: { maxAttempts: 5, baseMs: 1, capMs: 1 },
        graceMs: 200,
      };
      return [`r${index}`, run];
    }),
  );
}

/** What is on the disk at one moment: everybody who writes is held for so long. */
function copyAtOnce(root: string, workers: readonly WorkerProcess[], name: string): string {
  const copy = join(tempDir(), name);
  const writers = workers.flatMap(({ pid }) => (isRunning(pid) ? [pid, ...supervisorsOf(pid)] : []));
  for (const pid of writers) process.kill(pid, "SIGSTOP");
  try {
    cpSync(root, copy, { recursive: true, verbatimSymlinks: true });
  } finally {
    for (const pid of writers) process.kill(pid, "SIGCONT");
  }
  return copy;
}

/** What was queued was written durably, so that it is on the disk in any case. */
function tearLog(copy: string, durable: number, random: Random): void {
  const { size } = statSync(join(copy, LOG), { throwIfNoEntry: false }) ?? { size: 0 };
  if (size > durable) truncateSync(join(copy, LOG), random.between(durable, size));
}

/** @returns how many runs were under way */
async function expectRecovery(root: string): Promise<number> {
  reboot(root);
  const warnings: string[] = [];
  const repo = openRepo({ folder: root, cwd: root, env: process.env, warn: (message) => warnings.push(message) });
  await using store = await openQueue(repo);
  const before = await store.tasks({});
  expect(before).toHaveLength(RUNS);
  await expectLegal(root, repo);

  const recovered = await runCli(root, ["queue", "recover"]);
  expect(recovered).toMatchObject({ exitCode: 0 });
  await expectLegal(root, repo);
  const worker = startWorker(root, { id: "after", pools: "*=4" });
  expect((await worker.ended).exitCode).toBe(0);
  await untilDelivered(root, store);

  const tasks = await expectSettled(repo, store);
  const others = tasks.filter(({ state }) => state !== "complete");
  expect(others.map(({ id, state, attempt, reason }) => ({ id, state, attempt, reason }))).toEqual([]);
  return before.filter(({ lease }) => lease !== undefined).length;
}

/** The copy on a machine that was started again: no process of it lives, and time has passed. */
function reboot(root: string): void {
  const boot = "00000000-0000-4000-8000-000000000000";
  for (const file of globSync("**/.aexp/attempt-*/process.json", { cwd: join(root, ".runs") })) {
    const path = join(root, ".runs", file);
    writeFileSync(path, readFileSync(path, "utf8").replaceAll(new RegExp(BOOT_ID, "g"), boot));
  }
  using db = new DatabaseSync(join(root, ".aexp", "state", "aexp.db"));
  expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  db.prepare("UPDATE workers SET boot_id = ?").run(boot);
  db.prepare("UPDATE attempts SET boot_id = ?").run(boot);
  db.exec("UPDATE tasks SET lease_expires_at = 1 WHERE lease_token IS NOT NULL");
}

/** What holds at every moment of a queue's life, also in the middle of a recovery. */
async function expectLegal(root: string, repo: Repo): Promise<void> {
  await using store = await openQueue(repo);
  const tasks = await store.tasks({});
  const ended = new Set(tasks.flatMap(({ id, endedAt }) => (endedAt === undefined ? [] : [id])));
  for (const task of tasks) {
    expect(TASK_STATES).toContain(task.state);
    expect(task.lease !== undefined).toBe(task.state === "running" || task.state === "finalizing");
    if (task.state === "blocked") expect(task.spec.needs.every(({ run }) => ended.has(run))).toBe(false);
    if (task.state === "running" || task.state === "complete")
      expect(task.spec.needs.every(({ run }) => ended.has(run))).toBe(true);
    const open = (await store.attempts(task.id)).filter(({ endedAt }) => endedAt === undefined);
    expect(open).toHaveLength(task.lease === undefined ? 0 : 1);
  }
  for (const id of new Set(tasks.map(({ groupId }) => groupId))) {
    const isOpen = tasks.some((task) => task.groupId === id && task.endedAt === undefined);
    expect((await store.group(id))?.state === "active").toBe(isOpen);
  }
  const tokens = tasks.flatMap(({ lease }) => lease?.token ?? []);
  expect(new Set(tokens).size).toBe(tokens.length);
  for (const { holder } of await store.locks()) expect(tokens).toContain(holder);
  using db = new DatabaseSync(join(root, ".aexp", "state", "aexp.db"), { readOnly: true });
  expect(db.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  expect(db.prepare("PRAGMA foreign_key_check").all()).toEqual([]);
}
