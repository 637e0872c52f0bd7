import { constants } from "node:os";

import type { OutputsEnd } from "../output/output-store.ts";
import type { ReasonCode, TerminalStatus } from "../run/run-status.ts";
import type { AttemptCause, AttemptEnd, StopRequest } from "./executor.ts";

/** The status that the end of an attempt means, and why. */
export interface Verdict {
  readonly status: TerminalStatus;
  readonly reason: { readonly code: ReasonCode; readonly message: string } | undefined;
}

const SIGNAL_NUMBERS: Readonly<Record<string, number>> = constants.signals;
const STOPPED_BY: Readonly<Record<StopRequest, Verdict["reason"]>> = {
  SIGINT: { code: "operator_stop", message: "Ctrl-C" },
  SIGTERM: { code: "interrupted", message: "aexp got SIGTERM" },
  SIGHUP: { code: "interrupted", message: "aexp got SIGHUP: its terminal was closed" },
};

/** What the outputs of a program that ended well make of its end; `undefined` when they are all there. */
export function toOutputsCause(end: OutputsEnd): AttemptCause | undefined {
  switch (end.state) {
    case "recorded":
      return undefined;
    case "missing":
      return {
        kind: "output_missing",
        problem: `it did not write its output ${JSON.stringify(end.name)}, ${end.path}`,
      };
    case "invalid":
      return { kind: "output_invalid", problem: `its output ${JSON.stringify(end.name)}: ${end.message}` };
  }
}

/** What became of a run whose attempt ended so. */
export function judgeAttempt(cause: AttemptCause): Verdict {
  switch (cause.kind) {
    case "exited":
      if (cause.exitCode === 0) return { status: "complete", reason: undefined };
      return { status: "failed", reason: { code: "exit_nonzero", message: `exit ${cause.exitCode}` } };
    case "signalled":
      return { status: "failed", reason: { code: "signal", message: `killed by ${cause.signal}` } };
    case "out_of_memory":
      return { status: "failed", reason: { code: "oom", message: "killed by the kernel, which was out of memory" } };
    case "timed_out":
      return { status: "failed", reason: { code: "timeout", message: `longer than ${cause.timeoutMs / 1000} s` } };
    case "stopped":
      return { status: "stopped", reason: STOPPED_BY[cause.by] };
    case "not_started":
      return { status: "failed", reason: { code: "spawn_error", message: cause.problem } };
    case "output_missing":
    case "output_invalid":
      return { status: "failed", reason: { code: cause.kind, message: cause.problem } };
    case "lost":
      return { status: "failed", reason: { code: "lost", message: cause.problem } };
  }
}

/** What a shell would report: the program's exit code, or 128 + N for signal N; 130 when aexp was told to stop. */
export function toShellExitCode({ cause, exitCode, signal }: AttemptEnd): number {
  if (cause.kind === "stopped") return 130;
  if (cause.kind === "timed_out") return 124;
  if (cause.kind === "not_started") return cause.problem.includes("EACCES") ? 126 : 127;
  if (cause.kind === "lost" || cause.kind === "output_missing" || cause.kind === "output_invalid") return 1;
  return exitCode ?? 128 + (SIGNAL_NUMBERS[signal ?? ""] ?? 0);
}
