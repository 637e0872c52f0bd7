import { once } from "node:events";
import { existsSync } from "node:fs";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

import { messageOf, systemErrorCode } from "../../model/errors.ts";
import type { ProcessRecord } from "../../run/document.ts";
import { toOutputsCause } from "../judge-attempt.ts";
import type { AttemptCause, AttemptEnd, AttemptOutput, AttemptSpec, RunningAttempt, StopRequest } from "../executor.ts";
import type { AttemptFolder } from "./attempt-folder.ts";
import { CappedLog } from "./capped-log.ts";
import type { Child, Launch } from "./launch.ts";
import { countOomKillsBefore, hasOomKillSince } from "./oom-kills.ts";
import { endGroup, signalSameGroup } from "./process-group.ts";
import { startTimer } from "./timer.ts";
import { identifyProcess, isGroupAlive, isSameProcessAlive, recordOfGone } from "./process-identity.ts";

const STDERR_TAIL_BYTES = 8192;
/** How long a pipe that a silent process outside the group still holds is read, after the program and its group. */
const DRAIN_MS = 2000;
/** The same for one that prints without end. */
const MAX_DRAIN_MS = 4000;
const DRAIN_POLL_MS = 20;

/** How the program itself ended, before it is asked who wanted that. */
interface ProgramEnd {
  readonly cause: AttemptCause;
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** One program in a process group of its own, from its start until nothing of it is left. */
export class LocalAttempt implements RunningAttempt {
  /** The program's process, once it is on record; `undefined` when it could not be started, or must not go on. */
  readonly begun: Promise<ProcessRecord | undefined>;
  readonly ended: Promise<AttemptEnd>;
  readonly #spec: AttemptSpec;
  readonly #folder: AttemptFolder;
  readonly #launch: Launch;
  readonly #logs: { readonly stdout: CappedLog; readonly stderr: CappedLog };
  readonly #begun = Promise.withResolvers<ProcessRecord | undefined>();
  #group: ProcessRecord | undefined;
  #startedMs = performance.now();
  #timeout: Disposable | undefined;
  /** Why the program must not go on. */
  #problem: string | undefined;
  /** Why we ended the group, when we did. */
  #endedBy: AttemptCause | undefined;
  #ending: Promise<void> | undefined;
  /** The program is gone: what is asked for now is no longer why. */
  #isOver = false;
  #isOutputGivenUp = false;
  #lastOutputMs = 0;
  #stderrTail = Buffer.alloc(0);

  constructor(spec: AttemptSpec, folder: AttemptFolder, output: AttemptOutput, launch: Launch) {
    this.#spec = spec;
    this.#folder = folder;
    this.#launch = launch;
    this.#logs = openLogs(folder);
    this.begun = this.#begun.promise;
    this.ended = this.#run(output);
  }

  stop(by: StopRequest): void {
    this.#isOutputGivenUp = this.#isOver;
    const isAgain = this.#endedBy !== undefined || this.#isOver;
    this.#end({ kind: "stopped", by }, isAgain ? 0 : this.#spec.graceMs);
  }

  /** Ends the whole process group, with the grace unless `mode` is `kill`. Asked again it changes nothing. */
  end(by: StopRequest, mode: "graceful" | "kill"): void {
    if (mode === "kill") this.#end({ kind: "stopped", by }, 0);
    else if (!this.#isOver) this.#end({ kind: "stopped", by }, this.#spec.graceMs);
  }

  async #run(output: AttemptOutput): Promise<AttemptEnd> {
    const heartbeat = setInterval(
      () => void this.#folder.writeHeartbeat(Date.now()).catch(ignore),
      this.#spec.heartbeatMs,
    );
    const end = await this.#watch(output);
    const endedAtMs = Date.now();
    const wallclockS = Math.round(performance.now() - this.#startedMs) / 1000;
    this.#timeout?.[Symbol.dispose]();
    this.#logs.stdout.close();
    this.#logs.stderr.close();
    const cause = await this.#recordOutputs(end.cause);
    clearInterval(heartbeat);
    return await this.#record({
      ...end,
      cause,
      endedAtMs,
      wallclockS,
      stderrTail: this.#stderrTail.toString("utf8"),
      recordProblem: this.#logs.stdout.problem ?? this.#logs.stderr.problem,
    });
  }

  /** What a stage has written is hashed here, where it was just written, and before its end is known to anybody. */
  async #recordOutputs(cause: AttemptCause): Promise<AttemptCause> {
    const { stage, attempt } = this.#spec;
    if (stage === undefined || cause.kind !== "exited" || cause.exitCode !== 0) return cause;
    try {
      const { recordOutputs } = await import("../../output/fs/record-outputs.ts");
      return toOutputsCause(await recordOutputs(this.#folder.workspace, attempt, stage.outputs)) ?? cause;
    } catch (error) {
      return { kind: "output_invalid", problem: messageOf(error) };
    }
  }

  /** Keeps the end for an aexp that finds the document not yet written. The end counts without it, too. */
  async #record(end: AttemptEnd): Promise<AttemptEnd> {
    try {
      await this.#launch.keepEnd(end);
      return end;
    } catch (error) {
      return { ...end, recordProblem: end.recordProblem ?? messageOf(error) };
    }
  }

  /** Starts the program and waits until it has ended and its output is read. */
  #watch(output: AttemptOutput): Promise<ProgramEnd> {
    const oomKills = countOomKillsBefore();
    return new Promise((resolve) => {
      const notStarted = (error: unknown): void => {
        this.#begun.resolve(undefined);
        resolve(toNotStarted(toProblem(error, this.#spec)));
      };
      let child: Child;
      try {
        child = this.#launch.spawn(this.#spec);
      } catch (error) {
        return notStarted(error);
      }
      void this.#begin(child);
      this.#read(child, output);
      child.on("error", notStarted);
      child.on("exit", (exitCode, signal) => {
        if (this.#launch.isStopAsked()) this.#endedBy ??= { kind: "stopped", by: "SIGTERM" };
        this.#isOver = true;
        const cause = this.#endedBy ?? toCause(exitCode, signal, () => hasOomKillSince(oomKills));
        // It may be gone before it is known whether it may go on.
        void Promise.all([this.#finish(child), this.begun]).then(() =>
          resolve(this.#problem === undefined ? { cause, exitCode, signal } : toNotStarted(this.#problem)),
        );
      });
    });
  }

  /** Puts the program on record, from which moment its time counts. */
  async #begin(child: Child): Promise<void> {
    const { pid } = child;
    if (pid === undefined) return; // why, it tells itself
    const group = (this.#group = identifyProcess(pid, pid) ?? recordOfGone(pid));
    this.#problem = await this.#launch.record(child, group);
    if (this.#problem === undefined) this.#startClock();
    this.#begun.resolve(this.#problem === undefined ? group : undefined);
  }

  #startClock(): void {
    const { timeoutMs, graceMs } = this.#spec;
    this.#startedMs = performance.now();
    if (timeoutMs === undefined || this.#isOver) return;
    this.#timeout = startTimer(timeoutMs, () => this.#end({ kind: "timed_out", timeoutMs }, graceMs));
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
    await this.#ending;
    if (this.#group !== undefined && isGroupAlive(this.#group)) await endGroup(this.#group, this.#spec.graceMs);
    this.#lastOutputMs = performance.now();
    const streams = [child.stdout, child.stderr];
    await Promise.race([Promise.all(streams.map(untilClosed)), sleep(DRAIN_POLL_MS)]);
    let drainedMs = 0;
    while (streams.some((stream) => !stream.closed) && !this.#isOutputGivenUp) {
      // A paused stream waits for our own reader, perhaps a pager, and has more to say.
      const isWaitedFor = streams.some((stream) => stream.isPaused());
      const isSilent = performance.now() - this.#lastOutputMs > DRAIN_MS;
      if (!isWaitedFor && (isSilent || drainedMs > MAX_DRAIN_MS)) break;
      await sleep(DRAIN_POLL_MS);
      if (!isWaitedFor) drainedMs += DRAIN_POLL_MS;
    }
    for (const stream of streams) stream.destroy();
  }

  #end(cause: AttemptCause, graceMs: number): void {
    if (this.#group === undefined) return;
    // It may be dead although we have not heard of it: then this is not why.
    if (!this.#isOver && isSameProcessAlive(this.#group)) this.#endedBy ??= cause;
    if (graceMs === 0) signalSameGroup(this.#group, "SIGKILL");
    else this.#ending ??= endGroup(this.#group, graceMs);
  }
}

function openLogs(folder: AttemptFolder): { readonly stdout: CappedLog; readonly stderr: CappedLog } {
  const stdout = new CappedLog(folder.file("stdout.log"));
  try {
    return { stdout, stderr: new CappedLog(folder.file("stderr.log")) };
  } catch (error) {
    stdout.close(); // a supervisor has few descriptors left when this fails, and must not lose one each time
    throw error;
  }
}

function toNotStarted(problem: string): ProgramEnd {
  return { cause: { kind: "not_started", problem }, exitCode: null, signal: null };
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

function toCause(exitCode: number | null, signal: NodeJS.Signals | null, isMemoryShort: () => boolean): AttemptCause {
  // A shell between us and the program reports its KILL as 137.
  if ((signal === "SIGKILL" || exitCode === 137) && isMemoryShort()) return { kind: "out_of_memory" };
  return signal === null ? { kind: "exited", exitCode: exitCode ?? 1 } : { kind: "signalled", signal };
}

/** For extras: a full disk must not end the program. A missing heartbeat shows as "last seen". */
function ignore(): void {
  // Nothing to do.
}
