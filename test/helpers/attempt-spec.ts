import type { AttemptSpec } from "../../src/executor/executor.ts";
import { type JobId, parseJobId } from "../../src/run/job-id.ts";

/** A different job id for each number. */
export function jobIdOf(n: number): JobId {
  return parseJobId(n.toString(16).padStart(32, "0"));
}

/** What is executed, and what a test says otherwise of it. */
export type TestSpec = Partial<AttemptSpec> & { readonly line?: string };

/** An attempt of a shell line or of a command. */
export function specOf(id: number, { line = "true", ...given }: TestSpec = {}): AttemptSpec {
  return {
    jobId: jobIdOf(id),
    attempt: 1,
    argv: ["/bin/sh", "-c", line],
    cwd: "/",
    env: { PATH: process.env["PATH"] },
    codePatch: undefined,
    timeoutMs: undefined,
    heartbeatMs: 30_000,
    graceMs: 1000,
    ...given,
  };
}
