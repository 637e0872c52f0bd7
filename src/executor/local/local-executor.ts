import { type ChildProcessByStdio, spawn } from "node:child_process";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import { messageOf } from "../../model/errors.ts";
import type { ProcessRecord } from "../../run/document.ts";
import type { JobId } from "../../run/job-id.ts";
import type {
  AttemptCause,
  AttemptEnd,
  AttemptOutput,
  AttemptSpec,
  Executor,
  RunningAttempt,
  Survivors,
} from "../executor.ts";
import { AttemptFolder } from "./attempt-folder.ts";
import { CappedLog } from "./capped-log.ts";
import { hasLiveMember, identifyProcess, isGroupAlive, isSameProcessAlive, signalGroup } from "./process-identity.ts";

type Child = ChildProcessByStdio<null, Readable, Readable>;

const STDERR_TAIL_BYTES = 8192;
/** How often a group that was told to end is looked at. */
const POLL_MS = 20;
/** How long output is still read after the program and its whole group are gone. */
const DRAIN_MS = 2000;

/** Executes attempts as process groups of this machine, watched by this process. */
export class LocalExecutor implements Executor {
  readonly #workspaceOf: (jobId: JobId) => string;

  constructor(workspaceOf: (jobId: JobId) => string) {
    this.#workspaceOf = workspaceOf;
  }

  get self(): ProcessRecord {
    const record = identifyProcess(process.pid, process.pid);
    if (record === undefined) throw new Error("this process cannot find itself");
    return record;
  }

  async start(spec: AttemptSpec, output: AttemptOutput): Promise<RunningAttempt> {
    const folder = new AttemptFolder(this.#workspaceOf(spec.jobId), spec.attempt);
    folder.prepare(spec, Date.now());
    await folder.writeHeartbeat(Date.now());
    return new LocalAttempt(spec, folder, output);
  }

  recordedEnd(jobId: JobId, attempt: number): AttemptEnd | undefined {
    return new AttemptFolder(this.#workspaceOf(jobId), attempt).readEnd();
  }

  survivors(jobId: JobId, attempt: number, watcher: ProcessRecord | undefined): Survivors {
    const program = new AttemptFolder(this.#workspaceOf(jobId), attempt).readProcess();
    const host = watcher?.host ?? program?.host;
    return {
      watcher: watcher !== undefined && isSameProcessAlive(watcher) ? watcher : undefined,
      program: program !== undefined && isGroupAlive(program) ? program : undefined,
      foreignHost: host !== undefined && host !== this.self.host ? host : undefined,
    };
  }

  async killGroup(group: ProcessRecord, graceMs: number): Promise<void> {
    if (isGroupAlive(group)) await endGroup(group.pgid, graceMs, () => isGroupAlive(group));
  }
}

class LocalAttempt implements RunningAttempt {
  readonly ended: Promise<AttemptEnd>;
  readonly #spec: AttemptSpec;
  readonly #folder: AttemptFolder;
  readonly #logs: { readonly stdout: CappedLog; readonly stderr: CappedLog };
  #child: Child | undefined;
  /** Why we ended the group, when we did. */
  #endedBy: AttemptCause | undefined;
  #ending: Promise<void> | undefined;
  #stderrTail = Buffer.alloc(0);

  constructor(spec: AttemptSpec, folder: AttemptFolder, output: AttemptOutput) {
    this.#spec = spec;
    this.#folder = folder;
    this.#logs = { stdout: new CappedLog(folder.file("stdout.log")), stderr: new CappedLog(folder.file("stderr.log")) };
    this.ended = this.#run(output);
  }

  stop(by: string): void {
    const isAgain = this.#endedBy !== undefined;
    this.#end({ kind: "stopped", by }, isAgain ? 0 : this.#spec.graceMs);
  }

  async #run(output: AttemptOutput): Promise<AttemptEnd> {
    const startedMs = performance.now();
    const heartbeat = setInterval(() => void this.#beat(), this.#spec.heartbeatMs);
    const { timeoutMs } = this.#spec;
    const timeout =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => this.#end({ kind: "timed_out", timeoutMs }, this.#spec.graceMs), timeoutMs);
    const cause = await this.#watch(output);
    clearInterval(heartbeat);
    clearTimeout(timeout);
    this.#logs.stdout.close();
    this.#logs.stderr.close();
    const end: AttemptEnd = {
      cause: this.#endedBy ?? cause,
      exitCode: cause.kind === "exited" ? cause.exitCode : null,
      signal: cause.kind === "signalled" ? cause.signal : null,
      endedAtMs: Date.now(),
      wallclockS: Math.round(performance.now() - startedMs) / 1000,
      stderrTail: this.#stderrTail.toString("utf8"),
    };
    await this.#folder.writeEnd(end);
    return end;
  }

  /** Starts the program and waits until it has ended and its output is read. */
  #watch(output: AttemptOutput): Promise<AttemptCause> {
    const [program = "", ...args] = this.#spec.argv;
    return new Promise((resolve) => {
      const child = spawnGroup(program, args, this.#spec);
      if (child instanceof Error) return resolve({ kind: "not_started", problem: messageOf(child) });
      this.#child = child;
      const { pid } = child;
      const record = pid === undefined ? undefined : identifyProcess(pid, pid);
      if (record !== undefined) this.#folder.writeProcess(record);
      child.stdout.on("data", (bytes: Buffer) => {
        this.#logs.stdout.write(bytes);
        pauseUntil(child.stdout, output.stdout(bytes));
      });
      child.stderr.on("data", (bytes: Buffer) => {
        this.#logs.stderr.write(bytes);
        this.#stderrTail = Buffer.concat([this.#stderrTail, bytes]).subarray(-STDERR_TAIL_BYTES);
        pauseUntil(child.stderr, output.stderr(bytes));
      });
      child.on("error", (error) => resolve({ kind: "not_started", problem: messageOf(error) }));
      child.on("exit", (exitCode, signal) => void this.#finish(child, toCause(exitCode, signal)).then(resolve));
    });
  }

  /** The program is gone; what it left in its group goes too, and then nothing can hold its pipes open for long. */
  async #finish(child: Child, cause: AttemptCause): Promise<AttemptCause> {
    const { pid } = child;
    await this.#ending;
    if (pid !== undefined && hasLiveMember(pid)) await endGroup(pid, this.#spec.graceMs, () => hasLiveMember(pid));
    const closed = [child.stdout, child.stderr].map(
      (stream) => stream.closed || new Promise((done) => stream.once("close", done)),
    );
    const waiting = new AbortController();
    await Promise.race([
      Promise.all(closed),
      sleep(DRAIN_MS, undefined, { signal: waiting.signal }).catch(() => undefined),
    ]);
    waiting.abort();
    child.stdout.destroy();
    child.stderr.destroy();
    return cause;
  }

  #end(cause: AttemptCause, graceMs: number): void {
    this.#endedBy ??= cause;
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    if (graceMs === 0) signalGroup(pid, "SIGKILL");
    else this.#ending ??= endGroup(pid, graceMs, () => hasLiveMember(pid));
  }

  async #beat(): Promise<void> {
    try {
      await this.#folder.writeHeartbeat(Date.now());
    } catch {
      // A full disk must not end the program; the missing heartbeat shows as "last seen".
    }
  }
}

function spawnGroup(program: string, args: readonly string[], spec: AttemptSpec): Child | Error {
  try {
    return spawn(program, args, {
      cwd: spec.cwd,
      env: spec.env,
      detached: true, // a process group of its own, so that all of it can be ended
      stdio: ["inherit", "pipe", "pipe"],
    });
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

function pauseUntil(stream: Readable, ready: Promise<void> | undefined): void {
  if (ready === undefined) return;
  stream.pause();
  void ready.then(() => stream.resume());
}

function toCause(exitCode: number | null, signal: NodeJS.Signals | null): AttemptCause {
  return signal === null ? { kind: "exited", exitCode: exitCode ?? 1 } : { kind: "signalled", signal };
}

/** TERM, then KILL when the group still has members after the grace; settles when it has none. */
async function endGroup(pgid: number, graceMs: number, isAlive: () => boolean): Promise<void> {
  signalGroup(pgid, "SIGTERM");
  const deadline = performance.now() + graceMs;
  while (isAlive() && performance.now() < deadline) await sleep(POLL_MS);
  if (isAlive()) signalGroup(pgid, "SIGKILL");
  // A group member that the kernel cannot kill yet (stuck in a device) is not waited for without end.
  const patience = performance.now() + 5000;
  while (isAlive() && performance.now() < patience) await sleep(POLL_MS);
}
