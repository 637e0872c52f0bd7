import type { Repo } from "../app/repo.ts";
import type { Executor } from "../executor/executor.ts";
import { LocalExecutor } from "../executor/local/local-executor.ts";

/** Executes attempts on this machine. */
export function openExecutor(repo: Repo): Executor {
  return new LocalExecutor((jobId) => repo.runs.workspaceOf(jobId));
}
