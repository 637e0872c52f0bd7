import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";

import { quoteForShell } from "../../queue/shell-quote.ts";
import type { SchedulerFacts } from "../batch-executor.ts";
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

/** Has a job of a minute look for a folder and a program. @returns what is wrong; `undefined` when all is there */
export async function probeFromNode({ folder, program, options, env, waitMs }: Probe): Promise<string | undefined> {
  const place = mkdtempSync(join(folder, ".aexp-slurm-probe-"));
  const found = join(place, "found");
  const script = [
    `[ -d ${quoteForShell(place)} ] || exit 72`,
    `if [ -x ${quoteForShell(program)} ]; then echo both; else echo folder; fi > ${quoteForShell(found)}`,
  ].join("\n");
  const output = `--output=${join(place, "log").replaceAll("%", "%%")}`;
  const own = ["--job-name=aexp-doctor", "--time=1", "--no-requeue", "--wait", output, `--wrap=${script}`];
  try {
    const ended = await runSlurm("sbatch", [...options, "--parsable", ...own], { env, timeoutMs: waitMs });
    const id = /^(\d+)/m.exec(ended.stdout)?.[1];
    if (ended.exitCode === 124) {
      if (id !== undefined) await runSlurm("scancel", [id], { env, timeoutMs: 20_000 });
      return `the job did not start within ${waitMs / 1000} s`;
    }
    if (id === undefined) return complaintOf(ended);
    const told = read(found);
    if (told === "both") return undefined;
    if (told === "folder") return `nodes do not see ${program}`;
    return `nodes do not see ${folder}`;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function read(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8").trim();
  } catch {
    return undefined; // the job could not write it
  }
}
