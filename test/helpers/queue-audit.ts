import { readFileSync } from "node:fs";
import { expect } from "vitest";

import type { Repo } from "../../src/app/repo.ts";
import type { Attempt, QueueEvent, QueueStore } from "../../src/queue/queue-store.ts";
import { isTerminalState, type Task, toRunStatus } from "../../src/queue/task.ts";
import { judgeNeed } from "../../src/queue/transitions.ts";
import type { JobId } from "../../src/run/job-id.ts";

/** A line of the log that runs of a test share, in the order in which things happened. */
export interface LogLine {
  readonly place: number;
  /** `begin`, `end`, `fail`, or `violation:SLOT:COUNT`. */
  readonly what: string;
  readonly id: string;
  readonly attempt: number;
}

export function readLog(path: string): readonly LogLine[] {
  const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
  return lines.map((line, place) => {
    const [what = "", id = "", attempt = ""] = line.split(" ");
    return { place, what, id, attempt: Number(attempt) };
  });
}

/** Checks that the database, the documents and the ledger tell one story, that all of it has ended, and ended once. */
export async function expectSettled(repo: Repo, store: QueueStore): Promise<readonly Task[]> {
  const tasks = await store.tasks({});
  const events = await readEvents(store);
  expect(tasks.filter(({ state }) => !isTerminalState(state)).map(describe)).toEqual([]);
  expect(await store.locks()).toEqual([]);
  expect(await store.outboxCounts()).toEqual({ pending: 0, dead: 0 });
  for (const task of tasks) {
    const attempts = await store.attempts(task.id);
    expectAttempts(task, attempts);
    expectDocument(repo, task, attempts);
    expectLedger(repo, task);
    const ends = events.filter(({ kind, runId }) => kind === "run.ended" && runId === task.id);
    expect(ends, `ends of ${describe(task)}`).toHaveLength(1);
  }
  for (const id of new Set(tasks.map(({ groupId }) => groupId))) {
    expect((await store.group(id))?.state).not.toBe("active");
    const ends = events.filter(({ kind, groupId }) => kind === "group.ended" && groupId === id);
    expect(ends, `ends of group ${id}`).toHaveLength(1);
  }
  return tasks;
}

/** Checks a log against the queue: nothing was executed twice, too early, or after its success. */
export async function expectLog(log: readonly LogLine[], tasks: readonly Task[], store: QueueStore): Promise<void> {
  expect(log.filter(({ what }) => what.startsWith("violation"))).toEqual([]);
  const begins = new Map<string, LogLine>();
  const ends = new Map<string, LogLine>();
  for (const line of log) {
    const key = `${line.id} ${line.attempt}`;
    if (line.what === "begin") {
      expect(begins.has(key), `attempt ${key} began twice`).toBe(false);
      begins.set(key, line);
    } else if (line.what === "end") ends.set(line.id, line);
  }
  const byId = new Map(tasks.map((task) => [task.id, task]));
  for (const task of tasks) {
    const attempts = await store.attempts(task.id);
    const numbers = attempts.map(({ n }) => n);
    const mine = [...begins.values()].filter(({ id }) => id === task.id);
    for (const { attempt } of mine) expect(numbers, `attempts of ${describe(task)}`).toContain(attempt);
    if (task.state === "complete") {
      expect(begins.get(`${task.id} ${task.attempt}`), describe(task)).toBeDefined();
      expect(ends.get(task.id)?.attempt, describe(task)).toBe(task.attempt);
    }
    if (task.state === "skipped") expect(mine, describe(task)).toEqual([]);
    expectNeeds(task, { mine, ends, byId });
  }
}

function expectNeeds(
  task: Task,
  seen: {
    readonly mine: readonly LogLine[];
    readonly ends: ReadonlyMap<string, LogLine>;
    readonly byId: ReadonlyMap<JobId, Task>;
  },
): void {
  const outcomes = task.spec.needs.map(({ run, condition }) => {
    const needed = seen.byId.get(run);
    if (condition === "success") {
      for (const begin of seen.mine) {
        expect(begin.place, `${describe(task)} began before what it needs`).toBeGreaterThan(
          seen.ends.get(run)?.place ?? Infinity,
        );
      }
    }
    return judgeNeed(condition, needed?.state ?? "queued");
  });
  if (task.state !== "abandoned") expect(task.state === "skipped", describe(task)).toBe(outcomes.includes("broken"));
}

function expectAttempts(task: Task, attempts: readonly Attempt[]): void {
  const name = describe(task);
  expect(
    attempts.map(({ n }) => n),
    name,
  ).toEqual(attempts.map((_, index) => index + 1));
  expect(attempts.length, name).toBe(task.attempt);
  expect(attempts.filter(({ isCounted }) => isCounted).length, name).toBeLessThanOrEqual(task.spec.retry.maxAttempts);
  for (const { outcome } of attempts) expect(outcome, name).toBeDefined();
  for (const { outcome } of attempts.slice(0, -1)) expect(["failed", "released"], name).toContain(outcome);
  expect(task.endedAt, name).toBeGreaterThanOrEqual(task.startedAt ?? 0);
}

function expectDocument(repo: Repo, task: Task, attempts: readonly Attempt[]): void {
  const { facts, problems } = repo.runs.read(task.id).document;
  const name = describe(task);
  expect(problems, name).toEqual([]);
  expect(facts.status, name).toBe(toRunStatus(task.state));
  expect(facts.reason?.code, name).toBe(task.reason?.code);
  expect(facts.attempt ?? 0, name).toBe(task.attempt);
  expect(
    (facts.attempts ?? []).map(({ n }) => n),
    name,
  ).toEqual(attempts.map(({ n }) => n));
  expect(facts.queue?.proc, name).toBeUndefined();
  expect(facts.ended_at, name).toBeDefined();
  if (task.state === "complete") expect(facts, name).toMatchObject({ exit_code: 0 });
}

function expectLedger(repo: Repo, task: Task): void {
  const read = repo.ledger.read(task.id);
  if (read?.kind !== "entry") throw new Error(`${describe(task)} has no ledger entry`);
  const { status, ended_at } = read.record.entry;
  expect(status, describe(task)).toBe(toRunStatus(task.state));
  expect(ended_at, describe(task)).toBe(repo.runs.read(task.id).document.facts.ended_at);
}

export async function readEvents(store: QueueStore): Promise<readonly QueueEvent[]> {
  const events: QueueEvent[] = [];
  for (;;) {
    const page = await store.events(events.at(-1)?.id ?? 0, 1000);
    if (page.length === 0) return events;
    events.push(...page);
  }
}

function describe({ id, spec, state, attempt, reason }: Task): string {
  return `${spec.name ?? id} (${id}, ${state}, attempt ${attempt}, ${reason?.code ?? "no reason"}: ${reason?.message ?? ""})`;
}
