import type { ComputeRequest } from "./compute-request.ts";
import type { PortableRun } from "./portable-run.ts";
import type { JobId } from "../run/job-id.ts";
import type { JsonValue } from "../model/json.ts";
import type { ReasonCode, RunStatus } from "../run/run-status.ts";
import type { StageSpec } from "./stage.ts";

/** Where the dispatch of a run stands. The last six are terminal. */
export const TASK_STATES = [
  "created",
  "blocked",
  "queued",
  "submitting",
  "submitted",
  "running",
  "finalizing",
  "complete",
  "cached",
  "failed",
  "stopped",
  "abandoned",
  "skipped",
] as const;
export type TaskState = (typeof TASK_STATES)[number];

/** Under way: they count against the limits of their lane. */
export const ACTIVE_STATES = [
  "submitting",
  "submitted",
  "running",
  "finalizing",
] as const satisfies readonly TaskState[];

/** Before the first or next attempt: nothing is executed. */
export const PENDING_STATES = ["created", "blocked", "queued"] as const satisfies readonly TaskState[];

/** Ended, until a retry opens a new life. */
export const TERMINAL_STATES = [
  "complete",
  "cached",
  "failed",
  "stopped",
  "abandoned",
  "skipped",
] as const satisfies readonly TaskState[];
export type TerminalState = (typeof TERMINAL_STATES)[number];

export function isTerminalState(state: TaskState): state is TerminalState {
  return TERMINAL_STATES.some((terminal) => terminal === state);
}

/**
 * The legal next states, which the database enforces as well. From a terminal state only `retry` leads back, and it
 * opens a new life of the row instead of following an edge.
 */
export const TASK_EDGES: Readonly<Record<TaskState, readonly TaskState[]>> = {
  created: ["blocked", "queued", "running", "cached", "skipped", "abandoned", "failed"],
  blocked: ["queued", "cached", "skipped", "abandoned"],
  queued: ["running", "submitting", "blocked", "cached", "skipped", "abandoned", "failed"],
  submitting: ["submitted", "queued", "failed", "stopped"],
  submitted: ["running", "finalizing", "queued", "failed", "stopped"],
  running: ["submitted", "finalizing", "queued", "complete", "failed", "stopped"],
  finalizing: ["queued", "complete", "failed", "stopped"],
  complete: [],
  cached: [],
  failed: ["queued", "blocked"],
  stopped: ["queued", "blocked"],
  abandoned: ["queued", "blocked"],
  skipped: ["queued", "blocked"],
};

/** The status that a run's document shows for a task. */
export function toRunStatus(state: TaskState): RunStatus {
  switch (state) {
    case "blocked":
    case "submitting":
    case "submitted":
      return "queued";
    case "finalizing":
      return "running";
    case "cached":
      return "complete";
    case "skipped":
      return "abandoned";
    case "created":
    case "queued":
    case "running":
    case "complete":
    case "failed":
    case "stopped":
    case "abandoned":
      return state;
  }
}

/** Why a task is in its state. */
export interface TaskReason {
  readonly code: ReasonCode;
  readonly message: string;
  readonly because?: JobId;
}

/** When an edge of the graph is satisfied: by success only, or by any end. */
export type NeedCondition = "success" | "ended";

/** A run that has to end before. */
export interface Need {
  readonly run: JobId;
  readonly condition: NeedCondition;
}

/** How failed attempts are repeated. */
export interface RetryPolicy {
  /** All attempts together, crashes included; 1 is no retry. */
  readonly maxAttempts: number;
  readonly on: readonly ReasonCode[];
  /** The first pause; each further one is twice as long, up to the cap. */
  readonly baseMs: number;
  readonly capMs: number;
}

/** A single attempt; the rest holds once more are asked for. */
export const DEFAULT_RETRY: RetryPolicy = {
  maxAttempts: 1,
  on: ["exit_nonzero", "lost", "timeout"],
  baseMs: 10_000,
  capMs: 600_000,
};

/** Everything that was decided when a run was queued. It never changes, and its document holds it as well. */
export interface TaskSpec {
  /** A line for `sh`, with every placeholder filled in and quoted, or program and arguments without a shell. */
  readonly command: string | readonly string[];
  /** Relative to the repository root. */
  readonly cwd: string;
  readonly lane: string;
  readonly kind: string;
  readonly priority: number;
  readonly needs: readonly Need[];
  /** Canonical keys of resource locks. */
  readonly resources: readonly string[];
  readonly retry: RetryPolicy;
  readonly timeoutMs?: number;
  /** Between TERM and KILL. */
  readonly graceMs: number;
  readonly name?: string;
  readonly tag?: string;
  /** What a scheduler is to reserve for it. */
  readonly compute?: ComputeRequest;
  /** What makes it a stage of a pipeline. */
  readonly stage?: StageSpec;
}

export const EXECUTOR_KINDS = ["local", "slurm"] as const;
/** What starts the attempts of a task: a worker on its own machine, or a batch scheduler. */
export type ExecutorKind = (typeof EXECUTOR_KINDS)[number];

/** A queued run as the coordination store knows it. Times are milliseconds of the store's clock. */
export interface Task {
  readonly id: JobId;
  /** Order of submission. */
  readonly seq: number;
  readonly groupId: string;
  readonly experimentId: string | undefined;
  readonly spec: TaskSpec;
  readonly state: TaskState;
  readonly reason: TaskReason | undefined;
  /** Who submitted it, for fair shares. */
  readonly caller: string;
  /** The operating system's user that may execute it. */
  readonly owner: string;
  /** Where it was submitted. */
  readonly machine: string;
  /** The only machine that may execute it; any, when absent. */
  readonly target: string | undefined;
  /** The commit that other machines must have to execute it; absent where its machine is the only one that matters. */
  readonly commit?: string;
  /** What other machines need to execute it. */
  readonly portable?: PortableRun;
  readonly executor: ExecutorKind;
  /** The spec's priority, and what waiting has added to it. */
  readonly effectivePriority: number;
  readonly notBefore: number;
  readonly stop: { readonly at: number; readonly mode: StopMode } | undefined;
  /** Number of the current or last attempt; 0 before the first. */
  readonly attempt: number;
  /** Attempts that count against the retry policy. */
  readonly failures: number;
  readonly lease: Lease | undefined;
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly createdAt: number;
  readonly queuedAt: number | undefined;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** It is a stage that waits, for its needs or for a worker that looks for its result. */
  readonly isUnresolved: boolean;
  /** What is the same for equal work, once it is resolved. */
  readonly cacheKey: string | undefined;
  /** The run that computes the same, whose end it waits for. */
  readonly follows: JobId | undefined;
  /** The run that computed its result, when it is cached. */
  readonly cachedFrom: JobId | undefined;
  /** What its inputs are, as it was resolved. */
  readonly inputs: JsonValue | undefined;
}

/** The expiring right of one worker to execute a task. */
export interface Lease {
  readonly token: string;
  readonly workerId: string;
  readonly expiresAt: number;
}

/** How hard a stop is meant: TERM and, after the grace, KILL; or KILL at once. */
export type StopMode = "graceful" | "kill";
