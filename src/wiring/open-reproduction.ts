import type { Repo } from "../app/repo.ts";
import type { ReproducePorts } from "../app/reproduce-run.ts";
import { GitReproductionPlaces } from "../code/program/git-reproduction-places.ts";
import type { Executor } from "../executor/executor.ts";
import { LocalExecutor } from "../executor/local/local-executor.ts";
import { fsOutputStore } from "../output/fs/fs-output-store.ts";
import { TreeHasher } from "../output/fs/hash-tree.ts";
import { FsAttemptFiles } from "../run/fs/fs-attempt-files.ts";
import { parseJobId } from "../run/job-id.ts";
import { openQueueIfPresent } from "./open-queue.ts";

/** Executes recorded runs again in places of their own. */
export function openReproduction(repo: Repo): ReproducePorts & AsyncDisposable {
  const hasher = new TreeHasher();
  return {
    places: new GitReproductionPlaces(repo.root, async (workspace, attempt) => {
      const executor = executorIn(workspace);
      const { program } = executor.survivors(NOBODY, attempt, undefined);
      if (program !== undefined) await executor.killGroup(program, 0);
    }),
    outputs: fsOutputStore,
    hasher,
    executorIn,
    attemptsIn: (workspace) => new FsAttemptFiles({ workspaceOf: () => workspace }),
    task: async (jobId) => {
      await using queue = await openQueueIfPresent(repo);
      return await queue?.task(jobId);
    },
    [Symbol.asyncDispose]: async () => await hasher[Symbol.asyncDispose](),
  };
}

function executorIn(workspace: string): Executor {
  return new LocalExecutor(() => workspace);
}

/** Every executor here knows one workspace only, whatever run it is asked about. */
const NOBODY = parseJobId("0".repeat(32));
