import type { JobId } from "../run/job-id.ts";
import type { EventKind } from "./event-kinds.ts";
import type { Lane, LanePatch, LaneSection } from "./lane.ts";
import type { KindFilter } from "./pool.ts";
import type { PortableRun } from "./portable-run.ts";
import type { NewOutput } from "./run-output.ts";
import type { AliasStore, PolicyStore, StageStore } from "./stage-store.ts";
import type { ExecutorKind, Lease, StopMode, Task, TaskReason, TaskSpec, TaskState, TerminalState } from "./task.ts";

/** A run that is to be queued. */
export interface NewTask {
  readonly id: JobId;
  readonly experimentId: string | undefined;
  readonly spec: TaskSpec;
  readonly caller: string;
  readonly owner: string;
  readonly machine: string;
  readonly target?: string;
  /** With it, the first attempt may be made on any machine that has this commit, or else only where it is submitted. */
  readonly commit?: string;
  /** Goes with `commit`. */
  readonly portable?: PortableRun;
  readonly executor: ExecutorKind;
  /** Number of the last attempt that the run's document knows of, so that the next one follows it; 0, when absent. */
  readonly lastAttempt?: number;
  /** Its document says already that it is queued. */
  readonly isMarked?: boolean;
  /** Whether it is executed again on purpose although the store knows that it succeeded. */
  readonly force?: boolean;
}

export type GroupKind = "sweep" | "batch" | "pipeline";

/** Runs that were submitted together. */
export interface Group {
  readonly id: string;
  readonly kind: GroupKind;
  readonly name: string;
  readonly state: "active" | "complete" | "failed" | "stopped";
  /** Counts how often it was opened; it ends once in each epoch. */
  readonly epoch: number;
  readonly caller: string;
  readonly createdAt: number;
  readonly endedAt: number | undefined;
}

export interface NewGroup {
  readonly id: string;
  readonly kind: GroupKind;
  readonly name: string;
  readonly caller: string;
}

/** Who wants work, and of what kind. */
export interface ClaimRequest {
  readonly workerId: string;
  readonly owner: string;
  readonly machine: string;
  readonly executors: readonly ExecutorKind[];
  readonly filter: KindFilter;
  /** Lanes that are served; all, when absent. */
  readonly lanes?: readonly string[];
  /** Only these tasks; for `run-one` and for batch scripts. */
  readonly ids?: readonly JobId[];
  /** The commits that can be executed here, of those that {@link QueueStore.wantedCommits} gave; none, when absent. */
  readonly commits?: readonly string[];
  readonly leaseMs: number;
  /** Names this attempt; random, never used before. */
  readonly token: string;
}

/** A task that was taken for execution, with what it holds. */
export interface Claim {
  readonly task: Task;
  readonly lease: Lease;
  /** A rising number for each resource key that it holds. */
  readonly fences: Readonly<Record<string, number>>;
}

/** What a worker learns when it renews its leases. */
export interface Renewal {
  readonly expiresAt: number;
  /** Leases that are its own no more; their children must be killed and their results thrown away. */
  readonly lost: readonly string[];
  /** Tasks that somebody asked to stop. */
  readonly stops: readonly { readonly id: JobId; readonly token: string; readonly mode: StopMode }[];
}

/** How an attempt ended. */
export interface AttemptResult {
  readonly state: TerminalState;
  readonly reason: TaskReason | undefined;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  /** When it began and ended, where somebody else knows better than the store's clock; never in the future. */
  readonly startedAt?: number | undefined;
  readonly endedAt?: number | undefined;
  /** Its program; it is recorded with the end, unless it was before. */
  readonly process?: AttemptProcess | undefined;
  /**
   * What it wrote, all of it, when it is complete: it replaces what was registered of the run before. A stage without them
   * is no hit for others and has nothing to share; one that declared none has an empty list.
   */
  readonly outputs?: readonly NewOutput[] | undefined;
}

/** A process, told from a later one with the same number by its start and the boot of its machine. */
export interface AttemptProcess {
  readonly pid: number;
  readonly startFingerprint: string | undefined;
  readonly bootId: string | undefined;
}

/** One execution of a task. */
export interface Attempt extends Partial<AttemptProcess> {
  readonly n: number;
  readonly token: string;
  readonly workerId: string;
  readonly machine: string;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  readonly outcome: TerminalState | "released" | undefined;
  readonly reason: TaskReason | undefined;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** Whether it counts against the retry policy. */
  readonly isCounted: boolean;
  /** The number of its job, where a scheduler executes it. */
  readonly schedulerJobId?: string;
}

/** An attempt that a scheduler has. It has no lease: what ends it is what the scheduler says about its job. */
export interface BatchJob {
  readonly task: Task;
  /** Names the attempt, as a lease token does. */
  readonly token: string;
  readonly schedulerJobId: string;
  /** Since when the scheduler says that there is no such job. */
  readonly missingSince: number | undefined;
}

/** What a scheduler says about a job that has not ended, or about one whose end is being gathered. */
export type JobNote =
  | { readonly kind: "pending" }
  | { readonly kind: "running"; readonly startedAt: number | undefined }
  | { readonly kind: "finalizing" }
  | { readonly kind: "missing" }
  /** Another job executes the attempt than the one that was noted. */
  | { readonly kind: "replaced"; readonly schedulerJobId: string };

/** An exclusive right on a key that expires. */
export interface ResourceLock {
  readonly key: string;
  /** A lease token, or a random name of an outsider. */
  readonly holder: string;
  readonly holderKind: "run" | "cli";
  readonly runId: JobId | undefined;
  readonly fence: number;
  readonly acquiredAt: number;
  readonly expiresAt: number;
  /** Who and where, for messages. */
  readonly note: string;
}

export type LockOutcome =
  | { readonly kind: "held"; readonly fence: number; readonly expiresAt: number }
  | { readonly kind: "busy"; readonly by: ResourceLock };

/** A worker that reported, with the process by which others on its machine see whether it lives. */
export interface WorkerInfo extends AttemptProcess {
  readonly id: string;
  readonly machine: string;
  readonly pools: string;
  readonly state: "up" | "draining";
  /** The commit that its work tree has, without any change. */
  readonly commit?: string;
  /** Whether it executes runs of any commit that it can get. */
  readonly canCheckout?: boolean;
  readonly startedAt: number;
  readonly beatAt: number;
}

/** Something that happened, in order. */
export interface QueueEvent {
  readonly id: number;
  readonly at: number;
  readonly kind: EventKind;
  readonly runId: JobId | undefined;
  readonly groupId: string | undefined;
  readonly data: Readonly<Record<string, string | number | boolean | null>>;
}

/** A side effect that must happen at least once after its transaction. */
export interface OutboxItem {
  readonly id: number;
  readonly topic: "mark" | "event";
  /** Two items of one dedupe key are one. */
  readonly dedupe: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly tries: number;
}

/** Which tasks are meant. What is absent does not restrict. */
export interface TaskQuery {
  readonly states?: readonly TaskState[];
  readonly groupId?: string;
  readonly experimentId?: string;
  readonly tag?: string;
  readonly lane?: string;
  readonly ids?: readonly JobId[];
  readonly limit?: number;
}

/**
 * The rows that are the queue. Every method is one transaction; none but `waitForChange` waits for anything but the database. Of the
 * methods that change a claimed task, each is gated by its lease token: `false` says that the lease is somebody else's
 * by now, and nothing was changed. Where a scheduler has the attempt there is no lease, and its token is the gate. A terminal change also satisfies or breaks the edges to dependents, ends its group
 * when it was the last, frees its locks, and puts a `mark` and an `event` into the outbox, all in that transaction.
 */
export interface QueueStore extends StageStore, AliasStore, PolicyStore, AsyncDisposable {
  /** The store's clock, in milliseconds. */
  now(): Promise<number>;
  /**
   * Waits until another process may have made something possible since the last call (work to claim, a request to
   * stop), at most for so long, and not after the signal. It may come back without a cause.
   *
   * @returns whether there may be such a change; not, when the time was over or the signal was given
   */
  waitForChange(timeoutMs: number, signal?: AbortSignal): Promise<boolean>;

  // Lanes
  lanes(): Promise<readonly Lane[]>;
  setLane(name: string, patch: LanePatch): Promise<Lane>;
  /**
   * Takes over what a project's configuration says about its lanes: lanes that are not there are made, and of each the
   * values change about which the section says something new since the last call. Lanes without a section stay.
   */
  declareLanes(sections: Readonly<Record<string, LaneSection>>): Promise<void>;

  // Submission
  /**
   * Stores a group with its tasks, needs and resources. Needs may name tasks of the same call, in any order, and tasks
   * that are there; satisfied ones count at once, and what can never start is skipped at once. A group that is there
   * already is added to; one that had ended is opened again. A task that had ended begins a new life with the new spec.
   * @throws {AexpError} `queue.unknown_need`, `queue.duplicate_task`, `queue.cycle`, `queue.empty_group`,
   *   `queue.unknown_lane`
   */
  submit(group: NewGroup, tasks: readonly NewTask[]): Promise<readonly Task[]>;

  // Reading
  task(id: JobId): Promise<Task | undefined>;
  tasks(query: TaskQuery): Promise<readonly Task[]>;
  /** How many tasks of each lane are in each state. */
  counts(): Promise<
    readonly { readonly lane: string; readonly state: TaskState; readonly count: number; readonly oldest: number }[]
  >;
  attempts(id: JobId): Promise<readonly Attempt[]>;
  needs(id: JobId): Promise<readonly { readonly run: JobId; readonly condition: string; readonly state: TaskState }[]>;
  dependents(id: JobId): Promise<readonly JobId[]>;
  group(id: string): Promise<Group | undefined>;
  /** Events after a number, oldest first. */
  events(after: number, limit: number): Promise<readonly QueueEvent[]>;
  locks(): Promise<readonly ResourceLock[]>;
  workers(): Promise<readonly WorkerInfo[]>;
  /** The commits of queued tasks that were submitted on other machines than this one, and not executed yet. */
  wantedCommits(machine: string): Promise<readonly string[]>;
  /** The machines that ever submitted or executed something, or have a worker now, by name. */
  machines(): Promise<readonly string[]>;

  // Execution
  /**
   * Takes the next eligible task; `undefined` when there is none. One with a commit that goes to another machine than
   * that of its submission belongs there from then on: that becomes its target.
   */
  claim(request: ClaimRequest): Promise<Claim | undefined>;
  /**
   * Notes on the task that this request would claim why it is not claimed. It stays queued.
   *
   * @returns that task; `undefined` when there is none
   */
  holdBack(request: ClaimRequest, reason: TaskReason): Promise<JobId | undefined>;
  /** Notes the process of an attempt, before its command starts. */
  recordProcess(id: JobId, token: string, process: AttemptProcess): Promise<boolean>;
  /** Prolongs all leases and locks of a worker, and says which are lost and which tasks are to stop. */
  renew(workerId: string, tokens: readonly string[], leaseMs: number): Promise<Renewal>;
  /** The command has ended, and what it left is being gathered. */
  finalize(id: JobId, token: string): Promise<boolean>;
  /**
   * Ends an attempt. By the retry policy a failure leads back to `queued` with a pause instead of to the end;
   * `jitter` (0 to 1) spreads the pauses.
   */
  finish(
    id: JobId,
    token: string,
    result: AttemptResult,
    jitter: number,
  ): Promise<{ readonly state: TaskState } | undefined>;
  /** Gives a task back unfinished: the attempt does not count. */
  release(id: JobId, token: string): Promise<boolean>;
  /** Tasks whose lease has expired, but for those of one worker. */
  expired(exceptWorker: string | undefined, limit: number): Promise<readonly Task[]>;
  /** Settles a task whose lease expired, once its processes are known to be dead: by the lane `queued` again, or failed as lost. */
  settleLost(id: JobId, token: string, jitter: number): Promise<{ readonly state: TaskState } | undefined>;
  /** Takes over the lease of an attempt that still runs, under the same attempt number. */
  adopt(
    id: JobId,
    token: string,
    by: { readonly workerId: string; readonly token: string; readonly leaseMs: number },
  ): Promise<Claim | undefined>;

  // Jobs of a scheduler
  /** A scheduler has taken a claimed task: it is `submitted`. Its lease ends here; its locks stay until it ends. */
  submitted(id: JobId, token: string, schedulerJobId: string): Promise<boolean>;
  /** The attempts of this user that a scheduler has and that were submitted on this machine, in order of submission. */
  batchJobs(owner: string, machine: string): Promise<readonly BatchJob[]>;
  /** Takes over what a scheduler says about the job of an attempt. */
  noteJob(id: JobId, token: string, note: JobNote): Promise<boolean>;

  // Operators
  /** Pending tasks become `abandoned` at once, active ones are asked to stop; ended ones stay. */
  requestStop(
    ids: readonly JobId[],
    mode: StopMode,
    reason: TaskReason,
  ): Promise<readonly { readonly id: JobId; readonly outcome: "abandoned" | "requested" | "ended" }[]>;
  /**
   * Queues ended tasks again, with what they skipped; edges stay, satisfied ones count. A group that had ended is opened
   * again. A stage has to be resolved again.
   */
  retry(ids: readonly JobId[]): Promise<readonly Task[]>;
  /** Deletes ended tasks that are older than their lane keeps them, never what something kept refers to. */
  purge(options: { readonly dryRun: boolean; readonly before?: number }): Promise<readonly JobId[]>;
  /** A frozen order of tasks under a name; made at the first call that names any, and the same ever after. */
  freeze(name: string, ids: readonly JobId[]): Promise<readonly JobId[]>;

  // Locks of outsiders
  acquireLock(key: string, holder: string, ttlMs: number, note: string): Promise<LockOutcome>;
  renewLock(key: string, holder: string, ttlMs: number): Promise<boolean>;
  releaseLock(key: string, holder: string): Promise<boolean>;
  /** Takes a lock away from its holder, and notes who it was. */
  breakLock(key: string): Promise<ResourceLock | undefined>;

  // Workers
  reportWorker(worker: Omit<WorkerInfo, "beatAt">): Promise<void>;
  removeWorker(id: string): Promise<void>;
  /** Adds what waiting has earned to the priorities of queued tasks. */
  age(): Promise<number>;

  // Outbox
  /**
   * Items that are due, oldest first, of one topic or of all; those taken are hidden from others for `hideMs`. The events
   * of one run come in order; a mark does not wait for earlier ones. A machine is only given what can be done there: a
   * mark is for the one that has the run's folder.
   */
  takeOutbox(
    limit: number,
    hideMs: number,
    topic?: OutboxItem["topic"],
    machine?: string,
  ): Promise<readonly OutboxItem[]>;
  outboxDone(ids: number | readonly number[]): Promise<void>;
  /** Tries again later; after ten tries the item is dead and only counted. */
  outboxFailed(id: number, problem: string): Promise<void>;
  /** Dead items are tried again, as if they were new. @returns how many */
  reviveOutbox(): Promise<number>;
  outboxCounts(): Promise<{ readonly pending: number; readonly dead: number }>;
}
