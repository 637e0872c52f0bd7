import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { randomUUID } from "node:crypto";
import { onTestFinished } from "vitest";

import type { BatchEvent } from "../../src/app/batch-events.ts";
import { deliverOutbox } from "../../src/app/deliver-outbox.ts";
import { type ReconcileOptions, SlurmReconciler } from "../../src/app/reconcile-slurm.ts";
import type { Repo } from "../../src/app/repo.ts";
import type { BatchExecutor } from "../../src/executor/batch-executor.ts";
import { systemClock } from "../../src/platform/system-clock.ts";
import type { QueueStore } from "../../src/queue/queue-store.ts";
import type { RunFacts } from "../../src/run/document.ts";
import { isJobId, type JobId } from "../../src/run/job-id.ts";
import { currentUser } from "../../src/wiring/current-user.ts";
import { openBatch } from "../../src/wiring/open-batch.ts";
import { openQueue } from "../../src/wiring/open-queue.ts";
import { openStages } from "../../src/wiring/open-stages.ts";
import { runCli } from "./cli.ts";
import { makeProject } from "./project.ts";
import { tempDir } from "./temp-dir.ts";

const PACKAGE_ROOT = join(import.meta.dirname, "..", "..");
const PROGRAMS = join(import.meta.dirname, "..", "fixtures", "slurm-bin");

/** A job as the programs that stand for SLURM keep it. */
export interface FakeJob {
  readonly id: number;
  readonly name: string;
  readonly folder: string;
  readonly script: string;
  readonly args: readonly string[];
  readonly state: string;
  readonly code: string;
  readonly start: string;
  readonly end: string;
  /** The number of the array that it is an element of, and which one. */
  readonly array?: number;
  readonly index?: number;
  /** Nobody knows it any more. */
  readonly isForgotten?: boolean;
  /** Only the accounting knows it. */
  readonly isLost?: boolean;
  /** The accounting does not know it yet. */
  readonly isLate?: boolean;
}

/** Programs that stand for SLURM's commands, with jobs that a test changes. */
export class FakeSlurm {
  readonly folder = tempDir("fake-slurm-");
  readonly env: Readonly<Record<string, string>>;

  constructor() {
    mkdirSync(join(this.folder, "jobs"));
    this.env = { FAKE_SLURM: this.folder, PATH: `${PROGRAMS}${delimiter}${process.env["PATH"] ?? ""}` };
  }

  jobs(): readonly FakeJob[] {
    return readdirSync(join(this.folder, "jobs"))
      .map((name): FakeJob => JSON.parse(readFileSync(join(this.folder, "jobs", name), "utf8")))
      .toSorted((a, b) => a.id - b.id);
  }

  job(id: number): FakeJob {
    const job = this.jobs().find((known) => known.id === id);
    if (job === undefined) throw new Error(`there is no job ${id}`);
    return job;
  }

  change(id: number, change: Partial<FakeJob>): void {
    const temporary = join(this.folder, `change-${id}`);
    writeFileSync(temporary, JSON.stringify({ ...this.job(id), ...change }));
    renameSync(temporary, join(this.folder, "jobs", `${id}.json`));
  }

  /** Another job that is like this one. */
  copy(id: number, as: number, change: Partial<FakeJob> = {}): void {
    const copy = { ...this.job(id), id: as, ...change };
    writeFileSync(join(this.folder, "jobs", `${as}.json`), JSON.stringify(copy));
  }

  run(id: number): void {
    this.change(id, { state: "RUNNING", start: now() });
  }

  end(id: number, state = "COMPLETED", code = "0:0"): void {
    const { start } = this.job(id);
    this.change(id, { state, code, start: start === "Unknown" ? now() : start, end: now() });
  }

  /** Executes the script of a job, as a node would. @returns its exit code */
  execute(id: number): number {
    const { script, folder, array, index } = this.job(id);
    const result = spawnSync("/bin/sh", [script], {
      cwd: folder,
      env: {
        ...process.env,
        SLURM_JOB_ID: String(id),
        ...(array !== undefined && { SLURM_ARRAY_JOB_ID: String(array), SLURM_ARRAY_TASK_ID: String(index) }),
      },
      stdio: "ignore",
    });
    return result.status ?? 128;
  }

  /** Makes a command fail with these words, or work again. */
  fail(program: string, words: string | undefined): void {
    const path = join(this.folder, `fail-${program}`);
    if (words === undefined) rmSync(path, { force: true });
    else writeFileSync(path, words);
  }

  /** Makes it take arrays of so many jobs; before that it takes none. */
  allowArrays(size = 1001): void {
    writeFileSync(join(this.folder, "max-array-size"), String(size));
  }

  /** Has a command print another line. */
  printAlso(program: string, line: string): void {
    writeFileSync(join(this.folder, `also-${program}`), `${line}\n`);
  }

  /** Sets a switch: `down`, `no-accounting`, `no-arrays` (they are refused), `die-after-sbatch`. */
  set(name: string, isOn = true): void {
    if (isOn) writeFileSync(join(this.folder, name), "");
    else rmSync(join(this.folder, name), { force: true });
  }

  /** What was called so far, of one program. */
  calls(program: string): readonly (readonly string[])[] {
    const log = join(this.folder, "calls.log");
    const text = existsSync(log) ? readFileSync(log, "utf8") : "";
    const calls = text
      .split("\n")
      .filter((line) => line !== "")
      .map((line): readonly string[] => JSON.parse(line));
    return calls.filter(([name]) => name === program);
  }
}

function now(): string {
  return new Date().toISOString().slice(0, 19);
}

/** A project whose default lane is served by SLURM. */
export interface SlurmProject {
  readonly root: string;
  readonly repo: Repo;
  readonly store: QueueStore;
  readonly batch: BatchExecutor;
  readonly env: Readonly<Record<string, string>>;
  /** What was told by all reconcilers of this project. */
  readonly events: BatchEvent[];
  readonly warnings: readonly string[];
  /** Queues what the flags say, and gives the ids in order. */
  readonly add: (...flags: readonly string[]) => Promise<readonly JobId[]>;
  /** Queues one run. */
  readonly addOne: (...flags: readonly string[]) => Promise<JobId>;
  /** Looks at everything once, as another process would each time, and delivers what follows. */
  readonly tick: (change?: Partial<ReconcileOptions>, batch?: BatchExecutor) => Promise<readonly string[]>;
  readonly reconciler: (change?: Partial<ReconcileOptions>, batch?: BatchExecutor) => SlurmReconciler;
  /** Lets time pass, for the queue's clock only. */
  readonly advance: (ms: number) => void;
  readonly stateOf: (id: JobId) => Promise<string | undefined>;
}

let lastWorker = 0;

export async function makeSlurmProject(env: Readonly<Record<string, string>>): Promise<SlurmProject> {
  let offsetMs = 0;
  const { root, repo: plain, warnings } = await makeProject();
  const clock = { nowMs: () => systemClock.nowMs() + offsetMs, monotonicMs: () => systemClock.monotonicMs() };
  const repo: Repo = { ...plain, clock };
  const store = await openQueue(repo);
  onTestFinished(() => store[Symbol.asyncDispose]());
  await store.setLane("default", { executor: "slurm" });
  const batch = openBatch(repo, { env: { ...process.env, ...env }, packageRoot: PACKAGE_ROOT });
  const stages = openStages(repo);
  onTestFinished(() => stages[Symbol.asyncDispose]());
  const events: BatchEvent[] = [];
  const reconciler = (change: Partial<ReconcileOptions> = {}, other = batch): SlurmReconciler =>
    new SlurmReconciler(
      repo,
      { ...stages, store, batch: other },
      {
        workerId: `agent-${(lastWorker += 1)}`,
        owner: currentUser(),
        leaseMs: 60_000,
        heartbeatMs: 30_000,
        newToken: randomUUID,
        jitter: () => 0,
        observe: (event) => events.push(event),
        ...change,
      },
    );
  const add = async (...flags: readonly string[]): Promise<readonly JobId[]> => {
    const { stdout, stderr } = await runCli(root, ["queue", "add", "--json", "--experiment", "E001", ...flags], {
      env,
    });
    const added: unknown = JSON.parse(stdout);
    const ids = toIds(added);
    if (ids.length === 0) throw new Error(`nothing was queued: ${stdout}${stderr}`);
    return ids;
  };
  return {
    root,
    repo,
    store,
    batch,
    env,
    events,
    warnings,
    add,
    addOne: async (...flags) => {
      const [id] = await add(...flags);
      if (id === undefined) throw new Error("no run");
      return id;
    },
    reconciler,
    tick: async (change, other) => {
      const { problems } = await reconciler(change, other).tick();
      await deliverOutbox(repo, store);
      return problems;
    },
    advance: (ms) => (offsetMs += ms),
    stateOf: async (id) => (await store.task(id))?.state,
  };
}

/** A project with programs that stand for SLURM. */
export interface FakeProject extends SlurmProject {
  readonly slurm: FakeSlurm;
  /** Executes the script of a job, as a node would; an element of an array has a number of its own, too. @returns its exit code */
  readonly execute: (id: number) => number;
  /** What the document of a run says. */
  readonly factsOf: (id: JobId) => RunFacts;
}

export async function makeFakeProject(): Promise<FakeProject> {
  const slurm = new FakeSlurm();
  const project = await makeSlurmProject(slurm.env);
  return {
    ...project,
    slurm,
    execute: (id) => slurm.execute(id),
    factsOf: (id) => project.repo.runs.read(id).document.facts,
  };
}

/** An executor that prepares in another way, and is the same in all else. */
export function withPrepare(batch: BatchExecutor, prepare: BatchExecutor["prepare"]): BatchExecutor {
  return new Proxy(batch, {
    get(target, key) {
      const value: unknown = key === "prepare" ? prepare : Reflect.get(target, key);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

function toIds(added: unknown): readonly JobId[] {
  if (typeof added !== "object" || added === null || !("runs" in added) || !Array.isArray(added.runs)) return [];
  return added.runs.flatMap((run: unknown) => {
    const id = typeof run === "object" && run !== null && "job_id" in run ? run.job_id : undefined;
    return typeof id === "string" && isJobId(id) ? [id] : [];
  });
}
