import { describe, expect, it } from "vitest";

import { parseSacct, parseScontrolJobs, parseSqueue } from "../../../src/executor/sacct.ts";

/** A line as sacct prints it, with what matters here. */
function stateOf(word: string, { codes = "0:0", end = "2026-11-21T12:41:34" } = {}) {
  const [job] = parseSacct(`17|aexp-x-1|${word}|${codes}|2026-11-21T12:41:32|${end}|/home/ana\n`);
  return job?.state;
}

describe("parseSacct", () => {
  it("reads what was recorded from SLURM 22.05", () => {
    const recorded = `1|allocation|PENDING|0:0|2026-11-21T12:41:32|Unknown|
1|aexp-x-1|CANCELLED by 0|0:0|2026-11-21T12:41:32|2026-11-21T12:41:34|/tmp/t1/a b
5|s|sh|CANCELLED by 0|0:0|None|2026-11-21T12:43:20|/tmp
`;

    expect(parseSacct(recorded)).toEqual([
      {
        schedulerJobId: "1",
        name: "allocation",
        folder: "",
        state: { kind: "pending" },
        startedAtMs: Date.UTC(2026, 10, 21, 12, 41, 32),
        endedAtMs: undefined,
      },
      {
        schedulerJobId: "1",
        name: "aexp-x-1",
        folder: "/tmp/t1/a b",
        state: { kind: "ended", how: "CANCELLED", exitCode: 0, signal: 0, by: "0" },
        startedAtMs: Date.UTC(2026, 10, 21, 12, 41, 32),
        endedAtMs: Date.UTC(2026, 10, 21, 12, 41, 34),
      },
      expect.objectContaining({ schedulerJobId: "5", state: expect.objectContaining({ kind: "unknown" }) }),
    ]);
  });

  it("reads exit codes and signals", () => {
    expect(stateOf("FAILED", { codes: "7:0" })).toMatchObject({ how: "FAILED", exitCode: 7, signal: 0 });
    expect(stateOf("FAILED", { codes: "0:9" })).toMatchObject({ how: "FAILED", exitCode: 0, signal: 9 });
    expect(stateOf("FAILED", { codes: "" })).toMatchObject({ how: "FAILED", exitCode: 0, signal: 0 });
  });

  it.each(["PENDING", "REQUEUED", "REQUEUE_HOLD", "CONFIGURING"])("takes %s for waiting", (word) => {
    expect(stateOf(word)).toEqual({ kind: "pending" });
  });

  it.each(["RUNNING", "COMPLETING", "SUSPENDED", "RESIZING", "STAGE_OUT", "STOPPED"])(
    "takes %s for running",
    (word) => {
      expect(stateOf(word)).toEqual({ kind: "running" });
    },
  );

  it.each([
    "COMPLETED",
    "FAILED",
    "CANCELLED",
    "TIMEOUT",
    "OUT_OF_MEMORY",
    "NODE_FAIL",
    "PREEMPTED",
    "BOOT_FAIL",
    "DEADLINE",
  ])("takes %s for an end only when it has a time", (how) => {
    expect(stateOf(how)).toMatchObject({ kind: "ended", how });
    for (const end of ["Unknown", "None", ""]) {
      expect(stateOf(how, { end })).toEqual({ kind: "unknown", word: `${how} without an end` });
    }
  });

  it.each(["REVOKED", "completed", "COMPLETEDX", ""])("takes %j for no end", (word) => {
    expect(stateOf(word)).toMatchObject({ kind: "unknown" });
  });

  it("leaves steps and other lines out", () => {
    const text = "17.batch|batch|FAILED|1:0|a|b|\n17_3.batch|batch|FAILED|1:0|a|b|\n\nsacct: words\n17|x\n";

    expect(parseSacct(text)).toEqual([]);
  });

  it("reads elements of arrays, those that wait together from one line", () => {
    const recorded = `11_7|aexp-array-y|FAILED|5:0|2026-11-21T15:11:45|2026-11-21T15:11:45|/tmp/arr
11_[0-2,4,8-9]|aexp-array-y|CANCELLED by 0|0:0|None|2026-11-21T15:12:24|/tmp/arr
`;

    const jobs = parseSacct(recorded);

    expect(jobs.map(({ schedulerJobId, state }) => `${schedulerJobId} ${"how" in state ? state.how : ""}`)).toEqual([
      "11_7 FAILED",
      "11_0 CANCELLED",
      "11_1 CANCELLED",
      "11_2 CANCELLED",
      "11_4 CANCELLED",
      "11_8 CANCELLED",
      "11_9 CANCELLED",
    ]);
  });
});

describe("parseSqueue", () => {
  it("reads one job a line, with any folder", () => {
    expect(parseSqueue("7|aexp-x-1|/a|b\n8_2|aexp-array-y|/tmp\nslurm: words\n")).toEqual([
      { schedulerJobId: "7", name: "aexp-x-1", folder: "/a|b" },
      { schedulerJobId: "8_2", name: "aexp-array-y", folder: "/tmp" },
    ]);
  });
});

describe("parseScontrolJobs", () => {
  it("reads what was recorded from SLURM 22.05, with blanks in names", () => {
    const recorded =
      "JobId=1 JobName=aexp x 9 UserId=root(0) GroupId=root(0) MCS_label=N/A JobState=FAILED Reason=NonZeroExitCode " +
      "Dependency=(null) Requeue=1 Restarts=0 ExitCode=3:0 RunTime=00:00:00 SubmitTime=2026-11-21T12:50:23 " +
      "StartTime=2026-11-21T12:50:24 EndTime=2026-11-21T12:50:24 Deadline=N/A Command=(null) WorkDir=/tmp/t 1 " +
      "StdErr=/tmp/t1/slurm-1.out StdIn=/dev/null \nNo jobs in the system\n";

    expect(parseScontrolJobs(recorded)).toEqual([
      {
        schedulerJobId: "1",
        name: "aexp x 9",
        folder: "/tmp/t 1",
        state: { kind: "ended", how: "FAILED", exitCode: 3, signal: 0, by: undefined },
        startedAtMs: Date.UTC(2026, 10, 21, 12, 50, 24),
        endedAtMs: Date.UTC(2026, 10, 21, 12, 50, 24),
      },
    ]);
  });

  it("takes the time at which a job would end for no end", () => {
    const line =
      "JobId=2 JobName=x UserId=a(1) JobState=RUNNING ExitCode=0:0 StartTime=2026-11-21T12:50:24 EndTime=2026-11-22T12:50:24 WorkDir=/ StdErr=/x";
    expect(parseScontrolJobs(line)).toMatchObject([{ state: { kind: "running" } }]);
  });
});
