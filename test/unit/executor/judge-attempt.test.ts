import { describe, expect, it } from "vitest";

import type { AttemptCause } from "../../../src/executor/executor.ts";
import { judgeAttempt, toShellExitCode } from "../../../src/executor/judge-attempt.ts";

interface Case {
  readonly cause: AttemptCause;
  readonly exitCode?: number;
  readonly signal?: string;
  readonly status: string;
  readonly code?: string;
  readonly shell: number;
}

const CASES: readonly Case[] = [
  { cause: { kind: "exited", exitCode: 0 }, exitCode: 0, status: "complete", shell: 0 },
  { cause: { kind: "exited", exitCode: 3 }, exitCode: 3, status: "failed", code: "exit_nonzero", shell: 3 },
  { cause: { kind: "signalled", signal: "SIGSEGV" }, signal: "SIGSEGV", status: "failed", code: "signal", shell: 139 },
  { cause: { kind: "out_of_memory" }, signal: "SIGKILL", status: "failed", code: "oom", shell: 137 },
  { cause: { kind: "timed_out", timeoutMs: 1500 }, exitCode: 0, status: "failed", code: "timeout", shell: 124 },
  { cause: { kind: "stopped", by: "SIGINT" }, exitCode: 0, status: "stopped", code: "operator_stop", shell: 130 },
  { cause: { kind: "stopped", by: "SIGTERM" }, signal: "SIGKILL", status: "stopped", code: "interrupted", shell: 130 },
  { cause: { kind: "not_started", problem: "ENOENT" }, status: "failed", code: "spawn_error", shell: 127 },
  { cause: { kind: "not_started", problem: "spawn EACCES" }, status: "failed", code: "spawn_error", shell: 126 },
];

describe("the end of an attempt", () => {
  it.each(CASES)("$cause.kind, with exit $exitCode and signal $signal", ({ cause, exitCode, signal, ...expected }) => {
    const { status, reason } = judgeAttempt(cause);
    const shell = toShellExitCode({
      cause,
      exitCode: exitCode ?? null,
      signal: signal ?? null,
      endedAtMs: 0,
      wallclockS: 0,
      stderrTail: "",
    });

    expect({ status, code: reason?.code, shell }).toEqual({ code: undefined, ...expected });
  });
});
