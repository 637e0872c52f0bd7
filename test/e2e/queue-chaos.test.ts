import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFailed } from "vitest";

import type { QueueStore } from "../../src/queue/queue-store.ts";
import { isTerminalState } from "../../src/queue/task.ts";
import { runCli } from "../helpers/cli.ts";
import { expectLog, expectSettled, readLog, untilDelivered } from "../helpers/queue-audit.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";
import { queueRuns, type TestRun } from "../helpers/queue-runs.ts";
import { Random, seedFrom } from "../helpers/random.ts";
import { waitUntil } from "../helpers/wait-until.ts";
import { processesWith, startWorker, supervisorsOf, type WorkerProcess } from "../helpers/worker-process.ts";

const RUNS = 300;
const WORKERS = 6;
const KILL_EVERY_MS = 500;
/** From then on nothing more is killed, so that the test ends. */
const MAX_KILLS = 50;
const STOPS = 8;
const PROGRAM = join(import.meta.dirname, "..", "fixtures", "programs", "chaos-run.sh");
const CALLERS = ["ana", "bo", "cy"] as const;
const LANES = [
  { name: "default", patch: { onLost: "requeue" } },
  { name: "gpu", patch: { onLost: "requeue", maxRunning: 2 } },
  { name: "shared", patch: { onLost: "requeue", maxRunning: 5, maxPerCaller: 2 } },
  { name: "fragile", patch: {} },
] as const;

it("executes every run as often as it may, and never two at once that must not be, while workers are killed", async () => {
  const seed = seedFrom("AEXP_CHAOS_SEED");
  onTestFailed(() => console.error(`AEXP_CHAOS_SEED=${seed} repeats what was killed and when`));

  expect(await survive(new Random(seed))).toBeGreaterThan(RUNS / 10);
}, 180_000);

/** @returns how many runs succeeded */
async function survive(random: Random): Promise<number> {
  const { root, repo, ports } = await makeQueueProject();
  const { store } = ports;
  const folder = join(root, ".aexp", "chaos");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "log"), "");
  for (const { name, patch } of LANES) await store.setLane(name, patch);
  const ids = Object.values(await queueRuns(repo, store, makeRuns(random, folder)));
  const crew = new Crew(root, random);

  for (let index = 0; index < WORKERS; index += 1) crew.hire();
  let stops = 0;
  while (await isUnderWay(store)) {
    await sleep(KILL_EVERY_MS);
    crew.kill();
    if (stops < STOPS && random.chance(0.3)) {
      stops += 1;
      await store.requestStop([random.pick(ids)], random.pick(["graceful", "kill"]), {
        code: "operator_stop",
        message: "stopped by chaos",
      });
    }
  }
  expect(await crew.goHome()).toEqual([]);
  // Otherwise this test would prove nothing.
  expect(crew.kills).toBeGreaterThan(3);

  await untilDelivered(root, store);
  const tasks = await expectSettled(repo, store);
  await expectLog(readLog(join(folder, "log")), tasks, store);
  await waitUntil("the end of every process", () => processesWith(crew.mark).length === 0);
  const validated = await runCli(root, ["validate"]);
  expect(validated).toMatchObject({ exitCode: 0 });
  return tasks.filter(({ state }) => state === "complete").length;
}

async function isUnderWay(store: QueueStore): Promise<boolean> {
  return (await store.counts()).some(({ state }) => !isTerminalState(state));
}

/** The workers that there are at a time, and what happens to them. */
class Crew {
  /** Stands in the environment of every process that comes of this test. */
  readonly mark: string;
  readonly #root: string;
  readonly #random: Random;
  #workers: WorkerProcess[] = [];
  #hired = 0;
  kills = 0;

  constructor(root: string, random: Random) {
    this.#root = root;
    this.#random = random;
    this.mark = `chaos-${process.pid}-${random.seed}`;
  }

  /** One of them at a time has a clock that is wrong. */
  hire(): void {
    const shifts = this.#hired % WORKERS === 0 ? [-3_600_000, -1000, 1000] : [0];
    const env = { TEST_CHAOS: this.mark, TEST_CLOCK_SHIFT_MS: String(this.#random.pick(shifts)) };
    const id = `worker-${(this.#hired += 1)}`;
    this.#workers.push(startWorker(this.#root, { id, pools: "*=2", env }));
  }

  /** A worker is killed and replaced, or its supervisor is killed, or both at once. */
  kill(): void {
    if (this.kills >= MAX_KILLS) return;
    this.kills += 1;
    const victim = this.#random.pick(this.#workers);
    const dice = this.#random.fraction();
    const supervisors = dice < 0.3 ? supervisorsOf(victim.pid) : [];
    for (const pid of supervisors) process.kill(pid, "SIGKILL");
    if (dice < 0.2 && supervisors.length > 0) return;
    victim.child.kill("SIGKILL");
    this.#workers = this.#workers.filter((worker) => worker !== victim);
    this.hire();
  }

  /** With nothing left to do each ends by itself. @returns what those said that did not end well */
  async goHome(): Promise<readonly string[]> {
    const problems: string[] = [];
    for (const { id, ended, printed } of this.#workers) {
      const { exitCode } = await ended;
      if (exitCode !== 0) problems.push(`${id}: exit ${exitCode}: ${printed.stderr}`);
    }
    return problems;
  }
}

/** Runs whose needs form a random graph, with all that limits how they are executed. */
function makeRuns(random: Random, folder: string): Readonly<Record<string, TestRun>> {
  return Object.fromEntries(
    Array.from({ length: RUNS }, (_, index) => {
      const lane = random.pick(LANES).name;
      const caller = random.pick(CALLERS);
      const keys = random.chance(0.15) ? [...new Set([random.pick(KEYS), random.pick(KEYS)])] : [];
      const how = random.chance(0.2) ? random.pick(["fail", "fail-once", "fail-once", "orphan", "stubborn"]) : "ok";
      const slots = [
        `run-${index}=1`,
        ...keys.map((key) => `key-${key}=1`),
        ...(lane === "gpu" ? ["lane-gpu=2"] : []),
        ...(lane === "shared" ? ["lane-shared=5", `shared-${caller}=2`] : []),
      ];
      // Where there are few slots they must be full most of the time, or a slot too many would hardly show.
      const seconds = random.between(lane === "gpu" ? 20 : 3, 40) / 100;
      const run: TestRun = {
        command: ["sh", PROGRAM, folder, seconds.toFixed(2), how, ...slots],
        needs: lane === "gpu" ? [] : makeNeeds(random, index),
        lane,
        caller,
        resources: keys,
        priority: random.between(0, 3),
        graceMs: 300,
        retry: { maxAttempts: how === "fail" ? 2 : random.between(3, 8), baseMs: 50, capMs: 400 },
      };
      return [`r${index}`, run];
    }),
  );
}

const KEYS = ["red", "green", "blue"] as const;

/** Mostly none or one, of the runs shortly before; where failure will do, a question mark says so. */
function makeNeeds(random: Random, index: number): readonly string[] {
  if (index < 10 || random.chance(0.5)) return [];
  const needed = new Set(Array.from({ length: random.between(1, 2) }, () => index - random.between(5, 10)));
  return [...needed].map((other) => `r${other}${random.chance(0.3) ? "?" : ""}`);
}
