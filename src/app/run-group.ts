import { parsePools } from "../queue/pool.ts";
import type { WorkPorts } from "./execute-task.ts";
import type { Repo } from "./repo.ts";
import type { SessionOptions } from "./run-pending.ts";
import type { WorkSummary } from "./work-events.ts";
import { work } from "./work.ts";

/** How they are executed, and how many at a time. */
export type GroupSession = SessionOptions & { readonly jobs: number };

/**
 * Executes the runs of a group here until none is left that could start; also those of other groups that compute the same
 * and that nobody else executes, and those that policies submit for what it writes.
 */
export async function runGroup(
  repo: Repo,
  ports: WorkPorts,
  groupId: string,
  { jobs, ...session }: GroupSession,
): Promise<WorkSummary> {
  const ids = (await ports.store.tasks({ groupId })).map(({ id }) => id);
  return await work(repo, ports, {
    ...session,
    pools: parsePools(`*=${jobs}`),
    ids,
    isFollowingUp: true,
    isUntilEmpty: true,
    drainMs: 0,
  });
}
