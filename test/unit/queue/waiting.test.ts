import { describe, expect, it } from "vitest";

import type { Lane } from "../../../src/queue/lane.ts";
import type { ResourceLock, WorkerInfo } from "../../../src/queue/queue-store.ts";
import type { Task } from "../../../src/queue/task.ts";
import { judgeWaiting, toSituation } from "../../../src/queue/waiting.ts";
import { idOf } from "../../contract/queue-kit.ts";
import { lane, NOW, spec, task } from "../../helpers/tasks.ts";

function worker(pools: string, machine = "laptop"): WorkerInfo {
  return {
    id: `w-${pools}`,
    machine,
    pools,
    state: "up",
    pid: 1,
    startFingerprint: undefined,
    bootId: undefined,
    startedAt: 0,
    beatAt: NOW,
  };
}

const LOCK: ResourceLock = {
  key: "db",
  holder: "t",
  holderKind: "run",
  runId: idOf("other"),
  fence: 1,
  acquiredAt: NOW - 5000,
  expiresAt: NOW + 5000,
  note: "run 1234 on laptop",
};

function judge(
  one: Task,
  facts: {
    readonly lanes?: readonly Lane[];
    readonly others?: readonly Task[];
    readonly locks?: readonly ResourceLock[];
    readonly workers?: readonly WorkerInfo[];
  } = {},
): ReturnType<typeof judgeWaiting> {
  const { lanes = [lane()], others = [], locks = [], workers = [worker("*=2")] } = facts;
  return judgeWaiting(one, toSituation({ now: NOW, lanes, open: [one, ...others], locks, workers }));
}

describe("judgeWaiting", () => {
  it.each(["running", "finalizing", "submitted", "complete", "failed", "skipped"] as const)(
    "says nothing of a run that is %s",
    (state) => expect(judge(task("a", state))).toBeUndefined(),
  );

  it("names the needs that are open, and no others", () => {
    const needs = ["a", "b", "gone"].map((name) => ({ run: idOf(name), condition: "success" as const }));

    const waiting = judge(task("c", "blocked", { spec: spec({ needs }) }), {
      others: [task("a", "running"), task("b", "queued")],
    });

    expect(waiting).toEqual({
      kind: "needs",
      needs: [
        { run: idOf("a"), state: "running" },
        { run: idOf("b"), state: "queued" },
      ],
    });
  });

  it("says of a stage whose result it waits for, and who has to look for its own", () => {
    const stage = { pipeline: "demo", stage: "train" };
    const needs = [{ run: idOf("a"), condition: "success" as const }];
    const unresolved = task("c", "blocked", { spec: spec({ stage, needs }), isUnresolved: true });

    expect(judge(unresolved)).toEqual({ kind: "lookup", machine: "laptop" });
    expect(judge(unresolved, { others: [task("a", "running")] })).toMatchObject({ kind: "needs" });
    expect(judge(task("c", "blocked", { spec: spec({ stage }), follows: idOf("b") }))).toEqual({
      kind: "same_work",
      leader: idOf("b"),
    });
  });

  it("names the time of the next attempt", () => {
    expect(judge(task("a", "queued", { notBefore: NOW + 1, failures: 2 }))).toEqual({
      kind: "time",
      until: NOW + 1,
      failures: 2,
    });
    expect(judge(task("a", "queued", { notBefore: NOW }))).toEqual({ kind: "turn" });
  });

  it("names what the lane says", () => {
    const queued = task("a", "queued");
    const busy = task("b", "running");

    expect(judge(queued, { lanes: [lane({ isPaused: true, maxRunning: 0 })] })?.kind).toBe("lane_paused");
    expect(judge(queued, { lanes: [lane({ maxRunning: 0 })] })?.kind).toBe("lane_closed");
    expect(judge(queued, { lanes: [lane({ maxRunning: 1 })], others: [busy] })).toEqual({
      kind: "lane_full",
      lane: "default",
      active: 1,
      max: 1,
    });
    expect(judge(queued, { lanes: [lane({ maxPerCaller: 1 })], others: [busy] })?.kind).toBe("caller_full");
    expect(judge(queued, { lanes: [lane({ maxPerCaller: 1 })], others: [{ ...busy, caller: "bo" }] })?.kind).toBe(
      "turn",
    );
    expect(judge(queued, { lanes: [lane({ maxRunning: 2 })], others: [busy] })?.kind).toBe("turn");
  });

  it("names the lock", () => {
    const queued = task("a", "queued", { spec: spec({ resources: ["free", "db"] }) });

    expect(judge(queued, { locks: [LOCK] })).toEqual({ kind: "lock", lock: LOCK });
    expect(judge(queued, { locks: [{ ...LOCK, key: "else" }] })?.kind).toBe("turn");
  });

  it("says when no worker serves it", () => {
    const parse = task("a", "queued", { spec: spec({ kind: "parse" }) });

    expect(judge(parse, { workers: [] })?.kind).toBe("worker");
    expect(judge(parse, { workers: [worker("store=2")] })?.kind).toBe("worker");
    expect(judge(parse, { workers: [worker("store=2,*=1")] })?.kind).toBe("turn");
    expect(judge({ ...parse, target: "cluster" }, { workers: [worker("*=1")] })?.kind).toBe("worker");
    expect(judge({ ...parse, target: "cluster" }, { workers: [worker("*=1", "cluster")] })?.kind).toBe("turn");
    expect(judge(parse, { workers: [worker("what a later program writes")] })?.kind).toBe("turn");
  });

  it("says when a worker holds it back", () => {
    const reason = { code: "disk_full", message: "only 3 MiB are free" } as const;

    expect(judge(task("a", "queued", { reason }))).toEqual({ kind: "held_back", message: reason.message });
  });
});
