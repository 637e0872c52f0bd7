/** The budgets of the queue: queueing, claiming, executing many short programs, and waiting. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";

import { buildDataset } from "./dataset.ts";
import { emptyFolder } from "./empty-folder.ts";
import { peakMemoryMiB, type Subject, timePair } from "./measure.ts";
import type { Row } from "./report.ts";
import { findOwnTools, isInstalled } from "./tools.ts";
import { count, ms } from "./words.ts";

/** What the benchmark program gives to its parts. */
export interface Bench {
  readonly place: string;
  readonly scale: number;
  readonly samples: number;
  readonly aexp: (cwd: string, ...words: string[]) => Subject;
  readonly add: (
    what: string,
    measured: string,
    against: string,
    value: number,
    budget: number,
    unit: string,
    bound?: Row["bound"],
  ) => void;
}

const HERE = import.meta.dirname;
const SLOTS = String(Math.max(2, cpus().length));
const CLAIMERS = 8;
/** pueue looks for work a few times a second only: so many show it. */
const PUEUE_TASKS = 50;
const IDLE_S = 20;
/** Of the clock that the kernel counts a process's time with. */
const TICKS_PER_S = 100;

/** Measures all of them, one after the other. */
export async function measureQueue(bench: Bench): Promise<void> {
  measureAdd(bench);
  await measureClaims(bench);
  measureSupervisor(bench);
  measureThroughput(bench);
  measureMemory(bench);
  await measureIdle(bench);
}

function measureAdd({ place, scale, samples, aexp, add }: Bench): void {
  const runs = 10_000 * scale;
  const root = newRepo(join(place, "queue-add"));
  const queue = { ...aexp(root, ...sweepOf(runs)), prepare: () => emptyRepo(root, place) };
  execute(queue);
  const packed = join(place, "queued-runs.json");
  writeFileSync(packed, JSON.stringify(readRuns(join(root, ".runs", "workspace"))));
  const target = join(place, "plain-runs");
  const plain = {
    argv: [process.execPath, join(HERE, "plain-write-runs.js"), packed, target],
    prepare: () => emptyFolder(target, place),
  };
  const { a, b, ratio } = timePair(queue, plain, samples);
  add(`queue add, a sweep of ${count(runs)} runs`, ms(a.medianS), `plain loop: ${ms(b.medianS)}`, ratio, 3, "×");
}

async function measureClaims({ place, scale, add }: Bench): Promise<void> {
  const folder = join(place, "claims");
  mkdirSync(folder);
  const database = join(folder, "aexp.db");
  const tasks = 10_000 * scale;
  execute({ argv: [process.execPath, join(HERE, "fill-queue.ts"), database, String(tasks)] });
  const each = String((tasks / CLAIMERS / 4) | 0);
  const claimers = Array.from({ length: CLAIMERS }, async () => {
    const child = spawn(process.execPath, [join(HERE, "claim-tasks.ts"), database, each], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    const durations: readonly number[] = JSON.parse(await text(child.stdout));
    return durations;
  });
  const all = (await Promise.all(claimers)).flat().toSorted((left, right) => left - right);
  const at = (share: number): number => all[Math.floor(all.length * share)] ?? Number.NaN;
  const what = `claim, 95th percentile, ${count(tasks)} queued, ${CLAIMERS} processes`;
  add(what, `median ${at(0.5).toFixed(2)} ms`, "", at(0.95), 5, " ms");
}

function measureSupervisor({ place, scale, samples, add }: Bench): void {
  const programs = String(500 * scale);
  const of = (how: "bare" | "supervised"): number => {
    const folder = join(place, "supervised");
    emptyFolder(folder, place);
    return Number(
      execFileSync(process.execPath, [join(HERE, "supervise-programs.ts"), how, folder, programs], {
        encoding: "utf8",
      }),
    );
  };
  const pairs = Array.from({ length: samples }, () => ({ supervised: of("supervised"), bare: of("bare") }));
  const [middle] = pairs
    .toSorted((left, right) => left.supervised / left.bare - right.supervised / right.bare)
    .slice(samples >> 1);
  if (middle === undefined) return;
  const { supervised, bare } = middle;
  const against = `bare spawn: ${ms(bare / 1000)}`;
  add("a program under the supervisor, one after the other", ms(supervised / 1000), against, supervised / bare, 2, "×");
}

/** Beside tools that keep no record of what they execute but a line. */
function measureThroughput(bench: Bench): void {
  const { place, scale, samples, add } = bench;
  const runs = 1000 * scale;
  findOwnTools();
  const worker = workerOn(bench, "throughput", runs);
  const measure = (tool: string, subject: Subject, tasks: number, budget: number): void => {
    const { a, b } = timePair(worker, subject, tool === "pueue" ? 1 : samples);
    const aexpS = a.medianS / runs;
    const otherS = b.medianS / tasks;
    const what = `throughput of worker start, ${SLOTS} slots, ${count(runs)} × true`;
    const measured = `${Math.round(1 / aexpS)} runs a second`;
    add(what, measured, `${tool}: ${Math.round(1 / otherS)} a second`, otherS / aexpS, budget, "×", "≥");
  };
  if (isInstalled("parallel")) {
    const words = ["-j", SLOTS, "--joblog", join(place, "joblog"), "true", "{}", ":::"];
    const numbers = Array.from({ length: runs }, (_, index) => String(index));
    measure("GNU parallel --joblog", { argv: ["parallel", ...words, ...numbers] }, runs, 0.5);
  }
  if (isInstalled("tsp")) {
    const folder = join(place, "tsp");
    const argv = ["sh", join(HERE, "task-spooler.sh"), folder, SLOTS, String(runs)];
    measure("task-spooler", { argv, prepare: () => emptyFolder(folder, place) }, runs, 2);
  }
  if (isInstalled("pueue")) {
    const folder = join(place, "pueue");
    const argv = ["sh", join(HERE, "pueue.sh"), folder, SLOTS, String(PUEUE_TASKS)];
    measure("pueue", { argv, prepare: () => emptyFolder(folder, place) }, PUEUE_TASKS, 2);
  }
}

function measureMemory(bench: Bench): void {
  const { scale, add } = bench;
  const peak = (runs: number): number => {
    const worker = workerOn(bench, `memory-${runs}`, runs);
    worker.prepare?.();
    return peakMemoryMiB(worker);
  };
  const [few, many] = [1000 * scale, 5000 * scale];
  const [first, second] = [peak(few), peak(many)];
  const what = `memory of worker start, ${count(few)} → ${count(many)} runs`;
  add(what, `${Math.round(second)} MiB`, `${Math.round(first)} MiB`, second / first, 1.2, "×");
}

/** Processor time of a worker that has nothing to do. */
async function measureIdle({ place, aexp, add }: Bench): Promise<void> {
  if (process.platform !== "linux") return;
  const { argv, cwd } = aexp(newRepo(join(place, "idle")), "worker", "start");
  const [program = "", ...args] = argv;
  const worker = spawn(program, args, { cwd, stdio: "ignore" });
  await sleep(3000);
  const before = ticksOf(worker);
  await sleep(IDLE_S * 1000);
  const percent = ((ticksOf(worker) - before) / TICKS_PER_S / IDLE_S) * 100;
  worker.kill("SIGTERM");
  await once(worker, "exit");
  add("idle worker, share of one core", "", "", percent, 1, " %");
}

function ticksOf({ pid }: ChildProcess): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "latin1");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** A worker that executes so many queued runs of `true` and ends. */
function workerOn({ place, aexp }: Bench, name: string, runs: number): Subject {
  const root = newRepo(join(place, name));
  return {
    ...aexp(root, "worker", "start", "--pools", `*=${SLOTS}`, "--until-empty"),
    prepare: () => {
      emptyRepo(root, place);
      execute(aexp(root, ...sweepOf(runs)));
    },
  };
}

function sweepOf(runs: number): readonly string[] {
  return ["queue", "add", "--experiment", "E001", "--sweep", `i=1..${runs}`, "--json", "--", "true"];
}

function newRepo(root: string): string {
  buildDataset(root, { runs: 0, entries: 0, findings: 1, citations: 0 });
  return root;
}

/** Takes runs, ledger and queue away. */
function emptyRepo(root: string, place: string): void {
  emptyFolder(join(root, ".runs", "workspace"), place);
  emptyFolder(join(root, ".aexp", "ledger"), place);
  emptyFolder(join(root, ".aexp", "state"), place);
}

function readRuns(workspace: string): readonly (readonly [string, readonly (readonly [string, string])[]])[] {
  return readdirSync(workspace).map((name) => {
    const folder = join(workspace, name);
    return [name, readdirSync(folder).map((file) => [file, readFileSync(join(folder, file), "utf8")] as const)];
  });
}

function execute({ argv, cwd, prepare }: Subject): void {
  prepare?.();
  const [program = "", ...args] = argv;
  execFileSync(program, args, { cwd, stdio: ["ignore", "ignore", "pipe"], maxBuffer: 1 << 28 });
}
