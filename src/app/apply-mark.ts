import { toInstant } from "../model/clock.ts";
import { type JsonObject, type JsonValue, withoutUndefined } from "../model/json.ts";
import { movedTo } from "../queue/portable-run.ts";
import type { Attempt, QueueStore } from "../queue/queue-store.ts";
import { type Task, toRunStatus } from "../queue/task.ts";
import type { EndRecord } from "../run/attempt-files.ts";
import type { ProcessRecord, RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { summarizeMetrics } from "../run/metric-lines.ts";
import { isTerminal, type RunStatus } from "../run/run-status.ts";
import { type AttemptOutcome, type MarkOptions, markStatus, promoteEnded, type StatusChange } from "./mark-status.ts";
import type { Repo } from "./repo.ts";
import { readStageFacts } from "./stage-facts.ts";

/** What a mark needs to know of the queue. */
export type MarkSource = Pick<QueueStore, "task" | "attempts" | "outputs">;

/** How a mark is written. */
export interface ApplyMarkOptions extends MarkOptions {
  /** What is known where an attempt begins. */
  readonly start?: AttemptStart;
}

/** What the document says of an attempt that begins, beside its number and time. */
export interface AttemptStart {
  /** The worker that carries it out; it stands there while the attempt lives. */
  readonly proc: ProcessRecord;
  /** How the code that is executed differs from the code that was queued. */
  readonly codeDifference: string | undefined;
}

/**
 * Brings the document of a run, and its ledger entry, to what the queue says now. What is asked is the queue's present
 * state and not what it was when the mark was sent, and it is asked while nobody else writes the document; so marks may
 * come twice, late, and from several processes, and the last word is always the queue's.
 *
 * @returns what the queue said
 */
export async function applyMark(
  repo: Repo,
  store: MarkSource,
  jobId: JobId,
  { start, ...options }: ApplyMarkOptions = {},
): Promise<Task | undefined> {
  if (!repo.runs.has(jobId)) return await store.task(jobId);
  let task: Task | undefined;
  let isLeft = false;
  const { document, promotion } = await markStatus(
    repo,
    jobId,
    async (facts) => {
      task = await store.task(jobId);
      if (task === undefined) return undefined;
      const to = toRunStatus(task.state);
      if (hasMovedFrom(repo, task)) {
        isLeft = isTerminal(to);
        return undefined;
      }
      if (to === "created" || isUpToDate(facts, task, to, start)) return undefined;
      const change = toChange(repo, facts, { task, to, attempts: await store.attempts(jobId), start });
      return { ...change, facts: { ...change.facts, ...(await readStageFacts(repo, store, task)) } };
    },
    options,
  );
  if (isLeft) repo.runs.removeUntouched([jobId]);
  // A process that was killed may have written the document and not the entry.
  const { status } = document.facts;
  if (promotion === "none" && status !== undefined && isTerminal(status))
    await promoteEnded(repo, jobId, status, options);
  return task;
}

/** Whether another machine executes what was submitted here. It has a folder of its own, and writes the ledger entry. */
function hasMovedFrom({ machineLabel }: Repo, task: Task): boolean {
  const place = movedTo(task);
  return place !== undefined && place !== machineLabel && task.machine === machineLabel;
}

/** Whether a document says what the queue says, or knows of a later attempt, which was made without the queue. */
function isUpToDate(facts: RunFacts, task: Task, to: RunStatus, start: AttemptStart | undefined): boolean {
  const known = facts.attempt ?? 0;
  if (known > task.attempt) return true;
  if (isWrittenByWorker(task)) return start === undefined;
  const isSame = facts.status === to && facts.reason?.code === task.reason?.code;
  return isSame && (known === task.attempt || (to !== "running" && task.attempt === 0));
}

/** The worker writes this before the program starts; nobody writes the document while it runs. */
function isWrittenByWorker(task: Task | undefined): boolean {
  return task !== undefined && task.executor === "local" && toRunStatus(task.state) === "running";
}

interface Present {
  readonly task: Task;
  readonly to: RunStatus;
  readonly attempts: readonly Attempt[];
  readonly start: AttemptStart | undefined;
}

function toChange(repo: Repo, facts: RunFacts, present: Present): StatusChange {
  const { task, to, attempts } = present;
  const { reason } = task;
  const common = { to, reason, isCatchingUp: true };
  if (to === "running") return { ...common, facts: beginning(repo, facts, present) };
  const endOf = endReader(repo, task.id);
  const history = toHistory(repo, facts, task.id, attempts, endOf);
  if (!isTerminal(to)) {
    const queue = withLastError(repo, facts, present, endOf);
    return { ...common, facts: { ...NO_OUTCOME, ...history, ...attemptOf(task), queue } };
  }
  const last = attempts.find(({ n }) => n === task.attempt);
  const ended_at = task.endedAt === undefined ? undefined : toInstant(task.endedAt);
  // What was abandoned, skipped or cached while it waited has no attempt of its own.
  const isWaitersEnd = task.state === "abandoned" || task.state === "skipped" || task.state === "cached";
  if (isWaitersEnd || last?.outcome === undefined)
    return { ...common, facts: { ...history, ...attemptOf(task), ended_at } };
  const attempt = toOutcome(repo, task, last, endOf(last.n));
  return { ...common, attempt, facts: { ...history, ...attemptOf(task), started_at: toInstant(last.startedAt) } };
}

/** What the folder of an attempt says of its end. */
type EndOf = (n: number) => EndRecord | undefined;

/** Reads each of them once. */
function endReader({ attempts }: Pick<Repo, "attempts">, jobId: JobId): EndOf {
  const known = new Map<number, EndRecord | undefined>();
  return (n) => {
    if (!known.has(n)) known.set(n, attempts.end(jobId, n));
    return known.get(n);
  };
}

/** What a document forgets when its run is queued again or begins another attempt. */
const NO_OUTCOME = {
  ended_at: undefined,
  wallclock_s: undefined,
  exit_code: undefined,
  signal: undefined,
  summary_metrics: undefined,
} as const;

function attemptOf(task: Task): { readonly attempt?: number } {
  return task.attempt === 0 ? {} : { attempt: task.attempt };
}

function beginning(
  repo: Repo,
  facts: RunFacts,
  { task, attempts, start }: Present,
): Record<string, JsonValue | undefined> {
  const started_at = toInstant(task.startedAt ?? repo.clock.nowMs());
  return {
    ...NO_OUTCOME,
    ...toHistory(repo, facts, task.id, attempts, endReader(repo, task.id)),
    ...attemptOf(task),
    started_at,
    queue:
      start === undefined ? queueOf(facts) : withoutUndefined({ ...queueOf(facts), ...toQueueKeys(start, started_at) }),
  };
}

function toQueueKeys({ proc, codeDifference }: AttemptStart, started_at: string) {
  return { code_diff_summary: codeDifference, proc: withoutUndefined({ ...proc, started_at }) };
}

/** What a document says of the queue, without the process of an attempt that is over. */
export function queueOf(facts: RunFacts): JsonObject {
  const { proc: _proc, last_error, ...rest } = facts.queue ?? {};
  return withoutUndefined({ ...rest, last_error: last_error === undefined ? undefined : withoutUndefined(last_error) });
}

/** While a run waits for its next attempt, its document tells how the last one failed. */
function withLastError(repo: Repo, facts: RunFacts, { task, attempts }: Present, endOf: EndOf): JsonObject {
  const last = attempts.find(({ n }) => n === task.attempt);
  if (last?.outcome !== "failed") return queueOf(facts);
  const last_error = withoutUndefined({
    returncode: last.exitCode ?? null,
    stderr_tail: endOf(last.n)?.stderrTail ?? "",
    failed_at: toInstant(last.endedAt ?? repo.clock.nowMs()),
    cause: last.reason?.message,
  });
  return { ...queueOf(facts), last_error };
}

/** The ended attempts, those that the document knows already first. */
function toHistory(
  repo: Repo,
  facts: RunFacts,
  jobId: JobId,
  attempts: readonly Attempt[],
  endOf: EndOf,
): { readonly attempts?: JsonValue } {
  const known = new Map((facts.attempts ?? []).map((record) => [record.n, withoutUndefined({ ...record })]));
  for (const attempt of attempts) {
    const { n, outcome } = attempt;
    if (outcome === undefined || known.has(n)) continue;
    known.set(n, toRecord(repo, jobId, attempt, { outcome, end: endOf(n) }));
  }
  return known.size === 0 ? {} : { attempts: [...known.values()].toSorted((a, b) => Number(a["n"]) - Number(b["n"])) };
}

function toRecord(
  repo: Repo,
  jobId: JobId,
  attempt: Attempt,
  { outcome, end }: { readonly outcome: NonNullable<Attempt["outcome"]>; readonly end: EndRecord | undefined },
): JsonObject {
  const { n, reason, startedAt, endedAt = startedAt } = attempt;
  const wasReleased = outcome === "released";
  return withoutUndefined({
    n,
    status: wasReleased ? "stopped" : toRunStatus(outcome),
    reason: wasReleased ? { ...RELEASED } : toReason(reason),
    started_at: toInstant(startedAt),
    ended_at: toInstant(endedAt),
    wallclock_s: end?.wallclockS ?? (endedAt - startedAt) / 1000,
    exit_code: attempt.exitCode,
    signal: attempt.signal,
    host: hostOf(repo, jobId, attempt),
  });
}

/** A scheduler chooses the machine itself. */
function hostOf(repo: Repo, jobId: JobId, { n, machine, schedulerJobId }: Attempt): string {
  return (schedulerJobId === undefined ? undefined : repo.attempts.jobHost(jobId, n)) ?? machine;
}

const RELEASED = { code: "interrupted", message: "its worker ended before it did, and gave it back" } as const;

function toReason(reason: Attempt["reason"]): JsonValue | undefined {
  return reason === undefined ? undefined : { code: reason.code, message: reason.message };
}

function toOutcome(repo: Repo, task: Task, last: Attempt, end: EndRecord | undefined): AttemptOutcome {
  const { metrics, brokenLines } = summarizeMetrics(repo.attempts.metricLines(task.id));
  if (brokenLines > 0)
    repo.warn(`${brokenLines} lines of the metrics file of run ${task.id} are no JSON objects and were left out`);
  const endedAtMs = last.endedAt ?? task.endedAt ?? repo.clock.nowMs();
  return {
    n: last.n,
    endedAtMs,
    wallclockS: end?.wallclockS ?? (endedAtMs - last.startedAt) / 1000,
    exitCode: last.exitCode ?? null,
    signal: last.signal ?? null,
    host: hostOf(repo, task.id, last),
    metrics,
    stderrTail: end?.stderrTail ?? "",
  };
}
