import { AexpError } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { isTerminalState, type Task, type TaskState, toRunStatus } from "../queue/task.ts";
import { isSuccess } from "../queue/transitions.ts";
import type { JobId } from "../run/job-id.ts";
import { deliverOutbox } from "./deliver-outbox.ts";
import { type TaskFilter, toQuery } from "./list-tasks.ts";
import type { Repo } from "./repo.ts";
import { notQueued, type RunOutcome, toFailure } from "./resolve-task.ts";

/** What became of a run that was to be repeated; `blocked` waits for what it needs, which is repeated as well. */
export type RetriedRun = RunOutcome<"queued" | "blocked">;

/** The ends that a group is repeated from. */
const RETRIED_STATES = ["failed", "stopped", "abandoned", "skipped"] as const satisfies readonly TaskState[];

/** Queues all failed runs of a selection again, with what was skipped because of them. */
export async function retryFailed(repo: Repo, store: QueueStore, filter: TaskFilter): Promise<readonly RetriedRun[]> {
  const tasks = await store.tasks({ ...toQuery(filter), states: ["failed"] });
  return await retryAll(
    repo,
    store,
    tasks.map(({ id }) => id),
  );
}

/**
 * Queues what failed or was stopped of a group again, whether it had begun or not, with what was skipped because of it. A
 * stage that was skipped because a run of another group failed that computed the same is the first of its own group.
 */
export async function retryGroup(repo: Repo, store: QueueStore, groupId: string): Promise<readonly RetriedRun[]> {
  if ((await store.group(groupId)) === undefined) {
    throw new AexpError(`there is no group ${JSON.stringify(groupId)}`, {
      code: "queue.not_queued",
      hint: "`aexp queue list --all --columns id,group` names groups.",
    });
  }
  const first = (await store.tasks({ groupId, states: RETRIED_STATES })).filter(isRetriedFirst);
  return await retryAll(
    repo,
    store,
    first.map(({ id }) => id),
  );
}

/**
 * Whether a run that did not succeed is among those from which its group goes on; the others come with what they need.
 * One that was stopped while it waited is, and one that was removed from the queue stays out of it.
 */
function isRetriedFirst({ state, reason, cacheKey }: Task): boolean {
  if (state === "skipped") return cacheKey !== undefined;
  return state !== "abandoned" || reason?.code === "operator_stop";
}

/** Queues runs again that have ended without success, with what was skipped because of them. */
export async function retryTasks(repo: Repo, store: QueueStore, ids: readonly JobId[]): Promise<readonly RetriedRun[]> {
  const retried = await retryAll(repo, store, ids);
  const done = new Set(retried.map(({ run }) => run));
  const left = ids.filter((id) => !done.has(id));
  const failures: RetriedRun[] = [];
  for (const id of left) {
    const error = await explainRefusal(repo, store, id);
    if (ids.length === 1) throw error;
    failures.push(toFailure(id, error));
  }
  return [...retried, ...failures];
}

async function retryAll(repo: Repo, store: QueueStore, ids: readonly JobId[]): Promise<readonly RetriedRun[]> {
  if (ids.length === 0) return [];
  const tasks = await store.retry(ids);
  await deliverOutbox(repo, store);
  return tasks.map((task) => ({ run: task.id, outcome: task.state === "blocked" ? "blocked" : "queued" }));
}

/** Why a run was not queued again. */
async function explainRefusal(repo: Repo, store: QueueStore, id: JobId): Promise<AexpError> {
  const task = await store.task(id);
  if (task === undefined) return notQueued(repo, id);
  const short = id.slice(0, 8);
  if (!isTerminalState(task.state)) {
    return new AexpError(`run ${id} is ${toRunStatus(task.state)}, and has nothing to repeat`, {
      code: "run.busy",
      hint: `\`aexp why ${short}\` tells how it stands.`,
    });
  }
  if (isSuccess(task.state)) {
    return new AexpError(`run ${id} is complete`, {
      code: "run.already_finished",
      hint: `\`aexp queue run-one ${short} --force\` executes it once more.`,
    });
  }
  return await explainHopeless(store, task);
}

async function explainHopeless(store: QueueStore, { id }: Task): Promise<AexpError> {
  const broken = (await store.needs(id)).filter(
    ({ condition, state }) => condition === "success" && isTerminalState(state) && !isSuccess(state),
  );
  const names = broken.map(({ run, state }) => `${run.slice(0, 8)} (${toRunStatus(state)})`);
  const first = broken[0]?.run.slice(0, 8) ?? id.slice(0, 8);
  return new AexpError(`run ${id} could not start: it needs ${names.join(", ")}`, {
    code: "queue.need_failed",
    hint: `Repeat what it needs: \`aexp queue retry ${first}\`.`,
  });
}
