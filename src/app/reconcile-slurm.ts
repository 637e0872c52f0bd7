import type { AttemptName, BatchExecutor, JobReport } from "../executor/batch-executor.ts";
import { type EndedJob, judgeJob } from "../executor/judge-job.ts";
import { indexOf } from "../executor/scheduler-id.ts";
import type { WorkTrees } from "../git/work-trees.ts";
import { parseInstant } from "../model/clock.ts";
import { messageOf } from "../model/errors.ts";
import type { AttemptResult, BatchJob, QueueStore } from "../queue/queue-store.ts";
import { ACTIVE_STATES, type Task, type TaskReason } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import type { BatchEvent, BatchTally } from "./batch-events.ts";
import { BatchReport, isPassing } from "./batch-report.ts";
import { completeResult } from "./complete-result.ts";
import { toResult } from "./find-attempt.ts";
import { registerItems } from "./register-items.ts";
import type { Repo } from "./repo.ts";
import type { StagePorts } from "./stage-ports.ts";
import { JobSubmitter } from "./submit-jobs.ts";

/** What is between the queue and a batch scheduler. */
export interface BatchPorts extends StagePorts {
  readonly batch: BatchExecutor;
  /** Work trees of single commits, where runs are executed in such. */
  readonly workTrees?: WorkTrees | undefined;
}

/** Who looks after the scheduler's jobs, and how. */
export interface ReconcileOptions {
  readonly workerId: string;
  /** The operating system's user, whose jobs they are. */
  readonly owner: string;
  /** The lanes that are submitted from; all, when absent. */
  readonly lanes?: readonly string[] | undefined;
  /** Only these tasks are submitted, when present. */
  readonly ids?: readonly JobId[] | undefined;
  /** The commits of other machines' runs that can be executed here; none, when absent. */
  readonly commits?: (() => Promise<readonly string[]>) | undefined;
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
/** A job that the scheduler does not know for so long does not come back. */
const GONE_MS = 60_000;
/** A job that it does not know and that is silent for so long does not run. */
const SILENCE_MS = 600_000;
/** So long after the end of a job its record may still be on its way through a shared file system. */
const RECORD_DELAY_MS = 30_000;

/**
 * Keeps queue and scheduler in agreement: submits what is to be submitted, follows what has been, and cancels what is to
 * stop. Nothing is decided here by hope: a state changes when the scheduler says so, and what could not be asked stays
 * as it is. Several processes may do this at once, and any of them may be killed.
 */
export class SlurmReconciler {
  readonly #repo: Repo;
  readonly #store: QueueStore;
  readonly #batch: BatchExecutor;
  readonly #ports: BatchPorts;
  readonly #options: ReconcileOptions;
  readonly #report: BatchReport;
  readonly #submitter: JobSubmitter;
  /** What was told already, so that it is told once. */
  readonly #cancelled = new Set<string>();

  constructor(repo: Repo, ports: BatchPorts, options: ReconcileOptions) {
    this.#repo = repo;
    this.#ports = ports;
    this.#store = ports.store;
    this.#batch = ports.batch;
    this.#options = options;
    this.#report = new BatchReport(options.observe);
    this.#submitter = new JobSubmitter(repo, ports, options, this.#report);
  }

  /** Looks at everything once. @throws {AexpError} what the queue's store throws; what SLURM refuses is told */
  async tick(): Promise<BatchTally> {
    const { jobs, withoutLocks } = await this.#begin();
    await this.#survive(() => this.#follow(jobs, withoutLocks));
    await this.#submit();
    if (this.#report.tally.ended > 0) await this.#survive(() => this.#batch.forgetArrays(() => this.#readActive()));
    return this.#report.tally;
  }

  /**
   * Does what the queue asks for, and leaves SLURM in peace otherwise: cancels, submits, and registers what jobs have
   * recorded so far.
   *
   * @throws as {@link tick}
   */
  async obey(): Promise<BatchTally> {
    await this.#begin();
    await this.#submit();
    return this.#report.tally;
  }

  async #begin() {
    this.#report.begin();
    const jobs = await this.#store.batchJobs(this.#options.owner, this.#repo.machineLabel);
    const withoutLocks = await this.#findWithoutLocks(jobs);
    await this.#survive(() => this.#cancel(jobs, withoutLocks));
    await registerItems(this.#repo, this.#ports, jobs);
    return { jobs, withoutLocks };
  }

  async #submit(): Promise<void> {
    const mayGoOn = await this.#survive(() => this.#submitter.heal());
    if (mayGoOn === true) await this.#survive(() => this.#submitter.submitMore());
  }

  async #readActive(): Promise<readonly AttemptName[]> {
    const tasks = await this.#store.tasks({ states: ACTIVE_STATES });
    return tasks.map(({ id, attempt }) => ({ jobId: id, attempt }));
  }

  /** What fails outside of the queue is told, and tried again the next time. */
  async #survive<T>(work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work();
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#report.problem(messageOf(error));
      return undefined;
    }
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
      this.#report.tell({ kind: "cancelled", jobId: task.id, schedulerJobId });
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
        if (isOurs && task.state === "submitted")
          this.#report.tell({ kind: "started", jobId: task.id, schedulerJobId });
        return;
      }
      case "gone":
        await this.#noteGone(job);
        return;
      case "unknown":
        this.#report.problem(`job ${schedulerJobId} is ${state.word}, which decides nothing`);
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

  /**
   * The scheduler has forgotten the job, and says nothing of its end. What is on record counts; a job that has not begun
   * never will; and one that gives no sign of life any more is lost.
   */
  async #noteGone(job: BatchJob): Promise<void> {
    const { task, missingSince } = job;
    const now = await this.#store.now();
    const goneMs = missingSince === undefined ? 0 : now - missingSince;
    const { end } = this.#batch.traces(task.id, task.attempt);
    if (end !== undefined && goneMs > GONE_MS) {
      await this.#finish(job, { ...toResult(end), endedAt: end.endedAtMs });
    } else if ((task.stop !== undefined || goneMs > GONE_MS) && this.#batch.giveUp(task.id, task.attempt)) {
      await this.#finish(job, { state: "failed", reason: reasonOfGone(job) });
    } else if (goneMs > SILENCE_MS && now - this.#lastSignOfLife(task) > SILENCE_MS) {
      const message = "SLURM has lost its job, which gave no sign of life any more";
      await this.#finish(job, { state: "failed", reason: { code: "lost", message } });
    } else {
      await this.#noteMissing(job, true);
    }
  }

  #lastSignOfLife({ id, attempt }: Task): number {
    const heartbeat = this.#repo.attempts.heartbeat(id, attempt);
    return heartbeat === undefined ? 0 : (parseInstant(heartbeat.at) ?? 0);
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
    this.#report.tell({ kind: "ended", jobId: task.id, schedulerJobId, state: ended.state, reason: result.reason });
  }
}

/** Elements of arrays that are cancelled while they wait leave no record; other jobs do. */
function reasonOfGone({ schedulerJobId }: BatchJob): TaskReason {
  return indexOf(schedulerJobId) === undefined
    ? { code: "lost", message: "SLURM has lost its job before it began" }
    : { code: "signal", message: "cancelled in SLURM before it began" };
}
