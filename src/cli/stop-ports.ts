import { cancelJobs } from "../app/cancel-jobs.ts";
import type { Repo } from "../app/repo.ts";
import type { StopPorts } from "../app/stop-tasks.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { currentUser } from "../wiring/current-user.ts";
import { openBatch } from "../wiring/open-batch.ts";
import { openExecutor } from "../wiring/open-executor.ts";
import { PACKAGE_ROOT } from "./cli-config.ts";

/** What stopping runs needs, wherever they are executed. */
export function openStopPorts(
  repo: Repo,
  store: QueueStore | undefined,
  env: Readonly<Record<string, string | undefined>>,
): StopPorts {
  const batch = openBatch(repo, { env, packageRoot: PACKAGE_ROOT });
  return {
    store,
    executor: openExecutor(repo),
    cancelJobs: (queue, asked) => cancelJobs(repo, { store: queue, batch }, asked, currentUser()),
  };
}

/** How a stop turned out, in words. */
export const STOP_WORDS = {
  abandoned: "abandoned before it started",
  requested: "asked to stop",
  stopped: "stopped",
  ended: "has ended",
} as const;
