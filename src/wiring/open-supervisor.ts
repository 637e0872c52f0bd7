import { join } from "node:path";

import type { Repo } from "../app/repo.ts";
import type { Supervisor } from "../executor/supervisor.ts";
import { LocalSupervisor } from "../executor/local/supervisor/local-supervisor.ts";

/** The larger a process, the longer it takes to start another one: of 150 MB five times as long as of 50. */
const SMALL = ["--max-semi-space-size=1"];

/** Of which worker the supervisor is. */
export interface OpenSupervisorOptions {
  /** Told to the programs as `AEXP_WORKER`, so that they start no workers. */
  readonly workerId: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The folder of our package, where the program is. */
  readonly packageRoot: string;
}

/** Carries out attempts in a process that outlives this one. Nothing is started before the first attempt. */
export function openSupervisor(repo: Pick<Repo, "runs">, options: OpenSupervisorOptions): Supervisor {
  return new LocalSupervisor({
    workspaceOf: (jobId) => repo.runs.workspaceOf(jobId),
    workerId: options.workerId,
    command: {
      argv: [process.execPath, ...SMALL, join(options.packageRoot, ownProgram()), "__exec"],
      env: withoutRun(options.env),
    },
  });
}

/** The sources execute as they are; the bundle is started by the file that switches the compile cache on. */
function ownProgram(): string {
  return import.meta.url.endsWith(".ts") ? "src/exec.ts" : "bin/aexp.js";
}

/** A worker may be the program of a run itself; its supervisor must not be taken for a part of that run. */
function withoutRun(env: Readonly<Record<string, string | undefined>>): Record<string, string | undefined> {
  const { AEXP_JOB_ID: _id, AEXP_ATTEMPT: _attempt, AEXP_JOB_WORKSPACE: _workspace, ...others } = env;
  return others;
}
