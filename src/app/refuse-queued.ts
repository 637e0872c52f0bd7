import { AexpError } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { isTerminalState } from "../queue/task.ts";
import type { JobId } from "../run/job-id.ts";

/**
 * Makes sure that what is done to a run is not the queue's to do. A repository that never queued anything has no store.
 *
 * @param isForced - whether a run that has ended would be executed again
 * @throws {AexpError} `queue.has_run`
 */
export async function refuseQueued(
  store: Pick<QueueStore, "task"> | undefined,
  jobId: JobId,
  isForced: boolean,
): Promise<void> {
  const task = await store?.task(jobId);
  if (task === undefined || (isTerminalState(task.state) && !isForced)) return;
  const short = jobId.slice(0, 8);
  throw new AexpError(`run ${jobId} is in the queue (${task.state}). Nothing was changed`, {
    code: "queue.has_run",
    hint: isTerminalState(task.state)
      ? `Execute it again with \`aexp queue run-one ${short} --force\`.`
      : `Execute it with \`aexp queue run-one ${short}\`, or take it out with \`aexp queue stop ${short}\`.`,
  });
}
