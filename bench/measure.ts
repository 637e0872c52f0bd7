import { spawnSync } from "node:child_process";

/** How one command did over several runs, in seconds. */
export interface Timing {
  readonly medianS: number;
  readonly minS: number;
  readonly maxS: number;
  readonly samples: number;
}

/** One whole process to time: what is measured is what a user waits for, start-up included. */
export interface Subject {
  readonly argv: readonly string[];
  readonly cwd?: string;
  /** Done before every run, not timed. */
  readonly prepare?: () => void;
}

/** Times a subject on its own: one warm-up, then `samples` runs. */
export function time(subject: Subject, samples: number): Timing {
  runOnce(subject);
  return toTiming(Array.from({ length: samples }, () => runOnce(subject)));
}

/** Times two subjects in turn (A B A B …), so that both see the same changes in the machine's speed. */
export function timePair(
  a: Subject,
  b: Subject,
  samples: number,
  { isWarmedUp = true }: { readonly isWarmedUp?: boolean } = {},
): { a: Timing; b: Timing; ratio: number } {
  if (isWarmedUp) for (const subject of [a, b]) runOnce(subject);
  const pairs = Array.from({ length: samples }, () => [runOnce(a), runOnce(b)] as const);
  return {
    a: toTiming(pairs.map(([seconds]) => seconds)),
    b: toTiming(pairs.map(([, seconds]) => seconds)),
    ratio: median(pairs.map(([left, right]) => left / right)),
  };
}

/** Peak resident memory of one run of a Node program, in MiB, as the program itself sees it when it ends. */
export function peakMemoryMiB(subject: Subject): number {
  const report = new URL("report-memory.js", import.meta.url).href;
  const [program = "", ...args] = subject.argv;
  const { stderr } = spawnSync(program, ["--import", report, ...args], {
    cwd: subject.cwd,
    encoding: "utf8",
    stdio: ["ignore", "ignore", "pipe"],
    maxBuffer: 1 << 28,
  });
  const found = /PEAK_KIB=(\d+)/.exec(stderr);
  if (found === null) throw new Error(`${subject.argv.join(" ")} did not report its memory: ${stderr.slice(-500)}`);
  return Number(found[1]) / 1024;
}

function runOnce({ argv, cwd, prepare }: Subject): number {
  prepare?.();
  const [program = "", ...args] = argv;
  const start = performance.now();
  const { status, error, stderr } = spawnSync(program, args, {
    cwd,
    stdio: ["ignore", "ignore", "pipe"],
    maxBuffer: 1 << 28,
  });
  const seconds = (performance.now() - start) / 1000;
  if (error !== undefined) throw error;
  if (status !== 0)
    throw new Error(`${argv.join(" ")} ended with exit code ${status}: ${stderr.toString().slice(-500)}`);
  return seconds;
}

function toTiming(seconds: readonly number[]): Timing {
  return { medianS: median(seconds), minS: Math.min(...seconds), maxS: Math.max(...seconds), samples: seconds.length };
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : (upper + (sorted[middle - 1] ?? Number.NaN)) / 2;
}
