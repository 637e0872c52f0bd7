import { applyLanes } from "../app/apply-lanes.ts";
import type { WorkPorts } from "../app/execute-task.ts";
import type { Repo } from "../app/repo.ts";
import { keepHeapSmall } from "../platform/keep-heap-small.ts";
import { openExecutor } from "./open-executor.ts";
import { openQueue } from "./open-queue.ts";
import { openStages } from "./open-stages.ts";
import { type OpenSupervisorOptions, openSupervisor } from "./open-supervisor.ts";
import { openWorkTrees } from "./open-work-trees.ts";

/** What a worker works with on this machine. Leaving it lets the supervisor go, and closes the queue. */
export interface OpenWork extends WorkPorts, AsyncDisposable {}

/** How a worker executes runs. */
export interface OpenWorkOptions extends OpenSupervisorOptions {
  /** In a work tree of their commit, instead of the user's. */
  readonly isCheckingOut?: boolean;
}

/**
 * Opens the queue with the lanes of `aexp.yaml`, and what carries out its tasks; see `openQueue` for what it throws.
 *
 * @throws {AexpError} `config.invalid`
 */
export async function openWork(repo: Repo, options: OpenWorkOptions): Promise<OpenWork> {
  keepHeapSmall();
  const config = await repo.readConfig();
  const store = await openQueue(repo);
  await applyLanes(store, config);
  const supervisor = openSupervisor(repo, options);
  const stages = openStages(repo);
  return {
    ...stages,
    store,
    supervisor,
    executor: openExecutor(repo),
    workTrees: options.isCheckingOut === true ? openWorkTrees(repo) : undefined,
    async [Symbol.asyncDispose]() {
      await supervisor[Symbol.asyncDispose]();
      await stages[Symbol.asyncDispose]();
      await store[Symbol.asyncDispose]();
    },
  };
}
