import { parseJobId, type JobId } from "../run/job-id.ts";
import { REASON_CODES } from "../run/run-status.ts";
import { EVENT_KINDS } from "./event-kinds.ts";
import type { Lane } from "./lane.ts";
import type { Attempt, Group, OutboxItem, QueueEvent, ResourceLock, WorkerInfo } from "./queue-store.ts";
import { EXECUTOR_KINDS, TASK_STATES, TERMINAL_STATES, type Lease, type Task, type TaskReason } from "./task.ts";
import { parsePortableRun } from "./portable-run.ts";
import { isUnresolved } from "./stage.ts";
import { parseTaskSpec } from "./task-spec.ts";
import {
  flag,
  integer,
  jsonObject,
  optionalInteger,
  optionalJson,
  optionalText,
  optionalWord,
  type Row,
  text,
  word,
} from "./rows.ts";

/** A task with what only the store itself needs. */
export interface StoredTask extends Task {
  /** Counts how often it was opened again after its end. */
  readonly life: number;
  /** Why it is asked to stop. */
  readonly stopReason: TaskReason | undefined;
  /** It waits only for a worker that looks for its result. */
  readonly isResolvable: boolean;
  /** It computes its key for all others who want the same. */
  readonly isLeader: boolean;
}

/** A task from its row. @throws {AexpError} as all readers here: `queue.database_damaged`, `queue.spec_invalid` */
export function readTask(row: Row): Task {
  const id = readJobId(row, "id");
  const stopAt = optionalInteger(row, "stop_at");
  const spec = parseTaskSpec(jsonObject(row, "spec"), `The queue's task ${id}`);
  const state = word(row, "state", TASK_STATES);
  const follows = readOptionalJobId(row, "follows");
  return {
    id,
    seq: integer(row, "seq"),
    groupId: text(row, "group_id"),
    experimentId: optionalText(row, "experiment_id"),
    spec,
    state,
    reason: readReason(row, "reason_code", "reason_message", optionalText(row, "because")),
    caller: text(row, "caller"),
    owner: text(row, "owner"),
    machine: text(row, "machine"),
    target: optionalText(row, "target"),
    ...readPortable(row, `The queue's task ${id}`),
    executor: word(row, "executor", EXECUTOR_KINDS),
    effectivePriority: integer(row, "eff_priority"),
    notBefore: integer(row, "not_before"),
    stop: stopAt === undefined ? undefined : { at: stopAt, mode: word(row, "stop_mode", ["graceful", "kill"]) },
    attempt: integer(row, "attempt"),
    failures: integer(row, "failures"),
    lease: readLease(row),
    exitCode: optionalInteger(row, "exit_code"),
    signal: optionalText(row, "signal"),
    createdAt: integer(row, "created_at"),
    queuedAt: optionalInteger(row, "queued_at"),
    startedAt: optionalInteger(row, "started_at"),
    endedAt: optionalInteger(row, "ended_at"),
    isUnresolved: isUnresolved({ spec, state, follows }),
    cacheKey: optionalText(row, "cache_key"),
    follows,
    cachedFrom: readOptionalJobId(row, "cached_from"),
    inputs: optionalJson(row, "resolved_inputs"),
  };
}

/** As {@link readTask}, with what only the store needs. The columns are those of `stored-columns.ts`. */
export function readStoredTask(row: Row): StoredTask {
  return {
    ...readTask(row),
    life: integer(row, "life"),
    stopReason: readReason(row, "stop_code", "stop_message", undefined),
    isResolvable: flag(row, "resolvable"),
    isLeader: flag(row, "is_leader"),
  };
}

/** The task as others may see it. */
export function withoutPrivate({
  life: _life,
  stopReason: _stopReason,
  isResolvable: _isResolvable,
  isLeader: _isLeader,
  ...task
}: StoredTask): Task {
  return task;
}

export function readJobId(row: Row, column: string): JobId {
  return parseJobId(text(row, column));
}

function readOptionalJobId(row: Row, column: string): JobId | undefined {
  return row[column] === null ? undefined : readJobId(row, column);
}

function readReason(
  row: Row,
  codeColumn: string,
  messageColumn: string,
  because: string | undefined,
): TaskReason | undefined {
  const code = optionalWord(row, codeColumn, REASON_CODES);
  if (code === undefined) return undefined;
  const message = text(row, messageColumn);
  return because === undefined ? { code, message } : { code, message, because: parseJobId(because) };
}

function readPortable(row: Row, place: string): Pick<Task, "commit" | "portable"> {
  const commit = optionalText(row, "commit_oid");
  const portable = optionalText(row, "portable");
  return {
    ...(commit !== undefined && { commit }),
    ...(portable !== undefined && { portable: parsePortableRun(JSON.parse(portable), place) }),
  };
}

function readLease(row: Row): Lease | undefined {
  const token = optionalText(row, "lease_token");
  if (token === undefined) return undefined;
  return { token, workerId: text(row, "worker_id"), expiresAt: integer(row, "lease_expires_at") };
}

export function readLane(row: Row): Lane {
  return {
    name: text(row, "name"),
    maxRunning: optionalInteger(row, "max_running"),
    maxPerCaller: optionalInteger(row, "max_per_caller"),
    isPaused: flag(row, "paused"),
    onLost: word(row, "on_lost", ["fail", "requeue"]),
    retainMs: optionalInteger(row, "retain_ms"),
    keepLast: integer(row, "keep_last"),
    ageMs: optionalInteger(row, "age_ms"),
    executor: word(row, "executor", EXECUTOR_KINDS),
  };
}

export function readGroup(row: Row): Group {
  return {
    id: text(row, "id"),
    kind: word(row, "kind", ["sweep", "batch", "pipeline"]),
    name: text(row, "name"),
    state: word(row, "state", ["active", "complete", "failed", "stopped"]),
    epoch: integer(row, "epoch"),
    caller: text(row, "caller"),
    createdAt: integer(row, "created_at"),
    endedAt: optionalInteger(row, "ended_at"),
  };
}

export function readAttempt(row: Row): Attempt {
  const pid = optionalInteger(row, "pid");
  const schedulerJobId = optionalText(row, "scheduler_job_id");
  return {
    n: integer(row, "n"),
    token: text(row, "lease_token"),
    workerId: text(row, "worker_id"),
    machine: text(row, "machine"),
    startedAt: integer(row, "started_at"),
    endedAt: optionalInteger(row, "ended_at"),
    outcome: optionalWord(row, "outcome", [...TERMINAL_STATES, "released"]),
    reason: readReason(row, "reason_code", "reason_message", undefined),
    exitCode: optionalInteger(row, "exit_code"),
    signal: optionalText(row, "signal"),
    isCounted: flag(row, "counted"),
    ...(pid !== undefined && {
      pid,
      startFingerprint: optionalText(row, "pid_start"),
      bootId: optionalText(row, "boot_id"),
    }),
    ...(schedulerJobId !== undefined && { schedulerJobId }),
  };
}

export function readLock(row: Row): ResourceLock {
  const runId = optionalText(row, "run_id");
  return {
    key: text(row, "key"),
    holder: text(row, "holder"),
    holderKind: word(row, "holder_kind", ["run", "cli"]),
    runId: runId === undefined ? undefined : parseJobId(runId),
    fence: integer(row, "fence"),
    acquiredAt: integer(row, "acquired_at"),
    expiresAt: integer(row, "expires_at"),
    note: text(row, "note"),
  };
}

export function readWorker(row: Row): WorkerInfo {
  const commit = optionalText(row, "commit_oid");
  return {
    id: text(row, "id"),
    machine: text(row, "machine"),
    pid: integer(row, "pid"),
    startFingerprint: optionalText(row, "pid_start"),
    bootId: optionalText(row, "boot_id"),
    pools: text(row, "pools"),
    state: word(row, "state", ["up", "draining"]),
    ...(commit !== undefined && { commit }),
    ...(flag(row, "can_checkout") && { canCheckout: true }),
    startedAt: integer(row, "started_at"),
    beatAt: integer(row, "beat_at"),
  };
}

/** The named values by which a worker's report is stored. */
export function toWorkerValues(worker: Omit<WorkerInfo, "beatAt">, now: number) {
  const { id, machine, pid, startFingerprint, bootId, pools, state, commit, canCheckout = false, startedAt } = worker;
  const checkout = canCheckout ? 1 : 0;
  return { id, machine, pid, startFingerprint, bootId, pools, state, commit, checkout, startedAt, now };
}

export function readEvent(row: Row): QueueEvent {
  const runId = optionalText(row, "run_id");
  const data: Record<string, string | number | boolean | null> = {};
  for (const [key, value] of Object.entries(jsonObject(row, "data"))) {
    if (value === null || typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
      data[key] = value;
    }
  }
  return {
    id: integer(row, "id"),
    at: integer(row, "at"),
    kind: word(row, "kind", EVENT_KINDS),
    runId: runId === undefined ? undefined : parseJobId(runId),
    groupId: optionalText(row, "group_id"),
    data,
  };
}

export function readOutboxItem(row: Row): OutboxItem {
  return {
    id: integer(row, "id"),
    topic: word(row, "topic", ["mark", "event"]),
    dedupe: text(row, "dedupe"),
    data: jsonObject(row, "data"),
    tries: integer(row, "tries"),
  };
}
