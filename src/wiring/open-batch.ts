import { join } from "node:path";

import type { Repo } from "../app/repo.ts";
import type { BatchExecutor } from "../executor/batch-executor.ts";
import { SlurmExecutor } from "../executor/slurm/slurm-executor.ts";

/** Talks to the SLURM of this machine. Nothing is asked before it is used. */
export function openBatch(
  repo: Pick<Repo, "runs">,
  options: { readonly env: Readonly<Record<string, string | undefined>>; readonly packageRoot: string },
): BatchExecutor {
  return new SlurmExecutor({
    workspaceOf: (jobId) => repo.runs.workspaceOf(jobId),
    env: options.env,
    arraysFolder: join(repo.runs.path, ".aexp", "arrays"),
    carrier: [process.execPath, join(options.packageRoot, ownProgram()), "__batch"],
  });
}

/** The sources execute as they are; the bundle is started by the file that switches the compile cache on. */
function ownProgram(): string {
  return import.meta.url.endsWith(".ts") ? "src/main.ts" : "bin/aexp.js";
}
