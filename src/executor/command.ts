import { constants } from "node:os";

/** A command that is executed here and now, and that is no attempt of a run: nothing of it is recorded. */
export interface CommandSpec {
  /** Program and arguments; no shell comes between. */
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /**
   * `ours` shares our standard streams; `on_stderr` likewise, but what it prints goes to our standard error; otherwise
   * it reads this text, and only the end of what it prints is kept.
   */
  readonly streams: "ours" | "on_stderr" | { readonly input: string };
  /** What its process group leaves running after its end has so long between TERM and KILL. */
  readonly graceMs: number;
}

/** How a command ended. */
export interface CommandEnd {
  readonly cause:
    | { readonly kind: "exited"; readonly exitCode: number }
    | { readonly kind: "signalled"; readonly signal: string }
    | { readonly kind: "not_started"; readonly problem: string };
  /** The end of what it printed, when that was kept. */
  readonly outputTail: string;
}

/** A command under way, in a process group of its own. */
export interface RunningCommand {
  /** Settles once nothing of its process group is left. It never rejects. */
  readonly ended: Promise<CommandEnd>;
  /** Ends the whole process group: TERM and, after the grace, KILL. */
  stop(graceMs: number): void;
}

/** Starts a command. */
export type StartCommand = (spec: CommandSpec) => RunningCommand;

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = constants.signals;

/** What a shell would report: the exit code, 128 + N for signal N, 126 or 127 for what cannot be started. */
export function toCommandExitCode({ cause }: CommandEnd): number {
  switch (cause.kind) {
    case "exited":
      return cause.exitCode;
    case "signalled":
      return 128 + (SIGNAL_NUMBERS[cause.signal] ?? 0);
    case "not_started":
      return cause.problem.includes("EACCES") ? 126 : 127;
  }
}
