import { statfsSync } from "node:fs";

import type { JsonObject } from "../../../model/json.ts";
import type { ProcessRecord } from "../../../run/document.ts";
import type { JobId } from "../../../run/job-id.ts";
import { attemptEnvironment } from "../../attempt-environment.ts";
import type { AttemptEnd, AttemptSpec } from "../../executor.ts";
import type { SupervisedAttempt, Supervisor } from "../../supervisor.ts";
import { AttemptFolder } from "../attempt-folder.ts";
import { identifyProcess, isSameProcessAlive } from "../process-identity.ts";
import { AdoptedAttempt } from "./adopted-attempt.ts";
import { readLastMetric } from "./last-metric.ts";
import { settleLost } from "./lost-attempt.ts";
import type { Report } from "./messages.ts";
import { type SupervisorCommand, SupervisorProcess } from "./supervisor-process.ts";

/** What a supervisor of this machine needs to know. */
export interface LocalSupervisorOptions {
  readonly workspaceOf: (jobId: JobId) => string;
  readonly command: SupervisorCommand;
  /** Told to the programs, so that they start no workers. */
  readonly workerId: string;
}

/** What we wait for of an attempt that was ordered. */
interface Ordered {
  readonly supervisor: SupervisorProcess;
  readonly onStarted: (process: ProcessRecord | undefined) => void;
  readonly onEnded: (end: AttemptEnd) => void;
  readonly folder: AttemptFolder;
  readonly graceMs: number;
}

/** Has attempts carried out by one `aexp __exec` process, which is started at the first of them. */
export class LocalSupervisor implements Supervisor {
  readonly #options: LocalSupervisorOptions;
  readonly #self: ProcessRecord;
  readonly #ordered = new Map<number, Ordered>();
  #process: SupervisorProcess | undefined;
  #lastId = 0;

  constructor(options: LocalSupervisorOptions) {
    this.#options = options;
    const self = identifyProcess(process.pid, process.pid);
    if (self === undefined) throw new Error("this process cannot find itself");
    this.#self = self;
  }

  async start(spec: AttemptSpec, mayBegin = Promise.resolve(true)): Promise<SupervisedAttempt> {
    const isAllowed = mayBegin.catch(() => false);
    const supervisor = (this.#process ??= this.#open());
    const id = (this.#lastId += 1);
    const { jobId, attempt, graceMs } = spec;
    const workspace = this.#options.workspaceOf(jobId);
    const own = attemptEnvironment({ jobId, attempt, workspace, workerId: this.#options.workerId });
    const started = Promise.withResolvers<ProcessRecord | undefined>();
    const ended = Promise.withResolvers<AttemptEnd>();
    let hasEnded = false;
    this.#ordered.set(id, {
      supervisor,
      onStarted: started.resolve,
      onEnded: (end) => {
        hasEnded = true;
        ended.resolve(end);
      },
      folder: new AttemptFolder(workspace, attempt),
      graceMs,
    });
    const env = { ...spec.env, ...own };
    supervisor.send({ kind: "start", id, workspace, worker: this.#self, spec: { ...spec, env } });
    void isAllowed.then((allowed) => supervisor.send({ kind: "begin", id, isAllowed: allowed }));
    return {
      process: await started.promise,
      ended: ended.promise,
      hasEnded: () => hasEnded,
      stop: (mode) => supervisor.send({ kind: "stop", id, mode }),
      lastMetric: () => this.#lastMetric(jobId),
    };
  }

  adopt(jobId: JobId, attempt: number): SupervisedAttempt | undefined {
    const folder = new AttemptFolder(this.#options.workspaceOf(jobId), attempt);
    const lastMetric = (): JsonObject | undefined => this.#lastMetric(jobId);
    const end = folder.readEnd();
    if (end !== undefined) {
      const process = folder.readProcess();
      return { process, ended: Promise.resolve(end), hasEnded: () => true, stop: () => undefined, lastMetric };
    }
    const supervision = giveUp(folder) ? undefined : folder.readSupervision();
    if (supervision === undefined || !isSameProcessAlive(supervision.supervisor)) return undefined;
    const { worker } = supervision;
    if (worker.pid !== this.#self.pid && isSameProcessAlive(worker)) return undefined;
    // From now on it is ours: when we die, the next worker sees it by this. What cannot be overwritten names a worker
    // that is dead already, which says the same to the next one; the lease keeps two from having it at once.
    void folder.writeSupervision({ ...supervision, worker: this.#self }).catch(() => undefined);
    return new AdoptedAttempt(folder, supervision, lastMetric);
  }

  hasBegun(jobId: JobId, attempt: number): boolean {
    return new AttemptFolder(this.#options.workspaceOf(jobId), attempt).isTaken();
  }

  freeBytes(path: string): number | undefined {
    try {
      const { bavail, bsize } = statfsSync(path);
      return bavail * bsize;
    } catch {
      return undefined; // no such path, or a file system that does not tell
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const supervisor = this.#process;
    this.#process = undefined;
    const isIdle = this.#ordered.size === 0;
    supervisor?.release(isIdle);
    if (isIdle) await supervisor?.gone;
  }

  #open(): SupervisorProcess {
    const supervisor = new SupervisorProcess(this.#options.command, (report) => this.#onReport(report));
    void supervisor.gone.then((problem) => {
      if (this.#process === supervisor) this.#process = undefined;
      return this.#settleAll(supervisor, problem);
    });
    return supervisor;
  }

  #onReport(report: Report): void {
    if (report.kind === "failed") return;
    const ordered = this.#ordered.get(report.id);
    if (report.kind === "started") return ordered?.onStarted(report.process);
    this.#settle(report.id, report.end, report.process);
  }

  #settle(id: number, end: AttemptEnd, process?: ProcessRecord): void {
    const ordered = this.#ordered.get(id);
    this.#ordered.delete(id);
    ordered?.onStarted(process); // changes nothing when its start was told
    ordered?.onEnded(end);
  }

  /** The supervisor is gone, and of all that it carried out nobody else will hear. */
  async #settleAll(supervisor: SupervisorProcess, problem: string): Promise<void> {
    const orphans = [...this.#ordered].filter(([, ordered]) => ordered.supervisor === supervisor);
    await Promise.all(
      orphans.map(async ([id, { folder, graceMs }]) => this.#settle(id, await settleLost(folder, graceMs, problem))),
    );
  }

  #lastMetric(jobId: JobId): JsonObject | undefined {
    return readLastMetric(`${this.#options.workspaceOf(jobId)}/.aexp/metrics.jsonl`);
  }
}

/** Whether an attempt that had not begun never will. Where no record can be written, none can begin either. */
function giveUp(folder: AttemptFolder): boolean {
  try {
    return folder.giveUp(Date.now());
  } catch {
    // A full disk, or a folder that is gone: what has begun left a record before.
    return folder.readProcess() === undefined;
  }
}
