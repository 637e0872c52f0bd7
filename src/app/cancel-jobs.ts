import { messageOf } from "../model/errors.ts";
import type { JobId } from "../run/job-id.ts";
import type { BatchPorts } from "./reconcile-slurm.ts";
import type { Repo } from "./repo.ts";

/**
 * Cancels the scheduler's jobs of runs that were asked to stop, without waiting for an agent to do so. How they end is
 * recorded by whoever looks at the scheduler next.
 *
 * @returns why it could not be done now; an agent will try again
 */
export async function cancelJobs(
  repo: Pick<Repo, "machineLabel">,
  { store, batch }: Pick<BatchPorts, "store" | "batch">,
  ids: readonly JobId[],
  owner: string,
): Promise<string | undefined> {
  const asked = new Set(ids);
  const jobs = (await store.batchJobs(owner, repo.machineLabel)).filter(({ task }) => asked.has(task.id));
  if (jobs.length === 0) return undefined;
  try {
    await batch.cancel(jobs.map(({ schedulerJobId }) => schedulerJobId));
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}
