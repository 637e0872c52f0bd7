import type { Attempt, Group, QueueStore, ResourceLock } from "../queue/queue-store.ts";
import type { Task, TaskState } from "../queue/task.ts";
import { judgeWaiting, type Waiting } from "../queue/waiting.ts";
import type { JobId } from "../run/job-id.ts";
import { readSituation } from "./queue-situation.ts";

/** Everything that the queue knows of one run. */
export interface TaskDetails {
  readonly task: Task;
  readonly waiting: Waiting | undefined;
  readonly group: Group | undefined;
  readonly needs: readonly { readonly run: JobId; readonly condition: string; readonly state: TaskState }[];
  readonly dependents: readonly JobId[];
  readonly attempts: readonly Attempt[];
  /** The locks on its resources, its own included. */
  readonly locks: readonly ResourceLock[];
  readonly nowMs: number;
}

/** Gathers what the queue knows of a run; `undefined` when it does not know it. */
export async function showTask(store: QueueStore, id: JobId): Promise<TaskDetails | undefined> {
  const task = await store.task(id);
  if (task === undefined) return undefined;
  const { situation } = await readSituation(store);
  return {
    task,
    waiting: judgeWaiting(task, situation),
    group: await store.group(task.groupId),
    needs: await store.needs(id),
    dependents: await store.dependents(id),
    attempts: await store.attempts(id),
    locks: task.spec.resources.flatMap((key) => situation.locks.get(key) ?? []),
    nowMs: situation.now,
  };
}
