import { readFileSync } from "node:fs";
import { expect } from "vitest";

import type { Repo } from "../../src/app/repo.ts";
import type { Attempt, QueueEvent, QueueStore } from "../../src/queue/queue-store.ts";
import { isTerminalState, type Task, toRunStatus } from "../../src/queue/task.ts";
import { judgeNeed } from "../../src/queue/transitions.ts";
import type { JobId } from "../../src/run/job-id.ts";
import { runCli } from "./cli.ts";
import { waitUntil } from "./wait-until.ts";

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

/**
 * Waits until documents, ledger and hooks have been told of everything. What a process that was killed had begun to
 * deliver is due again only after some seconds.
 */
export async function untilDelivered(root: string, store: QueueStore): Promise<void> {
  await waitUntil("the last deliveries", async () => {
    const { exitCode, stderr } = await runCli(root, ["queue", "recover"]);
    if (exitCode !== 0) throw new Error(`aexp queue recover: exit ${exitCode}: ${stderr}`);
    return (await store.outboxCounts()).pending === 0;
  });
}

/**
 * Checks that the database, the documents and the ledger tell one story, that all of it has ended, and ended once.
 *
 * @param isRepeated - somebody repeated runs by hand: then they may have ended more than once
 */
export async function expectSettled(
  repo: Repo,
  store: QueueStore,
  { isRepeated = false }: { readonly isRepeated?: boolean } = {},
): Promise<readonly Task[]> {
  const tasks = await store.tasks({});
  const events = await readEvents(store);
  expect(tasks.filter(({ state }) => !isTerminalState(state)).map(describe)).toEqual([]);
  expect(await store.locks()).toEqual([]);
  expect(await store.outboxCounts()).toEqual({ pending: 0, dead: 0 });
  for (const task of tasks) {
    const attempts = await store.attempts(task.id);
    if (!isRepeated) expectAttempts(task, attempts);
    expectDocument(repo, task, attempts);
    expectLedger(repo, task);
    const ends = events.filter(({ kind, runId }) => kind === "run.ended" && runId === task.id);
    expect(isRepeated ? ends.slice(-1) : ends, `ends of ${describe(task)}`).toHaveLength(1);
  }
  for (const id of new Set(tasks.map(({ groupId }) => groupId))) {
    expect((await store.group(id))?.state).not.toBe("active");
    const ends = events.filter(({ kind, groupId }) => kind === "group.ended" && groupId === id);
    expect(isRepeated ? ends.slice(-1) : ends, `ends of group ${id}`).toHaveLength(1);
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
    const known = new Set((await store.attempts(task.id)).map(({ n }) => n));
    const mine = [...begins.values()].filter(({ id }) => id === task.id);
    const isComplete = task.state === "complete";
    expect({
      run: describe(task),
      unknown: mine.filter(({ attempt }) => !known.has(attempt)),
      endsIn: isComplete ? ends.get(task.id)?.attempt : undefined,
      skippedBegins: task.state === "skipped" ? mine : [],
      early: mine.filter((begin) => isEarly(begin, task, ends)),
      isSkipped: task.state === "abandoned" ? undefined : task.state === "skipped",
    }).toEqual({
      run: describe(task),
      unknown: [],
      endsIn: isComplete ? task.attempt : undefined,
      skippedBegins: [],
      early: [],
      isSkipped: task.state === "abandoned" ? undefined : hasBrokenNeed(task, byId),
    });
  }
}

/** Whether it began before the end of what it needs the success of. */
function isEarly(begin: LogLine, task: Task, ends: ReadonlyMap<string, LogLine>): boolean {
  return task.spec.needs.some(
    ({ run, condition }) => condition === "success" && begin.place < (ends.get(run)?.place ?? Infinity),
  );
}

function hasBrokenNeed(task: Task, byId: ReadonlyMap<JobId, Task>): boolean {
  return task.spec.needs.some(({ run, condition }) => {
    const needed = byId.get(run);
    return needed !== undefined && judgeNeed(condition, needed.state) === "broken";
  });
}

function expectAttempts(task: Task, attempts: readonly Attempt[]): void {
  const isLegal = attempts.every(({ outcome }, index) =>
    index === attempts.length - 1 ? outcome !== undefined : outcome === "failed" || outcome === "released",
  );
  const counted = attempts.filter(({ isCounted }) => isCounted).length;
  expect({
    run: describe(task),
    numbers: attempts.map(({ n }) => n),
    isLegal,
    isWithinPolicy: counted <= task.spec.retry.maxAttempts,
    endsAfterStart: (task.endedAt ?? 0) >= (task.startedAt ?? 0),
  }).toEqual({
    run: describe(task),
    numbers: Array.from({ length: task.attempt }, (_, index) => index + 1),
    isLegal: true,
    isWithinPolicy: true,
    endsAfterStart: true,
  });
}

function expectDocument(repo: Repo, task: Task, attempts: readonly Attempt[]): void {
  const { facts, problems } = repo.runs.read(task.id).document;
  expect({
    run: describe(task),
    problems,
    status: facts.status,
    reason: facts.reason?.code,
    attempt: facts.attempt ?? 0,
    attempts: (facts.attempts ?? []).map(({ n }) => n),
    proc: facts.queue?.proc,
    hasEnd: facts.ended_at !== undefined,
    exitCode: task.state === "complete" ? facts.exit_code : 0,
  }).toEqual({
    run: describe(task),
    problems: [],
    status: toRunStatus(task.state),
    reason: task.reason?.code,
    attempt: task.attempt,
    attempts: attempts.map(({ n }) => n),
    proc: undefined,
    hasEnd: true,
    exitCode: 0,
  });
}

function expectLedger(repo: Repo, task: Task): void {
  const read = repo.ledger.read(task.id);
  const entry = read?.kind === "entry" ? read.record.entry : undefined;
  const endedAt = repo.runs.read(task.id).document.facts.ended_at;
  expect({ run: describe(task), status: entry?.status, endedAt: entry?.ended_at }).toEqual({
    run: describe(task),
    status: toRunStatus(task.state),
    endedAt,
  });
}

async function readEvents(store: QueueStore): Promise<readonly QueueEvent[]> {
  const events: QueueEvent[] = [];
  for (;;) {
    const page = await store.events(events.at(-1)?.id ?? 0, 1000);
    if (page.length === 0) return events;
    events.push(...page);
  }
}

/** A task in a message. */
export function describe({ id, spec, state, attempt, reason }: Task): string {
  return `${spec.name ?? id} (${id}, ${state}, attempt ${attempt}, ${reason?.code ?? "no reason"}: ${reason?.message ?? ""})`;
}
