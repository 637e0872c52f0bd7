import type { OutputDeclaration } from "../output/declaration.ts";
import type { ProcessRecord } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";

/** One execution of a run, ready to start. */
export interface AttemptSpec {
  readonly jobId: JobId;
  readonly attempt: number;
  /** Program and arguments; no shell comes between. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The tree differed from HEAD; kept so that the run can be understood later. */
  readonly codePatch: Uint8Array | undefined;
  readonly timeoutMs: number | undefined;
  readonly heartbeatMs: number;
  /** How long the program has between TERM and KILL. */
  readonly graceMs: number;
  /** Only for a stage of a pipeline. */
  readonly stage?: StageAttempt | undefined;
}

/** What the attempt of a stage needs beyond its command. */
export interface StageAttempt {
  /** Hashed and recorded after a success; without them it is none. */
  readonly outputs: readonly OutputDeclaration[];
  /** Files in the attempt's folder that its command is told of. */
  readonly files: readonly { readonly name: string; readonly text: string }[];
}

/** What asked for an attempt's end: a person at the keyboard, or a signal from elsewhere. */
export type StopRequest = "SIGINT" | "SIGTERM" | "SIGHUP";

/** Why an attempt is no longer running. */
export type AttemptCause =
  | { readonly kind: "exited"; readonly exitCode: number }
  | { readonly kind: "signalled"; readonly signal: string }
  | { readonly kind: "out_of_memory" }
  | { readonly kind: "timed_out"; readonly timeoutMs: number }
  | { readonly kind: "stopped"; readonly by: StopRequest }
  | { readonly kind: "not_started"; readonly problem: string }
  /** The program ended well, and did not write what it declares. */
  | { readonly kind: "output_missing"; readonly problem: string }
  | { readonly kind: "output_invalid"; readonly problem: string }
  /** Who watched it died before it ended, so that nobody knows how it would have ended. */
  | { readonly kind: "lost"; readonly problem: string };

/** How an attempt ended: what `exit.json` holds in the attempt's folder. */
export interface AttemptEnd {
  readonly cause: AttemptCause;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly endedAtMs: number;
  readonly wallclockS: number;
  readonly stderrTail: string;
  /** Why what was kept of the attempt is not whole; absent when it is. */
  readonly recordProblem?: string | undefined;
}

/** An attempt under way. */
export interface RunningAttempt {
  /** Settles once the program, and all that it left in its process group, is gone and the end is recorded. */
  readonly ended: Promise<AttemptEnd>;
  /** Ends the whole process group: TERM, after the grace KILL. Called again it kills at once. */
  stop(by: StopRequest): void;
}

/**
 * Where the program's output goes while it runs, beside its logs. A promise asks for a pause until it settles, so that
 * a slow reader slows the program down instead of filling our memory.
 */
export interface AttemptOutput {
  stdout(bytes: Uint8Array): Promise<void> | undefined;
  stderr(bytes: Uint8Array): Promise<void> | undefined;
}

/** Carries out attempts, and knows what became of those whose aexp process died. */
export interface Executor {
  /** This process, as a document names it while an attempt runs. */
  readonly self: ProcessRecord;

  start(spec: AttemptSpec, output: AttemptOutput): Promise<RunningAttempt>;

  /** The recorded end of an attempt; `undefined` when none was recorded. */
  recordedEnd(jobId: JobId, attempt: number): AttemptEnd | undefined;

  /** The processes of an attempt that are still there: the aexp that watched it, and the program's group. */
  survivors(jobId: JobId, attempt: number, watcher: ProcessRecord | undefined): Survivors;

  /** Kills the program's group of an attempt whose aexp process is gone, and waits until it is. */
  killGroup(group: ProcessRecord, graceMs: number): Promise<void>;
}

/** What is left of an attempt. */
export interface Survivors {
  /** The aexp process that watches the attempt, when it lives. */
  readonly watcher: ProcessRecord | undefined;
  /** The program, when its process group lives. */
  readonly program: ProcessRecord | undefined;
  /** The attempt ran on another machine, where nothing can be known from here. */
  readonly foreignHost: string | undefined;
}
