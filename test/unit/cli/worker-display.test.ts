import { EventEmitter } from "node:events";
import { describe, expect, it } from "vitest";

import type { WorkEvent, WorkSummary } from "../../../src/app/work-events.ts";
import { NdjsonDisplay, PlainDisplay, type WorkerIdentity } from "../../../src/cli/worker-display.ts";
import { WorkMemory } from "../../../src/cli/work-memory.ts";
import { renderWorkerSummary } from "../../../src/cli/render/worker-summary.ts";
import { nameWorker } from "../../../src/cli/worker-name.ts";
import { idOf } from "../../contract/queue-kit.ts";
import { NOW, task } from "../../helpers/tasks.ts";

const IDENTITY: WorkerIdentity = {
  workerId: "night-1a2b3c",
  machine: "laptop",
  pid: 4711,
  pools: "*=2",
  lanes: ["gpu"],
  database: ".aexp/state/aexp.db",
  metricsUrl: "http://127.0.0.1:9100/metrics",
};
const CLOCK = { nowMs: () => NOW, monotonicMs: () => 0 };
const SUMMARY: WorkSummary = {
  complete: 2,
  failed: 1,
  stopped: 0,
  retried: 0,
  released: 0,
  leasesLost: 0,
  wallclockS: 12.34,
  waiting: 0,
  ended: "empty",
};

class FakePipe extends EventEmitter {
  text = "";
  isFull = false;

  write(data: string | Uint8Array): boolean {
    this.text += Buffer.from(data).toString();
    return !this.isFull;
  }
}

function failure(name: string): WorkEvent {
  return {
    kind: "ended",
    attempt: {
      task: task(name, "failed", { attempt: 1 }),
      startedAtMs: NOW,
      isAdopted: false,
      lastMetric: () => undefined,
    },
    state: "failed",
    reason: { code: "exit_nonzero", message: "exit 1" },
    isReleased: false,
    wallclockS: 1.5,
    exitCode: 1,
  };
}

describe("a worker that tells in lines", () => {
  it("writes a line with its time for each thing that happens", () => {
    const pipe = new FakePipe();
    const display = new PlainDisplay(pipe, IDENTITY, CLOCK);
    display.start();
    display.observe(failure("a"));
    display.observe({ kind: "draining", running: 2, byMs: undefined });
    display.stopping();
    display.end();
    expect(pipe.text.trimEnd().split("\n")).toEqual([
      "2026-03-01T12:00:00Z worker night-1a2b3c (process 4711) serves *=2 in lanes gpu; metrics at http://127.0.0.1:9100/metrics",
      `2026-03-01T12:00:00Z ${idOf("a").slice(0, 8)} E001 failed after 1.5 s: exit 1`,
      "2026-03-01T12:00:00Z ending: 2 attempts still run; Ctrl-C or TERM again gives them back at once",
      "2026-03-01T12:00:00Z ending at once: what runs is stopped and given back",
    ]);
    expect([pipe.listenerCount("drain"), pipe.listenerCount("close")]).toEqual([0, 0]);
  });

  it("leaves lines out for a reader that is too slow, and says how many", async () => {
    const pipe = new FakePipe();
    const display = new PlainDisplay(pipe, IDENTITY, CLOCK);
    pipe.isFull = true;
    for (const name of ["a", "b", "c"]) display.observe(failure(name));
    expect(pipe.text.trimEnd().split("\n")).toHaveLength(1);
    pipe.isFull = false;
    pipe.emit("drain");
    await new Promise(setImmediate);
    display.observe(failure("d"));
    const lines = pipe.text.trimEnd().split("\n");
    expect(lines[1]).toMatch(/ … 2 lines are missing here, because the reader was too slow$/);
    expect(lines[2]).toContain(idOf("d").slice(0, 8));

    pipe.isFull = true;
    display.observe(failure("e"));
    display.observe(failure("f"));
    display.end();
    expect(pipe.text).toMatch(/ … 1 line is missing here, because the reader was too slow\n$/);
  });

  it("writes a document a line for programs, the last one about all of it", () => {
    const pipe = new FakePipe();
    const display = new NdjsonDisplay(pipe, IDENTITY, CLOCK);
    display.start();
    display.observe(failure("a"));
    display.observe({ kind: "recovered", jobId: idOf("b"), outcome: "adopted" });
    display.observe({ kind: "held_back", reason: "disk_full", message: "no space" });
    display.observe({ kind: "draining", running: 1, byMs: NOW });
    display.observe({ kind: "problem", message: "odd" });
    display.stopping();
    display.end(SUMMARY);
    const at = "2026-03-01T12:00:00Z";
    expect(
      pipe.text
        .trimEnd()
        .split("\n")
        .map((line): unknown => JSON.parse(line)),
    ).toEqual([
      {
        at,
        event: "up",
        worker_id: "night-1a2b3c",
        machine: "laptop",
        pid: 4711,
        pools: "*=2",
        lanes: ["gpu"],
        metrics_url: "http://127.0.0.1:9100/metrics",
      },
      {
        at,
        event: "ended",
        job_id: idOf("a"),
        attempt: 1,
        experiment_id: "E001",
        lane: "default",
        status: "failed",
        reason: { code: "exit_nonzero", message: "exit 1" },
        released: false,
        wallclock_s: 1.5,
        exit_code: 1,
      },
      { at, event: "recovered", job_id: idOf("b"), outcome: "adopted" },
      { at, event: "held_back", reason: { code: "disk_full", message: "no space" } },
      { at, event: "draining", running: 1, until: at },
      { at, event: "problem", message: "odd" },
      { at, event: "stopping" },
      expect.objectContaining({ at, event: "summary", complete: 2, failed: 1, wallclock_s: 12.34, ended: "empty" }),
    ]);
  });
});

describe("the summary of a worker", () => {
  const screen = { width: 80, color: false, isTTY: true, nowMs: NOW, isUnicode: true };

  it("names the failed runs, up to ten, and what to type next", () => {
    const memory = new WorkMemory();
    for (let n = 0; n < 12; n += 1) memory.observe(failure(`f${n}`));
    const lines = renderWorkerSummary({ ...SUMMARY, failed: 12, waiting: 2 }, memory, screen).split("\n");
    const id = idOf("f0").slice(0, 8);
    expect(lines[0]).toBe("2 complete, 12 failed in 12 s");
    expect(lines[1]).toBe(`  ${id} E001: exit 1`);
    expect(lines.slice(11)).toEqual([
      "  … and 2 more",
      `Why: aexp runs show ${id}   Again: aexp queue retry ${id}`,
      "2 runs wait for something that no worker does: aexp queue list",
      "Results: aexp runs list",
    ]);
  });

  it("says when there was nothing to do", () => {
    const nothing = { ...SUMMARY, complete: 0, failed: 0 };
    expect(renderWorkerSummary(nothing, new WorkMemory(), screen)).toBe("Nothing to do.");
    expect(renderWorkerSummary({ ...nothing, ended: "drained" }, new WorkMemory(), screen)).toMatch(/^Ended; nothing/);
  });
});

describe("the id of a worker", () => {
  it("begins with its name, or that of the machine, and is never the same", () => {
    expect(nameWorker("night", "laptop")).toMatch(/^night-[0-9a-f]{6}$/);
    expect(nameWorker(undefined, "my laptop!")).toMatch(/^my-laptop--[0-9a-f]{6}$/);
    expect(nameWorker(undefined, "…")).toMatch(/^worker-[0-9a-f]{6}$/);
    expect(nameWorker("a", "b")).not.toBe(nameWorker("a", "b"));
    expect(() => nameWorker("../x", "b")).toThrow(/"\.\.\/x" is no name for a worker/);
  });
});
