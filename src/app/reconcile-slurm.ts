import type { BatchExecutor, BatchSpec, JobReport } from "../executor/batch-executor.ts";
import type { ComputeRequest } from "../queue/compute-request.ts";
import { type EndedJob, judgeJob } from "../executor/judge-job.ts";
import { messageOf } from "../model/errors.ts";
import type { AttemptResult, BatchJob, Claim, QueueStore } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import type { BatchEvent, BatchTally } from "./batch-events.ts";
import { CodeWatch } from "./code-watch.ts";
import { completeResult } from "./complete-result.ts";
import { describeTask, isCodePinned, prepareTask } from "./execute-task.ts";
import { toResult } from "./find-attempt.ts";
import type { Repo } from "./repo.ts";
import type { StagePorts } from "./stage-ports.ts";

/** What is between the queue and a batch scheduler. */
export interface BatchPorts {
  readonly store: QueueStore;
  readonly batch: BatchExecutor;
}

/** The same, with what stages of pipelines need. */
export interface ReconcilePorts extends BatchPorts, Omit<StagePorts, "store"> {}

/** Who looks after the scheduler's jobs, and how. */
export interface ReconcileOptions {
  readonly workerId: string;
  /** The operating system's user, whose jobs they are. */
  readonly owner: string;
  /** The lanes that are submitted from; all, when absent. */
  readonly lanes?: readonly string[] | undefined;
  /** Only these tasks are submitted, when present. */
  readonly ids?: readonly JobId[] | undefined;
  /** How long a submission may take before somebody else looks after it. */
  readonly leaseMs: number;
  readonly heartbeatMs: number;
  /** A new lease token at each call. */
  readonly newToken: () => string;
  /** From 0 to 1, to spread the pauses of attempts that are repeated. */
  readonly jitter: () => number;
  readonly observe: (event: BatchEvent) => void;
}

const DAY_MS = 86_400_000;
/** A job of which the scheduler knows nothing for so long is given up. */
const MISSING_MS = DAY_MS;
/** So long after the end of a job its record may still be on its way through a shared file system. */
const RECORD_DELAY_MS = 30_000;
const MAX_EXPIRED = 100;
/** So many runs are submitted before jobs are looked at again. */
const MAX_SUBMISSIONS = 200;

/**
 * Keeps queue and scheduler in agreement: submits what is to be submitted, follows what has been, and cancels what is to
 * stop. Nothing is decided here by hope: a state changes when the scheduler says so, and what could not be asked stays
 * as it is. Several processes may do this at once, and any of them may be killed.
 */
export class SlurmReconciler {
  readonly #repo: Repo;
  readonly #store: QueueStore;
  readonly #batch: BatchExecutor;
  readonly #ports: ReconcilePorts;
  readonly #options: ReconcileOptions;
  readonly #code: CodeWatch;
  /** What was told already, so that it is told once. */
  readonly #cancelled = new Set<string>();
  #problems: ReadonlySet<string> = new Set();
  #tally: { submitted: number; started: number; cancelled: number; ended: number; problems: string[] } = noTally();

  constructor(repo: Repo, ports: ReconcilePorts, options: ReconcileOptions) {
    this.#repo = repo;
    this.#ports = ports;
    this.#store = ports.store;
    this.#batch = ports.batch;
    this.#options = options;
    this.#code = new CodeWatch(repo);
  }

  /** Looks at everything once. @throws {AexpError} what the queue's store throws; what SLURM refuses is told */
  async tick(): Promise<BatchTally> {
    this.#tally = noTally();
    const jobs = await this.#store.batchJobs(this.#options.owner, this.#repo.machineLabel);
    const withoutLocks = await this.#findWithoutLocks(jobs);
    await this.#survive(() => this.#cancel(jobs, withoutLocks));
    await this.#survive(() => this.#follow(jobs, withoutLocks));
    const mayGoOn = await this.#survive(() => this.#heal());
    if (mayGoOn === true) await this.#survive(() => this.#submitMore());
    this.#problems = new Set(this.#tally.problems);
    return this.#tally;
  }

  /** What fails outside of the queue is told, and tried again the next time. */
  async #survive<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isAboutScheduler(error)) throw error;
      this.#tellProblem(messageOf(error));
      return undefined;
    }
  }

  #tell(event: BatchEvent): void {
    if (event.kind !== "problem") this.#tally[event.kind] += 1;
    this.#options.observe(event);
  }

  #tellProblem(message: string): void {
    const isNew = !this.#problems.has(message) && !this.#tally.problems.includes(message);
    this.#tally.problems.push(message);
    if (isNew) this.#tell({ kind: "problem", message });
  }

  /** Attempts that have lost a lock by force: they have lost the right to go on, too. */
  async #findWithoutLocks(jobs: readonly BatchJob[]): Promise<ReadonlySet<BatchJob>> {
    const locking = jobs.filter(({ task }) => task.spec.resources.length > 0);
    if (locking.length === 0) return new Set();
    const held = new Set((await this.#store.locks()).map(({ key, holder }) => `${holder} ${key}`));
    return new Set(
      locking.filter(({ task, token }) => task.spec.resources.some((key) => !held.has(`${token} ${key}`))),
    );
  }

  async #cancel(jobs: readonly BatchJob[], withoutLocks: ReadonlySet<BatchJob>): Promise<void> {
    const chosen = jobs.filter((job) => job.task.stop !== undefined || withoutLocks.has(job));
    if (chosen.length === 0) return;
    await this.#batch.cancel(chosen.map(({ schedulerJobId }) => schedulerJobId));
    for (const { task, schedulerJobId } of chosen) {
      if (this.#cancelled.has(schedulerJobId)) continue;
      this.#cancelled.add(schedulerJobId);
      this.#tell({ kind: "cancelled", jobId: task.id, schedulerJobId });
    }
  }

  async #follow(jobs: readonly BatchJob[], withoutLocks: ReadonlySet<BatchJob>): Promise<void> {
    if (jobs.length === 0) return;
    const asked = jobs.map(({ task, schedulerJobId }) => ({ schedulerJobId, jobId: task.id, attempt: task.attempt }));
    const { reports, isLasting } = await this.#batch.poll(asked);
    for (const job of jobs) {
      const report = reports.get(job.schedulerJobId);
      if (report === undefined) await this.#noteMissing(job, isLasting);
      else await this.#note(job, report, withoutLocks.has(job));
    }
  }

  async #note(job: BatchJob, report: JobReport, hasLostLock: boolean): Promise<void> {
    const { task, token, schedulerJobId, missingSince } = job;
    const { state, startedAtMs } = report;
    switch (state.kind) {
      case "pending":
        if (task.state === "running" || missingSince !== undefined) {
          await this.#store.noteJob(task.id, token, { kind: "pending" });
        }
        return;
      case "running": {
        if (task.state !== "submitted" && missingSince === undefined) return;
        const isOurs = await this.#store.noteJob(task.id, token, { kind: "running", startedAt: startedAtMs });
        if (isOurs && task.state === "submitted") this.#tell({ kind: "started", jobId: task.id, schedulerJobId });
        return;
      }
      case "unknown":
        this.#tellProblem(`job ${schedulerJobId} is ${state.word}, which decides nothing`);
        return;
      case "ended":
        await this.#noteEnd(job, { ...report, state }, hasLostLock);
    }
  }

  async #noteEnd(job: BatchJob, report: JobReport & { readonly state: EndedJob }, hasLostLock: boolean): Promise<void> {
    const { task, token, schedulerJobId } = job;
    const { state, startedAtMs: startedAt, endedAtMs: endedAt } = report;
    const traces = this.#batch.traces(task.id, task.attempt);
    if (traces.startedBy !== undefined && traces.startedBy !== schedulerJobId) {
      // Two jobs were submitted for the attempt, and the other one was faster.
      await this.#store.noteJob(task.id, token, { kind: "replaced", schedulerJobId: traces.startedBy });
      return;
    }
    const mayComeYet = state.how === "COMPLETED" || (state.how === "FAILED" && traces.startedBy !== undefined);
    const age = Math.abs((await this.#store.now()) - (endedAt ?? 0));
    if (traces.end === undefined && mayComeYet && age < RECORD_DELAY_MS) {
      await this.#store.noteJob(task.id, token, { kind: "finalizing" });
      return;
    }
    const { status, reason, exitCode, signal } = judgeJob(state, traces);
    const lost = { code: "lost", message: "its lock was taken away" } as const;
    const why = hasLostLock && state.how === "CANCELLED" ? lost : reason;
    await this.#finish(job, { state: status, reason: why, exitCode, signal, startedAt, endedAt });
  }

  async #noteMissing(job: BatchJob, isLasting: boolean): Promise<void> {
    const { task, token, missingSince, schedulerJobId } = job;
    const { end } = this.#batch.traces(task.id, task.attempt);
    const isLate = missingSince !== undefined && (await this.#store.now()) - missingSince > MISSING_MS;
    if (end !== undefined && (isLate || !isLasting)) {
      await this.#finish(job, { ...toResult(end), endedAt: end.endedAtMs });
    } else if (isLate) {
      const message = `SLURM has known nothing of job ${schedulerJobId} for ${MISSING_MS / 3_600_000} hours`;
      await this.#finish(job, { state: "failed", reason: { code: "scheduler_unknown", message } });
    } else if (missingSince === undefined) {
      await this.#store.noteJob(task.id, token, { kind: "missing" });
    }
  }

  async #finish({ task, token, schedulerJobId }: BatchJob, end: AttemptResult): Promise<void> {
    const result = await completeResult(this.#repo, this.#ports, task, end);
    const ended = await this.#store.finish(task.id, token, result, this.#options.jitter());
    if (ended === undefined) return;
    this.#tell({ kind: "ended", jobId: task.id, schedulerJobId, state: ended.state, reason: result.reason });
  }

  /** Takes up submissions of those who died, or got no answer. @returns whether more may be submitted now */
  async #heal(): Promise<boolean> {
    const { workerId, newToken, leaseMs, owner } = this.#options;
    let mayGoOn = true;
    for (const task of await this.#store.expired(undefined, MAX_EXPIRED)) {
      if (task.executor !== "slurm" || task.state !== "submitting" || task.owner !== owner) continue;
      if (task.lease === undefined || !(await this.#isOurs(task))) continue;
      const claim = await this.#store.adopt(task.id, task.lease.token, { workerId, token: newToken(), leaseMs });
      if (claim !== undefined && !(await this.#handOver(claim))) mayGoOn = false;
    }
    return mayGoOn;
  }

  /** Only the cluster that was asked knows its jobs. */
  async #isOurs({ id, attempt }: Task): Promise<boolean> {
    const current = (await this.#store.attempts(id)).find(({ n }) => n === attempt);
    return current?.machine === this.#repo.machineLabel;
  }

  async #submitMore(): Promise<void> {
    const { workerId, owner, lanes, ids, leaseMs, newToken } = this.#options;
    const problem = await this.#batch.whyDown();
    if (problem !== undefined) return this.#tellProblem(`nothing is submitted: ${problem}`);
    for (let n = 0; n < MAX_SUBMISSIONS; n += 1) {
      const claim = await this.#store.claim({
        workerId,
        owner,
        machine: this.#repo.machineLabel,
        executors: ["slurm"],
        filter: { mode: "any" },
        leaseMs,
        token: newToken(),
        ...(lanes === undefined ? {} : { lanes }),
        ...(ids === undefined ? {} : { ids }),
      });
      if (claim === undefined || !(await this.#handOver(claim))) return;
    }
  }

  /** Sees to it that an attempt has its job. @returns false when SLURM gave no clear answer, and asking more is no use now */
  async #handOver(claim: Claim): Promise<boolean> {
    const { task, lease } = claim;
    try {
      const spec = await this.#toSpec(claim);
      if ("state" in spec) {
        // What it would read has changed; an attempt that was submitted before may have read it earlier.
        if (!(await this.#adoptJob(claim))) await this.#end(claim, spec);
        return true;
      }
      const isNew = await this.#batch.prepare(spec);
      if (!isNew && (await this.#adoptJob(claim))) return true;
      if ((await this.#store.task(task.id))?.stop !== undefined) {
        await this.#end(claim, { state: "stopped", reason: undefined });
        return true;
      }
      const outcome = await this.#batch.submit(spec);
      switch (outcome.kind) {
        case "submitted":
          await this.#noteSubmitted(claim, outcome.schedulerJobId, false);
          return true;
        case "refused":
          await this.#end(claim, failedToStart(`sbatch refused it: ${outcome.problem}`));
          return true;
        case "unclear":
          this.#tellProblem(`run ${task.id.slice(0, 8)} is not submitted yet: ${outcome.problem}`);
      }
    } catch (error) {
      if (!isAboutScheduler(error)) {
        await this.#end(claim, failedToStart(messageOf(error)));
        return true;
      }
      this.#tellProblem(messageOf(error));
    }
    // Whoever comes next looks for its job by name, before anything is submitted again.
    await this.#store.renew(this.#options.workerId, [lease.token], 0);
    return false;
  }

  /**
   * Finds the job of an attempt that may have been submitted before. Of several one is kept. An attempt that has begun
   * is never submitted again, even when its job is forgotten: what became of it counts.
   */
  async #adoptJob(claim: Claim): Promise<boolean> {
    const { id, attempt, createdAt } = claim.task;
    const found = await this.#batch.find(id, attempt, createdAt - DAY_MS);
    const { startedBy, end } = this.#batch.traces(id, attempt);
    if (found.length === 0 && end !== undefined && startedBy !== undefined) {
      await this.#noteSubmitted(claim, startedBy, true);
      await this.#end(claim, { ...toResult(end), endedAt: end.endedAtMs });
      return true;
    }
    const kept = startedBy ?? found.at(-1);
    if (kept === undefined) return false;
    const extra = found.filter((schedulerJobId) => schedulerJobId !== kept);
    if (extra.length > 0) await this.#batch.cancel(extra);
    await this.#noteSubmitted(claim, kept, true);
    return true;
  }

  async #noteSubmitted({ task, lease }: Claim, schedulerJobId: string, isFound: boolean): Promise<void> {
    if (await this.#store.submitted(task.id, lease.token, schedulerJobId)) {
      this.#tell({ kind: "submitted", jobId: task.id, schedulerJobId, isFound });
      return;
    }
    // We were too slow. Whoever took over may have found this job; if it has made another one, ours is too many.
    const attempts = await this.#store.attempts(task.id);
    const other = attempts.find(({ n }) => n === task.attempt)?.schedulerJobId;
    const { startedBy } = this.#batch.traces(task.id, task.attempt);
    if (other !== undefined && other !== schedulerJobId && startedBy !== schedulerJobId) {
      await this.#batch.cancel([schedulerJobId]);
    }
  }

  async #end({ task, lease }: Claim, end: AttemptResult): Promise<void> {
    const result = await completeResult(this.#repo, this.#ports, task, end);
    const ended = await this.#store.finish(task.id, lease.token, result, this.#options.jitter());
    if (ended === undefined) return;
    const { reason } = result;
    this.#tell({ kind: "ended", jobId: task.id, schedulerJobId: undefined, state: ended.state, reason });
  }

  /** @returns its end, when it is a stage that cannot begin any more */
  async #toSpec(claim: Claim): Promise<BatchSpec | AttemptResult> {
    const { task } = claim;
    const { timeoutMs, graceMs } = task.spec;
    const program = await prepareTask(this.#repo, this.#ports, task);
    if ("state" in program) return program;
    return {
      jobId: task.id,
      attempt: task.attempt,
      ...program,
      codePatch: isCodePinned(task) ? undefined : (await this.#code.now()).patch,
      timeoutMs,
      heartbeatMs: this.#options.heartbeatMs,
      graceMs,
      env: { ...program.env, ...describeTask(claim) },
      compute: task.spec.compute ?? (await this.#defaults()),
    };
  }

  /** For what was queued before its lane became a scheduler's. */
  async #defaults(): Promise<ComputeRequest> {
    return (await this.#repo.readConfig()).slurm;
  }
}

function noTally() {
  return { submitted: 0, started: 0, cancelled: 0, ended: 0, problems: [] };
}

function failedToStart(message: string): AttemptResult {
  return { state: "failed", reason: { code: "spawn_error", message } };
}

function isAboutScheduler(error: unknown): boolean {
  return error instanceof Error && "code" in error && (error.code === "slurm.failed" || error.code === "slurm.missing");
}
