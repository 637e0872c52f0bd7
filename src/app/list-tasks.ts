import type { QueueStore } from "../queue/queue-store.ts";
import { isTerminalState, type Task, TERMINAL_STATES, type TaskState } from "../queue/task.ts";
import { isActiveState, judgeWaiting, type Waiting } from "../queue/waiting.ts";
import { readSituation, type SituationSource } from "./queue-situation.ts";

/** Which tasks a list is about. What is absent does not restrict. */
export interface TaskFilter {
  readonly states?: readonly TaskState[] | undefined;
  readonly tag?: string | undefined;
  readonly experimentId?: string | undefined;
  readonly groupId?: string | undefined;
  readonly lane?: string | undefined;
}

/** One task as lists show it. */
export interface TaskRow {
  readonly task: Task;
  readonly waiting: Waiting | undefined;
}

/** Tasks in the order of lists, and the store's time when they were read. */
export interface TaskList {
  readonly rows: readonly TaskRow[];
  /** How many ended tasks there are beside those listed. */
  readonly endedLeftOut: number;
  readonly nowMs: number;
}

/**
 * The tasks under way, then those that wait, then those that ended, the latest first.
 *
 * @param maxEnded so many ended tasks are listed at most, unless the filter names their states
 */
export async function listTasks(
  store: SituationSource & Pick<QueueStore, "tasks">,
  filter: TaskFilter,
  maxEnded: number,
): Promise<TaskList> {
  const { open, situation } = await readSituation(store);
  const wantsEnded = filter.states === undefined || filter.states.some(isTerminalState);
  const ended = wantsEnded ? await store.tasks({ ...toQuery(filter), states: endedStates(filter) }) : [];
  const kept = ended.toSorted(compareTasks).slice(0, filter.states === undefined ? maxEnded : undefined);
  const waiting = open.filter((task) => matchesTask(task, filter)).toSorted(compareTasks);
  return {
    rows: [...waiting, ...kept].map((task) => ({ task, waiting: judgeWaiting(task, situation) })),
    endedLeftOut: ended.length - kept.length,
    nowMs: situation.now,
  };
}

function endedStates({ states }: TaskFilter): readonly TaskState[] {
  return states === undefined ? TERMINAL_STATES : states.filter(isTerminalState);
}

/** The filter as a question to the store. */
export function toQuery(filter: TaskFilter): Parameters<QueueStore["tasks"]>[0] {
  const { states, tag, experimentId, groupId, lane } = filter;
  return {
    ...(states === undefined ? {} : { states }),
    ...(tag === undefined ? {} : { tag }),
    ...(experimentId === undefined ? {} : { experimentId }),
    ...(groupId === undefined ? {} : { groupId }),
    ...(lane === undefined ? {} : { lane }),
  };
}

function matchesTask(task: Task, { states, tag, experimentId, groupId, lane }: TaskFilter): boolean {
  return (
    (states === undefined || states.includes(task.state)) &&
    (tag === undefined || task.spec.tag === tag) &&
    (experimentId === undefined || task.experimentId === experimentId) &&
    (groupId === undefined || task.groupId === groupId) &&
    (lane === undefined || task.spec.lane === lane)
  );
}

/** When a task came into its present state, as far as the store knows. */
export function sinceMs(task: Task): number {
  if (task.endedAt !== undefined) return task.endedAt;
  if (isActiveState(task.state)) return task.startedAt ?? task.createdAt;
  return task.state === "queued" ? (task.queuedAt ?? task.createdAt) : task.createdAt;
}

const RANKS: Readonly<Record<TaskState, number>> = {
  running: 0,
  finalizing: 0,
  submitted: 1,
  submitting: 1,
  queued: 2,
  created: 3,
  blocked: 3,
  complete: 4,
  cached: 4,
  failed: 4,
  stopped: 4,
  abandoned: 4,
  skipped: 4,
};

function compareTasks(a: Task, b: Task): number {
  const byRank = RANKS[a.state] - RANKS[b.state];
  if (byRank !== 0) return byRank;
  if (a.endedAt !== undefined && b.endedAt !== undefined) return b.endedAt - a.endedAt || b.seq - a.seq;
  if (a.state === "queued") return b.effectivePriority - a.effectivePriority || a.seq - b.seq;
  return a.seq - b.seq;
}
