import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import { messageOf, systemErrorCode } from "../../model/errors.ts";
import type { AttemptCause, AttemptEnd, AttemptOutput, AttemptSpec, RunningAttempt, StopRequest } from "../executor.ts";
import type { AttemptFolder } from "./attempt-folder.ts";
import { CappedLog } from "./capped-log.ts";
import { countOomKills } from "./oom-kills.ts";
import { endGroup } from "./process-group.ts";
import { hasLiveMember, identifyProcess, signalGroup } from "./process-identity.ts";

type Child = ChildProcessByStdio<null, Readable, Readable>;

const STDERR_TAIL_BYTES = 8192;
/** How long a pipe that a process outside the group still holds is read, after the program and its group are gone. */
const DRAIN_MS = 2000;
const DRAIN_POLL_MS = 20;

/** How the program itself ended, before it is asked who wanted that. */
interface ProgramEnd {
  readonly cause: AttemptCause;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One program in a process group of its own, from its start until nothing of it is left. */
export class LocalAttempt implements RunningAttempt {
  readonly ended: Promise<AttemptEnd>;
  readonly #spec: AttemptSpec;
  readonly #folder: AttemptFolder;
  readonly #logs: { readonly stdout: CappedLog; readonly stderr: CappedLog };
  #child: Child | undefined;
  /** Why we ended the group, when we did. */
  #endedBy: AttemptCause | undefined;
  #ending: Promise<void> | undefined;
  /** The program is gone: what is asked for now is no longer why. */
  #isOver = false;
  #isOutputGivenUp = false;
  #lastOutputMs = 0;
  #stderrTail = Buffer.alloc(0);

  constructor(spec: AttemptSpec, folder: AttemptFolder, output: AttemptOutput) {
    this.#spec = spec;
    this.#folder = folder;
    this.#logs = { stdout: new CappedLog(folder.file("stdout.log")), stderr: new CappedLog(folder.file("stderr.log")) };
    this.ended = this.#run(output);
  }

  stop(by: StopRequest): void {
    this.#isOutputGivenUp = this.#isOver;
    const isAgain = this.#endedBy !== undefined || this.#isOver;
    this.#end({ kind: "stopped", by }, isAgain ? 0 : this.#spec.graceMs);
  }

  async #run(output: AttemptOutput): Promise<AttemptEnd> {
    const startedMs = performance.now();
    const heartbeat = setInterval(
      () => void this.#folder.writeHeartbeat(Date.now()).catch(ignore),
      this.#spec.heartbeatMs,
    );
    const { timeoutMs } = this.#spec;
    const timeout =
      timeoutMs === undefined
        ? undefined
        : setTimeout(() => this.#end({ kind: "timed_out", timeoutMs }, this.#spec.graceMs), timeoutMs);
    const { cause, exitCode, signal } = await this.#watch(output);
    clearInterval(heartbeat);
    clearTimeout(timeout);
    this.#logs.stdout.close();
    this.#logs.stderr.close();
    return await this.#record({
      cause: this.#endedBy ?? cause,
      exitCode,
      signal,
      endedAtMs: Date.now(),
      wallclockS: Math.round(performance.now() - startedMs) / 1000,
      stderrTail: this.#stderrTail.toString("utf8"),
      recordProblem: this.#logs.stdout.problem ?? this.#logs.stderr.problem,
    });
  }

  /** Keeps the end for an aexp that finds the document not yet written. The end counts without it, too. */
  async #record(end: AttemptEnd): Promise<AttemptEnd> {
    try {
      await this.#folder.writeEnd(end);
      return end;
    } catch (error) {
      return { ...end, recordProblem: end.recordProblem ?? messageOf(error) };
    }
  }

  /** Starts the program and waits until it has ended and its output is read. */
  #watch(output: AttemptOutput): Promise<ProgramEnd> {
    const oomKills = countOomKills();
    return new Promise((resolve) => {
      const notStarted = (error: unknown): void =>
        resolve({
          cause: { kind: "not_started", problem: toProblem(error, this.#spec) },
          exitCode: null,
          signal: null,
        });
      let child: Child;
      try {
        child = spawnGroup(this.#spec);
      } catch (error) {
        return notStarted(error);
      }
      this.#child = child;
      this.#recordProcess(child);
      this.#read(child, output);
      child.on("error", notStarted);
      child.on("exit", (exitCode, signal) => {
        this.#isOver = true;
        const cause = toCause(exitCode, signal, (countOomKills() ?? 0) > (oomKills ?? 0));
        void this.#finish(child).then(() => resolve({ cause, exitCode, signal }));
      });
    });
  }

  #recordProcess({ pid }: Child): void {
    const record = pid === undefined ? undefined : identifyProcess(pid, pid);
    if (record !== undefined) void this.#folder.writeProcess(record).catch(ignore);
  }

  #read(child: Child, output: AttemptOutput): void {
    child.stdout.on("data", (bytes: Buffer) => {
      this.#lastOutputMs = performance.now();
      this.#logs.stdout.write(bytes);
      pauseUntil(child.stdout, output.stdout(bytes));
    });
    child.stderr.on("data", (bytes: Buffer) => {
      this.#lastOutputMs = performance.now();
      this.#logs.stderr.write(bytes);
      this.#stderrTail = Buffer.concat([this.#stderrTail, bytes]).subarray(-STDERR_TAIL_BYTES);
      pauseUntil(child.stderr, output.stderr(bytes));
    });
  }

  /** The program is gone; what it left in its group goes too, and then the rest of the output is read. */
  async #finish(child: Child): Promise<void> {
    const { pid } = child;
    await this.#ending;
    if (pid !== undefined && hasLiveMember(pid)) await endGroup(pid, this.#spec.graceMs, () => hasLiveMember(pid));
    this.#lastOutputMs = performance.now();
    const streams = [child.stdout, child.stderr];
    await Promise.race([Promise.all(streams.map(untilClosed)), sleep(DRAIN_POLL_MS)]);
    while (streams.some((stream) => !stream.closed) && !this.#isOutputGivenUp) {
      // A paused stream waits for our own reader, perhaps a pager, and has more to say.
      const isWaitedFor = streams.some((stream) => stream.isPaused());
      if (!isWaitedFor && performance.now() - this.#lastOutputMs > DRAIN_MS) break;
      await sleep(DRAIN_POLL_MS);
    }
    for (const stream of streams) stream.destroy();
  }

  #end(cause: AttemptCause, graceMs: number): void {
    if (!this.#isOver) this.#endedBy ??= cause;
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    if (graceMs === 0) signalGroup(pid, "SIGKILL");
    else this.#ending ??= endGroup(pid, graceMs, () => hasLiveMember(pid));
  }
}

function spawnGroup({ argv, cwd, env }: AttemptSpec): Child {
  const [program = "", ...args] = argv;
  return spawn(program, args, {
    cwd,
    env,
    detached: true, // a process group of its own, so that all of it can be ended
    stdio: ["inherit", "pipe", "pipe"],
  });
}

/** Why a program did not start, in words; the system's code stays, a shell makes 126 or 127 of it. */
function toProblem(error: unknown, { argv: [program = ""], cwd }: AttemptSpec): string {
  const name = JSON.stringify(program);
  const code = systemErrorCode(error);
  if (code === "EACCES") return `${name} may not be executed (EACCES)`;
  if (code !== "ENOENT") return messageOf(error);
  if (!existsSync(cwd)) return `the folder ${JSON.stringify(cwd)} is gone (ENOENT)`;
  const words = /\s/.test(program) ? ": arguments are words of their own, and for a whole line there is sh -c" : "";
  return `there is no program ${name} (ENOENT)${words}`;
}

function pauseUntil(stream: Readable, ready: Promise<void> | undefined): void {
  if (ready === undefined) return;
  stream.pause();
  void ready.then(() => stream.resume());
}

async function untilClosed(stream: Readable): Promise<void> {
  if (!stream.closed) await once(stream, "close");
}

function toCause(exitCode: number | null, signal: NodeJS.Signals | null, isMemoryShort: boolean): AttemptCause {
  // A shell between us and the program reports its KILL as 137.
  if (isMemoryShort && (signal === "SIGKILL" || exitCode === 137)) return { kind: "out_of_memory" };
  return signal === null ? { kind: "exited", exitCode: exitCode ?? 1 } : { kind: "signalled", signal };
}

/** For extras: a full disk must not end the program. A missing heartbeat shows as "last seen". */
function ignore(): void {
  // Nothing to do.
}
