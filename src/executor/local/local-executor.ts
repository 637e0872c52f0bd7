import type { ProcessRecord } from "../../run/document.ts";
import type { JobId } from "../../run/job-id.ts";
import type { AttemptEnd, AttemptOutput, AttemptSpec, Executor, RunningAttempt, Survivors } from "../executor.ts";
import { AttemptFolder } from "./attempt-folder.ts";
import { launchDirectly } from "./launch.ts";
import { LocalAttempt } from "./local-attempt.ts";
import { endGroup } from "./process-group.ts";
import { findGroupByEnvironment, identifyProcess, isGroupAlive, isSameProcessAlive } from "./process-identity.ts";

/** Executes attempts as process groups of this machine, watched by this process. */
export class LocalExecutor implements Executor {
  readonly #workspaceOf: (jobId: JobId) => string;
  #self: ProcessRecord | undefined;

  constructor(workspaceOf: (jobId: JobId) => string) {
    this.#workspaceOf = workspaceOf;
  }

  get self(): ProcessRecord {
    return (this.#self ??= identifySelf());
  }

  async start(spec: AttemptSpec, output: AttemptOutput): Promise<RunningAttempt> {
    const folder = new AttemptFolder(this.#workspaceOf(spec.jobId), spec.attempt);
    folder.prepare(spec, Date.now());
    await folder.writeHeartbeat(Date.now());
    return new LocalAttempt(spec, folder, output, launchDirectly(folder));
  }

  recordedEnd(jobId: JobId, attempt: number): AttemptEnd | undefined {
    return new AttemptFolder(this.#workspaceOf(jobId), attempt).readEnd();
  }

  survivors(jobId: JobId, attempt: number, watcher: ProcessRecord | undefined): Survivors {
    // An aexp that is killed just after it started the program leaves no record of it; the environment tells.
    const folder = new AttemptFolder(this.#workspaceOf(jobId), attempt);
    const program = folder.readProcess() ?? findGroupByEnvironment(`AEXP_JOB_WORKSPACE=${this.#workspaceOf(jobId)}`);
    const host = watcher?.host ?? program?.host;
    // The supervisor of a dead worker has yet to record the end of a program that is gone.
    const supervisor = folder.readEnd() === undefined ? folder.readSupervision()?.supervisor : undefined;
    return {
      watcher: [watcher, supervisor].find((record) => record !== undefined && isSameProcessAlive(record)),
      program: program !== undefined && isGroupAlive(program) ? program : undefined,
      foreignHost: host !== undefined && host !== this.self.host ? host : undefined,
    };
  }

  async killGroup(group: ProcessRecord, graceMs: number): Promise<void> {
    await endGroup(group, graceMs);
  }
}

function identifySelf(): ProcessRecord {
  const record = identifyProcess(process.pid, process.pid);
  if (record === undefined) throw new Error("this process cannot find itself");
  return record;
}
