import { AexpError } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { PENDING_STATES, type TaskReason, toRunStatus } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";
import { deliverOutbox } from "./deliver-outbox.ts";
import type { Repo } from "./repo.ts";
import { notQueued, type RunOutcome, toFailure } from "./resolve-task.ts";

/** What became of a run that was to be taken out of the queue. */
export type RemovedRun = RunOutcome<"removed" | "ended">;

const REMOVED: TaskReason = { code: "removed", message: "removed from the queue" };

/** Takes runs out of the queue that have not started. One that cannot be removed does not keep the others in it. */
export async function removeTasks(
  repo: Repo,
  store: QueueStore,
  ids: readonly JobId[],
): Promise<readonly RemovedRun[]> {
  const tasks = new Map((await store.tasks({ ids })).map((task) => [task.id, task]));
  const pending = ids.filter((id) => PENDING_STATES.some((state) => state === tasks.get(id)?.state));
  const changed = new Map((await store.requestStop(pending, "graceful", REMOVED)).map((one) => [one.id, one.outcome]));
  await deliverOutbox(repo, store);
  return ids.map((id): RemovedRun => {
    const task = tasks.get(id);
    const outcome = changed.get(id);
    if (outcome === "abandoned") return { run: id, outcome: "removed" };
    if (task === undefined) return fail(id, notQueued(repo, id), ids);
    if (outcome === "requested") return { run: id, outcome: "removed", note: "it had just started, and is stopped" };
    if (task.endedAt !== undefined || outcome === "ended") {
      const status = task.endedAt === undefined ? "over" : toRunStatus(task.state);
      return { run: id, outcome: "ended", note: `it is ${status} already; nothing was changed` };
    }
    const busy = new AexpError(`run ${id} is under way, and only runs that wait are removed`, {
      code: "run.busy",
      hint: `Stop it with \`aexp queue stop ${id.slice(0, 8)}\`.`,
    });
    return fail(id, busy, ids);
  });
}

function fail(id: JobId, error: AexpError, ids: readonly JobId[]): RemovedRun {
  if (ids.length === 1) throw error;
  return toFailure(id, error);
}
