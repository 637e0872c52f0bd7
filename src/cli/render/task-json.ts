import { sinceMs, type TaskRow } from "../../app/list-tasks.ts";
import type { TaskDetails } from "../../app/show-task.ts";
import { toInstant } from "../../model/clock.ts";
import { type Task, toRunStatus } from "../../queue/task.ts";
import { toWaitingJson } from "./waiting.ts";

/** A task as `--json` prints it; absent facts are absent keys. */
export function toTaskJson({ task, waiting }: TaskRow): Record<string, unknown> {
  const { spec, lease, reason, stop } = task;
  return {
    job_id: task.id,
    state: task.state,
    status: toRunStatus(task.state),
    reason: reason === undefined ? undefined : { ...reason },
    experiment_id: task.experimentId,
    name: spec.name,
    tag: spec.tag,
    lane: spec.lane,
    kind: spec.kind,
    priority: spec.priority,
    effective_priority: task.effectivePriority,
    group: task.groupId,
    caller: task.caller,
    machine: task.machine,
    target: task.target,
    commit: task.commit,
    waits_for: toWaitingJson(waiting),
    attempt: task.attempt,
    failures: task.failures,
    worker: lease?.workerId,
    lease_expires_at: toTime(lease?.expiresAt),
    stop: stop === undefined ? undefined : { asked_at: toInstant(stop.at), mode: stop.mode },
    exit_code: task.exitCode,
    signal: task.signal,
    created_at: toInstant(task.createdAt),
    queued_at: toTime(task.queuedAt),
    started_at: toTime(task.startedAt),
    ended_at: toTime(task.endedAt),
    since: toInstant(sinceMs(task)),
  };
}

/** Everything about one task as `--json` prints it. */
export function toTaskDetailsJson(details: TaskDetails): Record<string, unknown> {
  const { task, group, needs, dependents, attempts, locks } = details;
  const { spec } = task;
  return {
    ...toTaskJson(details),
    command: spec.command,
    cwd: spec.cwd,
    timeout_s: spec.timeoutMs === undefined ? undefined : spec.timeoutMs / 1000,
    grace_s: spec.graceMs / 1000,
    retry: toRetryJson(task),
    group_info:
      group === undefined
        ? undefined
        : { id: group.id, kind: group.kind, name: group.name, state: group.state, epoch: group.epoch },
    needs: needs.map(({ run, condition, state }) => ({ job_id: run, condition, state })),
    dependents,
    resources: spec.resources,
    locks: locks.map(({ key, note, runId, fence, acquiredAt, expiresAt }) => ({
      key,
      holder: note,
      run: runId,
      fence,
      since: toInstant(acquiredAt),
      expires_at: toInstant(expiresAt),
    })),
    attempts: attempts.map((attempt) => ({
      n: attempt.n,
      worker: attempt.workerId,
      machine: attempt.machine,
      pid: attempt.pid,
      scheduler_job_id: attempt.schedulerJobId,
      started_at: toInstant(attempt.startedAt),
      ended_at: toTime(attempt.endedAt),
      outcome: attempt.outcome,
      reason: attempt.reason === undefined ? undefined : { ...attempt.reason },
      exit_code: attempt.exitCode,
      signal: attempt.signal,
      counted: attempt.isCounted,
    })),
  };
}

function toRetryJson({ spec: { retry } }: Task): Record<string, unknown> {
  return {
    max_attempts: retry.maxAttempts,
    on: retry.on,
    base_s: retry.baseMs / 1000,
    cap_s: retry.capMs / 1000,
  };
}

function toTime(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : toInstant(ms);
}
