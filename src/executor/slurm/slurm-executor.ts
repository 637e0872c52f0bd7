import { AexpError } from "../../model/errors.ts";
import { writeFileAtomically } from "../../platform/atomic-write.ts";
import type { JobId } from "../../run/job-id.ts";
import type {
  BatchExecutor,
  BatchSpec,
  BatchTraces,
  JobReport,
  KnownJob,
  Poll,
  SchedulerFacts,
  SubmitOutcome,
} from "../batch-executor.ts";
import { type ComputeRequest, toSbatchOptions } from "../../queue/compute-request.ts";
import { parseSacct, parseScontrolJobs, SACCT_FORMAT } from "../sacct.ts";
import { renderSbatchScript, toJobName } from "../sbatch-script.ts";
import { BatchFolder } from "./batch-folder.ts";
import { inspectCluster, probeFromNode } from "./inspect-cluster.ts";
import { complaintOf, forQuestions, forSubmission, runSlurm, type SlurmOutput } from "./run-slurm.ts";

/** What the executor needs to know of its surroundings. */
export interface SlurmOptions {
  readonly workspaceOf: (jobId: JobId) => string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Program and arguments that carry out an attempt; its folder comes behind them. */
  readonly carrier: readonly [program: string, ...args: string[]];
}

/** So many jobs are asked for at once, so that no line becomes too long. */
const CHUNK = 200;
/** Shorter than a lease, so that no submission is under way any more when somebody else takes over. */
const SUBMIT_MS = 40_000;
const ASK_MS = 60_000;
/** What `sbatch` says when it may work later, or may even have worked. Limits on numbers pass as jobs end. */
const PASSING =
  /unable to contact|timed out|did not answer|connection|zero bytes|temporar|try again|transport|communication|submit ?limit|SubmitJobs|MaxJobCount|unexpected message|protocol authentication|munge|backup|resource temporarily/i;
const NO_ACCOUNTING = /accounting storage is disabled/i;
const NO_JOB_RECORDS = /job completion|jobcomp|not supported|no such file/i;

/** Talks to SLURM by its commands, as anybody on a login node can. */
export class SlurmExecutor implements BatchExecutor {
  readonly #options: SlurmOptions;
  #hasAccounting = true;

  constructor(options: SlurmOptions) {
    this.#options = options;
  }

  async prepare(spec: BatchSpec): Promise<boolean> {
    const folder = this.#folderOf(spec);
    if (folder.isPrepared()) return false;
    const { env } = this.#options;
    await folder.attempt.prepare({ ...spec, env: { ...env, ...spec.env } }, Date.now());
    const script = renderSbatchScript({ ...spec, folder: folder.path, carrier: this.#options.carrier });
    await writeFileAtomically(folder.scriptPath, script, { mode: 0o700 });
    // The last one, because it says that there may be a job from now on.
    return folder.writeRecord(spec, this.#sbatchOptions(spec));
  }

  async submit(spec: BatchSpec): Promise<SubmitOutcome> {
    const { env } = this.#options;
    const args = [...this.#sbatchOptions(spec), this.#folderOf(spec).scriptPath];
    const output = await runSlurm("sbatch", args, { env: forSubmission(env), timeoutMs: SUBMIT_MS });
    const schedulerJobId = /^(\d+)(?:;\S*)?$/m.exec(output.stdout)?.[1];
    if (output.exitCode === 0 && schedulerJobId !== undefined) return { kind: "submitted", schedulerJobId };
    const problem = complaintOf(output);
    const mayPass = output.exitCode === 124 || output.exitCode === 0 || PASSING.test(problem);
    return { kind: mayPass ? "unclear" : "refused", problem };
  }

  async find(jobId: JobId, attempt: number, sinceMs: number): Promise<readonly string[]> {
    const name = toJobName(jobId, attempt);
    const folder = this.#folderOf({ jobId, attempt }).path;
    const since = new Date(sinceMs).toISOString().slice(0, 19);
    // The controller knows at once what the accounting learns some seconds later, which in turn forgets nothing.
    const format = "--format=%i|%Z";
    const queued = await this.#ask("squeue", ["--noheader", "--states=all", `--name=${name}`, format]);
    const present = queued.split("\n").flatMap((line) => {
      const [id = "", ...rest] = line.split("|");
      return /^\d+$/.test(id) && rest.join("|") === folder ? [id] : [];
    });
    const recorded = await this.#records(["--starttime", since, `--name=${name}`]);
    const past = recorded.filter((job) => job.name === name && job.folder === folder);
    const ids = new Set([...present, ...past.map(({ schedulerJobId }) => schedulerJobId)]);
    return [...ids].toSorted((a, b) => Number(a) - Number(b));
  }

  async poll(jobs: readonly KnownJob[]): Promise<Poll> {
    const names = new Map(jobs.map((job) => [job.schedulerJobId, toJobName(job.jobId, job.attempt)]));
    const reports = new Map<string, JobReport>();
    const add = (found: readonly JobReport[]): void => {
      for (const job of found) if (names.get(job.schedulerJobId) === job.name) reports.set(job.schedulerJobId, job);
    };
    const ids = [...names.keys()];
    for (let at = 0; at < ids.length; at += CHUNK) {
      add(await this.#records([`--jobs=${ids.slice(at, at + CHUNK).join(",")}`]));
    }
    // Without accounting the controller is the first to ask; it forgets ended jobs after some minutes.
    if (!this.#hasAccounting && ids.length > 0) {
      add(parseScontrolJobs(await this.#ask("scontrol", ["--oneliner", "show", "job"])));
    }
    return { reports, isLasting: this.#hasAccounting };
  }

  async cancel(schedulerJobIds: readonly string[]): Promise<void> {
    for (let at = 0; at < schedulerJobIds.length; at += CHUNK) {
      await this.#ask("scancel", ["--quiet", ...schedulerJobIds.slice(at, at + CHUNK)]);
    }
  }

  async whyDown(): Promise<string | undefined> {
    const output = await this.#run("scontrol", ["ping"]);
    return /\bis UP\b/.test(output.stdout) ? undefined : complaintOf(output);
  }

  traces(jobId: JobId, attempt: number): BatchTraces {
    const folder = this.#folderOf({ jobId, attempt });
    return { startedBy: folder.startedBy(), end: folder.attempt.readEnd(), words: folder.words() };
  }

  async inspect(): Promise<SchedulerFacts> {
    return await inspectCluster((program, args) => this.#run(program, args));
  }

  async probeFolder(folder: string, compute: ComputeRequest, waitMs: number): Promise<string | undefined> {
    const env = forSubmission(this.#options.env);
    const [program] = this.#options.carrier;
    return await probeFromNode({ folder, program, options: toSbatchOptions(compute), env, waitMs });
  }

  #folderOf({ jobId, attempt }: Pick<BatchSpec, "jobId" | "attempt">): BatchFolder {
    return new BatchFolder(this.#options.workspaceOf(jobId), attempt);
  }

  /** What is ours to decide comes last, and on the command line it outranks the user's environment. */
  #sbatchOptions(spec: BatchSpec): readonly string[] {
    const folder = this.#folderOf(spec);
    return [
      ...toSbatchOptions(spec.compute),
      "--parsable",
      "--no-requeue",
      `--job-name=${toJobName(spec.jobId, spec.attempt)}`,
      `--chdir=${folder.path}`,
      // The name is a pattern, in which a percent sign stands for something else.
      `--output=${folder.wordsPath.replaceAll("%", "%%")}`,
      "--open-mode=append",
    ];
  }

  /** The jobs that the accounting knows, or, where there is none, the file of ended jobs that some sites keep. */
  async #records(selection: readonly string[]): Promise<readonly JobReport[]> {
    const args = ["-X", "-n", "-P", `--format=${SACCT_FORMAT}`, ...selection];
    if (this.#hasAccounting) {
      const output = await this.#run("sacct", args);
      if (output.exitCode === 0) return parseSacct(output.stdout);
      if (!NO_ACCOUNTING.test(output.stderr)) throw failure("sacct", output);
      this.#hasAccounting = false;
    }
    const output = await this.#run("sacct", ["--completion", ...args]);
    if (output.exitCode === 0) return parseSacct(output.stdout);
    if (NO_JOB_RECORDS.test(output.stderr)) return [];
    throw failure("sacct --completion", output);
  }

  async #ask(program: string, args: readonly string[]): Promise<string> {
    const output = await this.#run(program, args);
    if (output.exitCode !== 0) throw failure(program, output);
    return output.stdout;
  }

  async #run(program: string, args: readonly string[]): Promise<SlurmOutput> {
    return await runSlurm(program, args, { env: forQuestions(this.#options.env), timeoutMs: ASK_MS });
  }
}

function failure(program: string, output: SlurmOutput): AexpError {
  return new AexpError(`${program} failed with exit code ${output.exitCode}: ${complaintOf(output)}`, {
    code: "slurm.failed",
    hint: "Look at the cluster with `sinfo` and `scontrol ping`; nothing is decided until SLURM answers.",
  });
}
