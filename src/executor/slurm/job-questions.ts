import { userInfo } from "node:os";

import { AexpError } from "../../model/errors.ts";
import type { JobReport, JobState, KnownJob, Poll } from "../batch-executor.ts";
import { type JobListing, parseSacct, parseScontrolJobs, parseSqueue, SACCT_FORMAT, SQUEUE_FORMAT } from "../sacct.ts";
import { compareSchedulerIds, indexOf, toAskedId } from "../scheduler-id.ts";
import { complaintOf, runSlurm, type SlurmOutput, type SlurmRunOptions, forQuestions } from "./run-slurm.ts";

/** As what the scheduler knows the job of an attempt. */
export interface JobIdentity {
  readonly name: string;
  /** The folder in which it starts. */
  readonly folder: string;
  /** Its number in an array. */
  readonly index: number | undefined;
}

/** So many jobs are asked for at once, so that no line becomes too long. */
const CHUNK = 200;
const ASK_MS = 60_000;
const NO_ACCOUNTING = /accounting storage is disabled/i;
const NO_JOB_RECORDS = /job completion|jobcomp|not supported|no such file/i;

/** Asks SLURM how jobs stand: the accounting, and where that does not help the controller. */
export class JobQuestions {
  readonly #env: SlurmRunOptions["env"];
  #hasAccounting = true;

  constructor(env: SlurmRunOptions["env"]) {
    this.#env = forQuestions(env);
  }

  /** The numbers of all jobs of each attempt, by all that its job may be known as; see `BatchExecutor.find`. */
  async find(attempts: readonly (readonly JobIdentity[])[], since: string): Promise<readonly (readonly string[])[]> {
    const names = [...new Set(attempts.flat().map(({ name }) => name))];
    const known: JobListing[] = [];
    for (let at = 0; at < names.length; at += CHUNK) {
      const wanted = `--name=${names.slice(at, at + CHUNK).join(",")}`;
      // The controller knows at once what the accounting learns some seconds later, which in turn forgets nothing.
      known.push(...parseSqueue(await this.ask("squeue", [...ALL_STATES, wanted])));
      known.push(...(await this.#records(["--starttime", since, wanted])));
    }
    const byPlace = Map.groupBy(known, ({ name, folder }) => `${name}|${folder}`);
    return attempts.map((identities) => {
      const ids = identities.flatMap(({ name, folder, index }) =>
        (byPlace.get(`${name}|${folder}`) ?? []).flatMap(({ schedulerJobId }) =>
          indexOf(schedulerJobId) === index ? [schedulerJobId] : [],
        ),
      );
      return [...new Set(ids)].toSorted(compareSchedulerIds);
    });
  }

  /** See `BatchExecutor.poll`. */
  async poll(jobs: readonly KnownJob[], namesOf: (job: KnownJob) => readonly string[]): Promise<Poll> {
    const names = new Map(jobs.map((job) => [job.schedulerJobId, namesOf(job)]));
    const reports = new Map<string, JobReport>();
    const add = (found: readonly JobReport[]): void => {
      for (const job of found) {
        if (names.get(job.schedulerJobId)?.includes(job.name) === true) reports.set(job.schedulerJobId, job);
      }
    };
    const ids = [...new Set([...names.keys()].map(toAskedId))];
    for (let at = 0; at < ids.length; at += CHUNK) {
      add(await this.#records([`--jobs=${ids.slice(at, at + CHUNK).join(",")}`]));
    }
    // Without accounting the controller is the first to ask; it forgets ended jobs after some minutes.
    if (!this.#hasAccounting && ids.length > 0) {
      add(parseScontrolJobs(await this.ask("scontrol", ["--oneliner", "show", "job"])));
    }
    if (this.#hasAccounting) {
      for (const id of await this.#findGone([...names.keys()], reports)) reports.set(id, toGone(id, reports.get(id)));
    }
    return { reports, isLasting: this.#hasAccounting };
  }

  /**
   * Jobs of which the accounting knows no end, and the controller nothing. Seen with SLURM 22.05: elements of an array
   * that are cancelled while they wait leave no record, and the accounting goes on to list them until it hears of their
   * array again; and a controller that is killed may forget jobs, which then run for ever as the accounting sees it.
   */
  async #findGone(ids: readonly string[], reports: ReadonlyMap<string, JobReport>): Promise<readonly string[]> {
    const open = ids.filter((id) => OPEN.includes(reports.get(id)?.state.kind ?? "pending"));
    // Then it stays as the accounting says. Other commands would wait long for a controller that is down.
    if (open.length === 0 || (await this.whyDown()) !== undefined) return [];
    const output = await this.run("squeue", [...ALL_STATES, `--user=${userInfo().uid}`]);
    if (output.exitCode !== 0) return [];
    const listed = new Set(parseSqueue(output.stdout).map(({ schedulerJobId }) => schedulerJobId));
    return open.filter((id) => !listed.has(id));
  }

  /** The jobs that the accounting knows, or, where there is none, the file of ended jobs that some sites keep. */
  async #records(selection: readonly string[]): Promise<readonly JobReport[]> {
    const args = ["-X", "-n", "-P", `--format=${SACCT_FORMAT}`, ...selection];
    if (this.#hasAccounting) {
      const output = await this.run("sacct", args);
      if (output.exitCode === 0) return parseSacct(output.stdout);
      if (!NO_ACCOUNTING.test(output.stderr)) throw failure("sacct", output);
      this.#hasAccounting = false;
    }
    const output = await this.run("sacct", ["--completion", ...args]);
    if (output.exitCode === 0) return parseSacct(output.stdout);
    if (NO_JOB_RECORDS.test(output.stderr)) return [];
    throw failure("sacct --completion", output);
  }

  /** Why the controller cannot be asked now; `undefined` when it can. */
  async whyDown(): Promise<string | undefined> {
    const output = await this.run("scontrol", ["ping"]);
    return /\bis UP\b/.test(output.stdout) ? undefined : complaintOf(output);
  }

  /** What a command of SLURM prints. @throws {AexpError} `slurm.failed`, `slurm.missing` */
  async ask(program: string, args: readonly string[]): Promise<string> {
    const output = await this.run(program, args);
    if (output.exitCode !== 0) throw failure(program, output);
    return output.stdout;
  }

  /** What a command of SLURM gives, however it ends. @throws {AexpError} `slurm.missing` */
  async run(program: string, args: readonly string[]): Promise<SlurmOutput> {
    return await runSlurm(program, args, { env: this.#env, timeoutMs: ASK_MS });
  }
}

/** Every element of an array in a line of its own, those that have ended a short time ago, and hidden partitions. */
const ALL_STATES = ["--noheader", "--array", "--all", "--states=all", `--format=${SQUEUE_FORMAT}`];
const OPEN: readonly JobState["kind"][] = ["pending", "running"];

function toGone(schedulerJobId: string, known: JobReport | undefined): JobReport {
  const { name = "", folder = "", startedAtMs } = known ?? {};
  return { schedulerJobId, name, folder, startedAtMs, endedAtMs: undefined, state: { kind: "gone" } };
}

function failure(program: string, output: SlurmOutput): AexpError {
  return new AexpError(`${program} failed with exit code ${output.exitCode}: ${complaintOf(output)}`, {
    code: "slurm.failed",
    hint: "Look at the cluster with `sinfo` and `scontrol ping`; nothing is decided until SLURM answers.",
  });
}
