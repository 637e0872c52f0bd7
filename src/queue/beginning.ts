import type { JobId } from "../run/job-id.ts";
import type { NewEvent, NewItem } from "./outgoing.ts";
import type { NewTask } from "./queue-store.ts";
import type { StoredTask } from "./records.ts";
import { isUnresolved } from "./stage.ts";
import type { Need, TaskReason, TaskSpec } from "./task.ts";
import { NEW_LIFE, toEndEvent, toMark, toReady } from "./task-move.ts";
import { judgeNeed, skipReason } from "./transitions.ts";

/** A submitted task as it is to be stored. */
export interface Beginning {
  readonly task: StoredTask;
  readonly edges: readonly (Need & { readonly isMet: boolean })[];
  /** For its document, unless that says so already. */
  readonly mark: NewItem | undefined;
  readonly event: NewEvent;
}

/** What is known when tasks begin. */
export interface Start {
  readonly groupId: string;
  /** The first number of the order of submission that is free. */
  readonly firstSeq: number;
  readonly now: number;
  /** The submitted tasks that had ended, and those that are needed, as they were before. */
  readonly stored: ReadonlyMap<JobId, StoredTask>;
}

/**
 * How submitted tasks begin: queued, blocked by what they need, or skipped because that has failed already. A stage is
 * never queued at once: it is blocked until it is resolved, also when everything is there that it needs.
 */
export function beginTasks(tasks: readonly NewTask[], start: Start): readonly Beginning[] {
  const needed = new Map(start.stored);
  // What is submitted together with a task cannot have ended yet.
  for (const { id } of tasks) needed.delete(id);
  return tasks.map((task, index) => begin(task, start.firstSeq + index, start, needed));
}

function begin(
  submitted: NewTask,
  seq: number,
  { groupId, now, stored }: Start,
  needed: ReadonlyMap<JobId, StoredTask>,
): Beginning {
  const { id, spec, experimentId, caller, owner, machine, target, commit, portable, executor } = submitted;
  const { state, reason, isResolvable, edges } = judgeNeeds(spec, needed);
  const earlier = stored.get(id);
  const task: StoredTask = {
    ...NEW_LIFE,
    id,
    seq,
    groupId,
    experimentId,
    spec,
    state,
    reason,
    caller,
    owner,
    machine,
    target,
    ...(commit !== undefined && { commit }),
    ...(portable !== undefined && { portable }),
    executor,
    effectivePriority: spec.priority,
    attempt: Math.max(submitted.lastAttempt ?? 0, earlier?.attempt ?? 0),
    lease: undefined,
    createdAt: now,
    queuedAt: state === "queued" ? now : undefined,
    endedAt: state === "skipped" ? now : undefined,
    life: (earlier?.life ?? 0) + 1,
    follows: undefined,
    isUnresolved: isUnresolved({ spec, state, follows: undefined }),
    isResolvable,
  };
  if (state === "skipped") return { task, edges, mark: toMark("created", task, now), event: toEndEvent(task) };
  return {
    task,
    edges,
    mark: submitted.isMarked === true ? undefined : toMark("created", task, now),
    event: { kind: state === "queued" ? "run.queued" : "run.blocked", runId: id, groupId },
  };
}

interface Judgement extends Pick<Beginning, "edges"> {
  readonly state: "queued" | "blocked" | "skipped";
  /** Why it is skipped. */
  readonly reason: TaskReason | undefined;
  /** It is a stage that waits for nothing but a worker that looks for its result. */
  readonly isResolvable: boolean;
}

function judgeNeeds(spec: Pick<TaskSpec, "needs" | "stage">, needed: ReadonlyMap<JobId, StoredTask>): Judgement {
  const judged = strictest(spec.needs).map((need) => {
    const task = needed.get(need.run);
    return { need, task, outcome: task === undefined ? "open" : judgeNeed(need.condition, task.state) };
  });
  const [broken] = judged
    .flatMap(({ task, outcome }) => (outcome === "broken" && task !== undefined ? [task] : []))
    .toSorted((a, b) => (a.endedAt ?? 0) - (b.endedAt ?? 0));
  const edges = judged.map(({ need, outcome }) => ({ ...need, isMet: outcome === "met" }));
  if (broken !== undefined) return { state: "skipped", reason: skipReason(broken), isResolvable: false, edges };
  const isOpen = judged.some(({ outcome }) => outcome === "open");
  if (isOpen) return { state: "blocked", reason: undefined, isResolvable: false, edges };
  const { state, change } = toReady(spec);
  return { state, reason: undefined, isResolvable: change.isResolvable === true, edges };
}

/** One edge for each task that is needed; of two the one that asks for success. */
function strictest(needs: readonly Need[]): readonly Need[] {
  const byRun = new Map<JobId, Need>();
  for (const need of needs) if (byRun.get(need.run)?.condition !== "success") byRun.set(need.run, need);
  return [...byRun.values()];
}
