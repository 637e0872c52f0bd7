import { spawn } from "node:child_process";

import { AexpError, systemErrorCode } from "../../model/errors.ts";

/** What a command of SLURM gave. */
export interface SlurmOutput {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a command of SLURM is run. */
export interface SlurmRunOptions {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly timeoutMs: number;
}

/** Variables by which these commands would show or choose something else than what was asked for. */
const CHANGES_ANSWERS = /^(?:SACCT_|SQUEUE_|SCANCEL_|SINFO_|SCONTROL_|SLURM_TIME_FORMAT$|SLURM_EXIT_ERROR$)/;
/**
 * Variables of `sbatch` for which we have no option of our own, and those by which a job knows its place in an array:
 * whoever submits from inside of one must not pass that on.
 */
const CHANGES_JOBS = /^(?:SBATCH_(?:ARRAY_INX|TEST_ONLY|WAIT|WRAP|REQUEUE)$|SLURM_ARRAY_)/;

/** The environment for `sbatch`: the job inherits it. */
export function forSubmission(env: SlurmRunOptions["env"]): Record<string, string | undefined> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !CHANGES_JOBS.test(name)));
}

/** The environment for questions: plain words, times in UTC, and lists of elements that are never cut short. */
export function forQuestions(env: SlurmRunOptions["env"]): Record<string, string | undefined> {
  const plain = Object.entries(env).filter(([name]) => !CHANGES_ANSWERS.test(name));
  return { ...Object.fromEntries(plain), LC_ALL: "C", TZ: "UTC", SLURM_TIME_FORMAT: "standard", SLURM_BITSTR_LEN: "0" };
}

/**
 * Runs a command of SLURM. One that does not answer in time is ended, and its exit code is 124.
 *
 * @throws {AexpError} `slurm.missing`
 */
export function runSlurm(program: string, args: readonly string[], options: SlurmRunOptions): Promise<SlurmOutput> {
  const { env, timeoutMs } = options;
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { env, stdio: ["ignore", "pipe", "pipe"] });
    const stdout: Buffer[] = [];
    const stderr: Buffer[] = [];
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      child.kill("SIGKILL");
    }, timeoutMs);
    child.stdout.on("data", (chunk: Buffer) => stdout.push(chunk));
    child.stderr.on("data", (chunk: Buffer) => stderr.push(chunk));
    child.on("error", (error) => {
      clearTimeout(timer);
      reject(explain(error, program));
    });
    child.on("close", (code) => {
      clearTimeout(timer);
      const said = Buffer.concat(stderr).toString("utf8");
      resolve({
        exitCode: isLate ? 124 : (code ?? 128),
        stdout: Buffer.concat(stdout).toString("utf8"),
        stderr: isLate ? `${said}it did not answer within ${timeoutMs / 1000} s` : said,
      });
    });
  });
}

function explain(error: Error, program: string): unknown {
  if (systemErrorCode(error) !== "ENOENT") return error;
  return new AexpError(`there is no program ${program}: this machine cannot talk to SLURM`, {
    code: "slurm.missing",
    hint: "Run aexp on a login node of the cluster, or load the module that has SLURM's commands.",
    cause: error,
  });
}

/** What a command complained about, in one line. */
export function complaintOf({ stdout, stderr }: SlurmOutput): string {
  const lines = `${stderr}\n${stdout}`.split("\n").map((line) => line.replace(/^\w+: (?:error: |fatal: )?/, "").trim());
  const told = lines.filter((line) => line !== "");
  return told.length === 0 ? "it said nothing" : told.join("; ");
}
