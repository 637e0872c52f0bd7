import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";

import type { LaneRow } from "../../../src/app/list-lanes.ts";
import type { WorkCounts, WorkEvent, WorkingAttempt } from "../../../src/app/work-events.ts";
import type { Screen } from "../../../src/cli/screen.ts";
import { renderLastMetric, renderWorkerFrame, type WorkerFrame } from "../../../src/cli/render/worker-frame.ts";
import { textWidth } from "../../../src/cli/render/text-width.ts";
import type { WorkerIdentity } from "../../../src/cli/worker-display.ts";
import { WorkerScreen } from "../../../src/cli/worker-screen.ts";
import type { JsonValue } from "../../../src/model/json.ts";
import type { Task } from "../../../src/queue/task.ts";
import { idOf } from "../../contract/queue-kit.ts";
import { lane, NOW, spec, task } from "../../helpers/tasks.ts";
import { FakeTerminal } from "../../helpers/terminal.ts";

const IDENTITY: WorkerIdentity = {
  workerId: "laptop-1a2b3c",
  machine: "laptop",
  pid: 4711,
  pools: "train=2,*=1",
  lanes: undefined,
  database: ".aexp/state/aexp.db",
  metricsUrl: undefined,
};
const COUNTS: WorkCounts = { complete: 0, failed: 0, stopped: 0, retried: 0, released: 0, leasesLost: 0 };
const LANES: readonly LaneRow[] = [
  { lane: lane(), active: 1, queued: 12, blocked: 0 },
  { lane: lane({ name: "gpu", maxRunning: 2, isPaused: true }), active: 2, queued: 1204, blocked: 3 },
  { lane: lane({ name: "empty" }), active: 0, queued: 0, blocked: 0 },
];

function attempt(one: Task, metric?: Readonly<Record<string, JsonValue>>): WorkingAttempt {
  return { task: one, startedAtMs: NOW, isAdopted: false, lastMetric: () => metric };
}

function ended(of: WorkingAttempt, patch: Partial<Extract<WorkEvent, { kind: "ended" }>> = {}): WorkEvent {
  return {
    kind: "ended",
    attempt: of,
    state: "complete",
    reason: undefined,
    isReleased: false,
    wallclockS: 12,
    exitCode: 0,
    ...patch,
  };
}

describe("the frame of a worker", () => {
  const screen: Screen = { width: 99, color: false, isTTY: true, nowMs: NOW, isUnicode: true };
  const frame: WorkerFrame = {
    identity: IDENTITY,
    lanes: LANES,
    running: [
      {
        id: "42b7b4f2",
        name: "E001",
        parameters: "lr=0.1 seed=2",
        attempt: 1,
        elapsedS: 65,
        metric: "step=4 loss=0.5",
      },
      { id: "d3a7c1e0", name: "prepare", parameters: "", attempt: 3, elapsedS: 0.2, metric: "" },
    ],
    counts: { ...COUNTS, complete: 12, failed: 1, retried: 2 },
    elapsedS: 192,
    phase: { kind: "working" },
  };

  it("says who works, how the lanes stand, what runs and what was done", () => {
    expect(renderWorkerFrame(frame, screen, 30)).toEqual([
      "worker laptop-1a2b3c · laptop · train=2,*=1 · .aexp/state/aexp.db",
      "lane     running  queued  blocked",
      "default        1      12        0",
      "gpu          2/2   1,204        3  paused",
      "run       experiment  parameters          for  attempt  last metrics",
      "42b7b4f2  E001        lr=0.1 seed=2  1 m 05 s           step=4 loss=0.5",
      "d3a7c1e0  prepare                       0.2 s        3",
      "12 complete · 1 failed · 2 repeated · 3 m 12 s",
      "Ctrl-C: start no more, and end after these",
    ]);
  });

  it("is never wider than the terminal, nor higher", () => {
    const running = Array.from({ length: 200 }, (_, index) => ({
      id: String(index).padStart(8, "0"),
      name: "an experiment with a long name 界界界",
      parameters: "a=1 ".repeat(60),
      attempt: 2,
      elapsedS: 1e6,
      metric: "loss=0.1 ".repeat(30),
    }));
    const lanes = Array.from({ length: 40 }, (_, index) => ({
      lane: lane({ name: `lane-${index}` }),
      active: 1,
      queued: 1,
      blocked: 1,
    }));
    for (const width of [39, 59, 79, 199]) {
      for (const rows of [1, 3, 5, 9, 24, 60]) {
        const lines = renderWorkerFrame({ ...frame, running, lanes }, { ...screen, width }, rows);
        expect(lines.length).toBeLessThanOrEqual(Math.max(3, rows));
        for (const line of lines) expect(textWidth(line)).toBeLessThanOrEqual(width);
      }
    }
  });

  it("says how many it leaves out, and what it is about to do", () => {
    const many = { ...frame, lanes: [], running: Array.from({ length: 20 }, () => frame.running[0] ?? fail()) };
    expect(renderWorkerFrame(many, screen, 9)).toContain("… and 16 more");
    const footer = (phase: WorkerFrame["phase"]): string | undefined =>
      renderWorkerFrame({ ...frame, phase }, screen, 30).at(-1);
    expect(footer({ kind: "draining", byMs: NOW + 90_000 })).toContain("waiting for 1 m 30 s for what runs");
    expect(footer({ kind: "draining", byMs: undefined })).toContain("Ctrl-C again gives it back at once");
    expect(footer({ kind: "stopping" })).toContain("giving it back");
    expect(footer({ kind: "held_back", message: "only 3 MiB are free" })).toContain("only 3 MiB are free");
    expect(renderWorkerFrame({ ...frame, running: [] }, screen, 30).at(-1)).toContain("waiting for work");
  });

  it("shows numbers of the last line of metrics only", () => {
    const metric = { step: 400, loss: 0.123_456_789, note: "x".repeat(500), nested: { a: 1 }, "evil\u001b[2J": 1 };
    expect(renderLastMetric(metric)).toBe("step=400 loss=0.12346 evil=1");
    expect(renderLastMetric(undefined)).toBe("");
  });
});

describe("the screen of a worker", () => {
  let monotonicMs = 0;
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
    monotonicMs = 0;
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  async function pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 50) {
      monotonicMs += 50;
      await vi.advanceTimersByTimeAsync(50);
    }
  }

  function open(terminal: FakeTerminal, running: WorkingAttempt[] = []) {
    const worker = new WorkerScreen({
      output: terminal,
      screen: () => ({ width: terminal.columns, color: false, isTTY: true, nowMs: NOW, isUnicode: true }),
      identity: IDENTITY,
      clock: { nowMs: () => NOW + monotonicMs, monotonicMs: () => monotonicMs },
      readLanes: async () => LANES.slice(0, 1),
      labels: { labelOf: () => "seed=1" },
    });
    let counts = COUNTS;
    worker.start({ running: () => running, counts: () => counts });
    return { worker, setCounts: (patch: Partial<WorkCounts>) => (counts = { ...counts, ...patch }) };
  }

  it("draws in place, at most four times a second, and lets what has ended scroll above", async () => {
    const terminal = new FakeTerminal();
    const running = [attempt(task("a", "running", { attempt: 1 }), { loss: 0.25 })];
    const { worker, setCounts } = open(terminal, running);
    await pass(2000);
    expect(terminal.written.filter((text) => text.includes("worker laptop")).length).toBeLessThanOrEqual(9);
    expect(terminal.isCursorShown).toBe(false);
    expect(terminal.lines).toEqual([
      "worker laptop-1a2b3c · laptop · train=2,*=1 · .aexp/state/aexp.db",
      "lane     running  queued  blocked",
      "default        1      12        0",
      "run       experiment  parameters    for  last metrics",
      `${idOf("a").slice(0, 8)}  E001        seed=1      2.0 s  loss=0.25`,
      "0 complete · 0 failed · 2.0 s",
      "Ctrl-C: start no more, and end after these",
    ]);

    const [first] = running.splice(0);
    worker.observe(ended(first ?? fail()));
    setCounts({ complete: 1 });
    await pass(250);
    expect(terminal.lines[0]).toBe(`✓ complete    ${idOf("a").slice(0, 8)}  E001  seed=1  12 s  loss=0.25`);
    expect(terminal.lines[1]).toMatch(/^worker laptop/);
    expect(terminal.lines.slice(-2)).toEqual(["1 complete · 0 failed · 2.3 s", "waiting for work; Ctrl-C ends it"]);

    worker.end();
    expect(terminal.lines).toHaveLength(1);
    expect(terminal.isCursorShown).toBe(true);
  });

  it("tells why an attempt did not succeed, and what was given back or repeated", async () => {
    const terminal = new FakeTerminal(60);
    const { worker } = open(terminal);
    const again = attempt(task("b", "running", { attempt: 2, spec: spec({ name: "prep\u001b[2J" }) }));
    const reason = { code: "exit_nonzero", message: `exit 1 ${"!".repeat(100)}` } as const;
    worker.observe(ended(again, { state: "failed", reason }));
    worker.observe(ended(again, { state: "queued", reason: { code: "timeout", message: "longer than 3 s" } }));
    worker.observe(ended(again, { state: "queued", isReleased: true, reason }));
    worker.observe({ kind: "lease_lost", attempt: again });
    worker.observe({ kind: "problem", message: "the disk\nis on fire" });
    worker.end();

    const id = idOf("b").slice(0, 8);
    expect(terminal.lines).toEqual([
      `✗ failed      ${id}  prep  seed=1  12 s  attempt 2  exi…`,
      `◷ repeated    ${id}  prep  seed=1  12 s  attempt 2  lon…`,
      `◷ given back  ${id}  prep  seed=1  12 s  attempt 2`,
      `${id} prep lost its lease; its result was thrown away`,
      "warning: the disk is on fire",
    ]);
  });

  it("survives a terminal that becomes narrower and one with hardly any lines", async () => {
    const terminal = new FakeTerminal(100, 30);
    const running = Array.from({ length: 30 }, (_, n) => attempt(task(`r${n}`, "running", { attempt: 1 })));
    const { worker } = open(terminal, running);
    await pass(1000);
    terminal.rows = 5;
    terminal.columns = 40;
    await pass(1000);
    expect(terminal.lines.at(-1)).toMatch(/^Ctrl-C: start no more/);
    worker.end();
    expect(terminal.isCursorShown).toBe(true);
  });

  it("waits for no terminal, and shows later what it could not", async () => {
    const terminal = new FakeTerminal();
    const { worker } = open(terminal);
    await pass(250);
    terminal.isFrozen = true;
    const pieces = terminal.written.length;
    for (let n = 0; n < 1500; n += 1) worker.observe(ended(attempt(task(`t${n}`, "running", { attempt: 1 }))));
    await pass(5000);
    expect(terminal.written).toHaveLength(pieces);

    terminal.isFrozen = false;
    await pass(250);
    worker.end();
    expect(terminal.lines[0]).toBe("… 500 lines are missing here");
    expect(terminal.lines).toHaveLength(1001);
    expect(terminal.lines.at(-1)).toContain(idOf("t1499").slice(0, 8));
  });

  it("gives the cursor back for as long as Ctrl-Z holds it, and draws anew below what others wrote", async () => {
    const terminal = new FakeTerminal();
    const kill = vi.spyOn(process, "kill").mockReturnValue(true);
    const { worker } = open(terminal);
    await pass(500);
    process.emit("SIGTSTP");
    expect(terminal.isCursorShown).toBe(true);
    expect(kill).toHaveBeenCalledWith(process.pid, "SIGSTOP");
    terminal.write("$ ls\nfile\n");
    process.emit("SIGCONT");
    expect(terminal.isCursorShown).toBe(false);
    await pass(250);
    expect(terminal.lines.filter((line) => line === "file")).toHaveLength(1);

    process.emit("SIGQUIT");
    expect(terminal.isCursorShown).toBe(true);
    expect(kill).toHaveBeenLastCalledWith(process.pid, "SIGQUIT");
    worker.end();
    expect(process.listenerCount("SIGTSTP") + process.listenerCount("SIGCONT")).toBe(0);
    kill.mockRestore();
  });
});

function fail(): never {
  throw new Error("there is none");
}
