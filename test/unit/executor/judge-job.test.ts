import { describe, expect, it } from "vitest";

import type { BatchTraces } from "../../../src/executor/batch-executor.ts";
import type { AttemptCause, AttemptEnd } from "../../../src/executor/executor.ts";
import { type EndedJob, judgeJob } from "../../../src/executor/judge-job.ts";

function job(how: EndedJob["how"], exitCode = 0, signal = 0): EndedJob {
  return { kind: "ended", how, exitCode, signal, by: undefined };
}

function end(cause: AttemptCause, exitCode: number | null = null, signal: string | null = null): AttemptEnd {
  return { cause, exitCode, signal, endedAtMs: 1, wallclockS: 1, stderrTail: "" };
}

const NOTHING: BatchTraces = { startedBy: undefined, end: undefined, words: "" };
const BEGUN: BatchTraces = { ...NOTHING, startedBy: "1" };

describe("judgeJob", () => {
  it("takes the scheduler's word for success and failure, whatever the record says", () => {
    const bad = { ...BEGUN, end: end({ kind: "exited", exitCode: 3 }, 3) };
    const good = { ...BEGUN, end: end({ kind: "exited", exitCode: 0 }, 0) };

    expect(judgeJob(job("COMPLETED"), bad)).toMatchObject({ status: "complete", exitCode: 0 });
    expect(judgeJob(job("FAILED", 1), good)).toMatchObject({ status: "failed", reason: { code: "lost" } });
    expect(judgeJob(job("NODE_FAIL"), good)).toMatchObject({ status: "failed", reason: { code: "lost" } });
    expect(judgeJob(job("TIMEOUT"), good)).toMatchObject({ status: "failed", reason: { code: "timeout" } });
  });

  it.each([
    { record: end({ kind: "exited", exitCode: 3 }, 3), code: "exit_nonzero", exitCode: 3 },
    { record: end({ kind: "signalled", signal: "SIGSEGV" }, null, "SIGSEGV"), code: "signal", signal: "SIGSEGV" },
    { record: end({ kind: "timed_out", timeoutMs: 5 }), code: "timeout" },
    { record: end({ kind: "out_of_memory" }), code: "oom" },
    { record: end({ kind: "not_started", problem: "no program" }), code: "spawn_error" },
    { record: end({ kind: "lost", problem: "killed" }), code: "lost" },
    { record: end({ kind: "stopped", by: "SIGTERM" }), code: "signal" },
  ])("says by the record why a job failed: $code", ({ record, code, exitCode, signal }) => {
    const verdict = judgeJob(job("FAILED", 1), { ...BEGUN, end: record });

    expect(verdict).toMatchObject({ status: "failed", reason: { code } });
    expect(verdict).toMatchObject({ exitCode, signal });
  });

  it("says by the scheduler why a job failed that left no record", () => {
    expect(judgeJob(job("FAILED", 0, 9), BEGUN)).toMatchObject({
      reason: { code: "signal", message: "killed by SIGKILL" },
      signal: "SIGKILL",
    });
    expect(judgeJob(job("FAILED", 3), BEGUN)).toMatchObject({ reason: { code: "lost" }, exitCode: 3 });
    expect(judgeJob(job("FAILED", 127), { ...NOTHING, words: "no such thing" })).toMatchObject({
      reason: { code: "spawn_error", message: "its job could not start: no such thing" },
    });
    expect(judgeJob(job("FAILED", 1), NOTHING)).toMatchObject({
      reason: { message: "its job could not start: exit 1" },
    });
  });

  it("names who cancelled a job", () => {
    expect(judgeJob({ ...job("CANCELLED"), by: "1000" }, NOTHING).reason?.message).toBe(
      "cancelled in SLURM by user 1000",
    );
    expect(judgeJob(job("CANCELLED"), NOTHING).reason?.message).toBe("cancelled in SLURM");
  });
});
