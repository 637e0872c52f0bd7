import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { quoteForShell } from "../../queue/shell-quote.ts";
import type { NodeProbe, SchedulerFacts } from "../batch-executor.ts";
import { complaintOf, runSlurm, type SlurmOutput } from "./run-slurm.ts";

type Ask = (program: string, args: readonly string[]) => Promise<SlurmOutput>;

/** Asks SLURM about itself. @throws {AexpError} `slurm.missing` */
export async function inspectCluster(ask: Ask): Promise<SchedulerFacts> {
  const version = (await ask("sbatch", ["--version"])).stdout.trim();
  const ping = await ask("scontrol", ["ping"]);
  if (!/\bis UP\b/.test(ping.stdout)) {
    const problem = complaintOf(ping);
    return { version, problem, hasAccounting: false, partitions: [], clockDifferenceMs: undefined };
  }
  const askedMs = Date.now();
  const config = await ask("scontrol", ["show", "config"]);
  const sacct = await ask("sacct", ["-X", "-n", "-P", "--format=JobID", "--jobs=1"]);
  const sinfo = await ask("sinfo", ["--noheader", "--format=%R|%a"]);
  const partitions = sinfo.stdout.split("\n").flatMap((line) => {
    const [name = "", state = ""] = line.split("|");
    return state === "up" ? [name] : [];
  });
  return {
    version,
    problem: undefined,
    hasAccounting: sacct.exitCode === 0,
    partitions: [...new Set(partitions)],
    clockDifferenceMs: clockDifference(config.stdout, askedMs),
  };
}

/** The controller says what time it is there, in whole seconds. */
function clockDifference(config: string, askedMs: number): number | undefined {
  const time = /^Configuration data as of (\S+)/.exec(config)?.[1];
  const ms = time === undefined ? Number.NaN : Date.parse(`${time}Z`);
  if (Number.isNaN(ms)) return undefined;
  const seconds = ms - Math.floor(askedMs / 1000) * 1000;
  return Math.abs(seconds) <= 1000 ? 0 : seconds;
}

/** What a probe needs. */
interface Probe {
  readonly folder: string;
  /** The program that carries out attempts. */
  readonly program: string;
  readonly options: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly waitMs: number;
}

/** Has a job of a minute look for a folder and a program, and at its clock. */
export async function probeFromNode({ folder, program, options, env, waitMs }: Probe): Promise<NodeProbe> {
  const place = mkdtempSync(join(folder, ".aexp-slurm-probe-"));
  const found = join(place, "found");
  const script = [
    `[ -d ${quoteForShell(place)} ] || exit 72`,
    `if [ -x ${quoteForShell(program)} ]; then saw=both; else saw=folder; fi`,
    `echo "$saw $(date +%s) $(uname -n)" > ${quoteForShell(found)}`,
  ].join("\n");
  const output = `--output=${join(place, "log").replaceAll("%", "%%")}`;
  const own = ["--job-name=aexp-doctor", "--time=1", "--no-requeue", "--wait", output, `--wrap=${script}`];
  try {
    const askedMs = Date.now();
    const ended = await runSlurm("sbatch", [...options, "--parsable", ...own], { env, timeoutMs: waitMs });
    const id = /^(\d+)/m.exec(ended.stdout)?.[1];
    if (ended.exitCode === 124) {
      if (id !== undefined) await runSlurm("scancel", [id], { env, timeoutMs: 20_000 });
      return nothingSeen(`the job did not start within ${waitMs / 1000} s`);
    }
    if (id === undefined) return nothingSeen(complaintOf(ended));
    const [saw, seconds, host] = read(found)?.split(" ") ?? [];
    if (saw === undefined) return nothingSeen(`nodes do not see ${folder}`);
    const problem = saw === "both" ? undefined : `nodes do not see ${program}`;
    return { problem, host, clockDifferenceMs: differenceTo(Number(seconds) * 1000, askedMs, Date.now()) };
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function nothingSeen(problem: string): NodeProbe {
  return { problem, host: undefined, clockDifferenceMs: undefined };
}

/** By how much a clock is off that showed a time, in whole seconds, between two times of ours. */
function differenceTo(shownMs: number, afterMs: number, beforeMs: number): number | undefined {
  if (Number.isNaN(shownMs)) return undefined;
  if (shownMs + 1000 < afterMs) return shownMs + 1000 - afterMs;
  return Math.max(0, shownMs - beforeMs);
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // the job could not write it
  }
}
