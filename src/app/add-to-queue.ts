import { messageOf } from "../model/errors.ts";
import { type JsonObject, type JsonValue, withoutUndefined } from "../model/json.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { isTerminalState } from "../queue/task.ts";
import type { DocumentPatch, RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { initialFacts, markStatus } from "./mark-status.ts";
import { toQueueRecord } from "./queue-record.ts";
import { requireStore, toRunLink } from "./register-run.ts";
import type { Repo } from "./repo.ts";
import type { PlannedSubmission, Submission } from "./submission.ts";

type RunToQueue = Extract<PlannedSubmission, { verdict: { kind: "queue" } }>;
/** With its place among the runs of the submission. */
type QueuedRun = RunToQueue & { readonly position: number };

/**
 * Queues the runs of a planned submission: their folders with documents that hold everything, then all tasks in one
 * transaction, so that nothing is executed that is not on disk. When the transaction fails, nothing is left behind.
 * A process killed in between leaves documents that say `queued`; the same call again queues them.
 *
 * @returns how many runs were queued
 * @throws {AexpError} `store.missing`, and what storing runs and tasks throws (then nothing was queued)
 */
export async function addToQueue(repo: Repo, store: QueueStore, submission: Submission): Promise<number> {
  requireStore(repo);
  const queued = submission.runs.flatMap((run, position) => (isQueued(run) ? [{ ...run, position }] : []));
  if (queued.length === 0) return 0;
  const fresh = queued.filter(({ verdict }) => verdict.before === undefined);
  const isNew = await createRuns(repo, submission, fresh);
  const created = new Set(fresh.flatMap(({ run }, index) => (isNew[index] === true ? [run.jobId] : [])));
  const present = queued.filter(({ run }) => !created.has(run.jobId));
  const before = new Map<JobId, JsonValue | undefined>();
  try {
    for (const run of present) before.set(run.run.jobId, await noteSpec(repo, submission, run));
    await store.submit(
      submission.group,
      queued.map(({ task, run }) => ({ ...task, isMarked: created.has(run.jobId) })),
    );
  } catch (error) {
    await takeBack(repo, store, [...created], before);
    throw error;
  }
  for (const { run, verdict } of present) await markQueued(repo, run.jobId, verdict);
  return queued.length;
}

/** Leaves things as they were; but a run that another process queued in the meantime is that one's. */
async function takeBack(
  repo: Repo,
  store: QueueStore,
  created: readonly JobId[],
  before: ReadonlyMap<JobId, JsonValue | undefined>,
): Promise<void> {
  try {
    const open = (await store.tasks({ ids: [...created, ...before.keys()] })).filter(
      (task) => !isTerminalState(task.state),
    );
    const others = new Set(open.map(({ id }) => id));
    for (const [jobId, queue] of before) {
      if (!others.has(jobId)) await repo.runs.updateDocument(jobId, () => ({ queue }));
    }
    repo.runs.removeUntouched(created.filter((jobId) => !others.has(jobId)));
  } catch (error) {
    // Why nothing was queued is told by the caller; this only says what is left of it.
    repo.warn(`runs that were not queued may have been left in the run store: ${messageOf(error)}`);
  }
}

function isQueued(run: PlannedSubmission): run is RunToQueue {
  return run.verdict.kind === "queue";
}

/** New runs are born queued, in one write each: at the end of the transaction a worker may take them at once. */
async function createRuns(repo: Repo, submission: Submission, runs: readonly QueuedRun[]): Promise<readonly boolean[]> {
  const links = new Map<string, JsonValue>();
  const facts = initialFacts(repo, "queued");
  const nowMs = repo.clock.nowMs();
  return await repo.runs.createAll(
    runs.map((run) => {
      const { request, jobId, statePoint } = run.run;
      const { experimentId, hypothesisId, subHypothesisId } = { ...request, experimentId: run.entry.run.experimentId };
      const key = [experimentId, hypothesisId, subHypothesisId].join(" ");
      const link = links.get(key) ?? toRunLink(repo, experimentId, request);
      links.set(key, link);
      const document: DocumentPatch = {
        aexp: link,
        ...facts,
        queue: toRecord(submission, run, nowMs),
        local_path_allowed: request.allowLocalPath === true ? true : undefined,
      };
      return { jobId, statePoint, document };
    }),
  );
}

function toRecord({ group }: Submission, { task, entry, position }: QueuedRun, nowMs: number): JsonObject {
  const override = typeof entry.command === "string" ? entry.command : undefined;
  return toQueueRecord(task, group, { nowMs, override, position });
}

/** Writes the spec into the document of a run that was there before. @returns what stood there */
async function noteSpec(repo: Repo, submission: Submission, run: QueuedRun): Promise<JsonValue | undefined> {
  let former: JsonValue | undefined;
  await repo.runs.updateDocument(run.run.jobId, ({ facts }) => {
    former = toValue(facts.queue);
    return { queue: mergeRecord(facts.queue, toRecord(submission, run, repo.clock.nowMs())) };
  });
  return former;
}

/** The new record, and of the old one what does not come from queueing. */
function mergeRecord(old: RunFacts["queue"], record: JsonObject): JsonObject {
  const { last_error, runner_hint, code_diff_summary } = old ?? {};
  const kept = withoutUndefined({
    runner_hint,
    code_diff_summary,
    last_error: last_error === undefined ? undefined : withoutUndefined({ ...last_error }),
  });
  return { ...kept, ...record };
}

function toValue(queue: RunFacts["queue"]): JsonValue | undefined {
  if (queue === undefined) return undefined;
  const { last_error, proc, ...rest } = queue;
  return withoutUndefined({
    ...rest,
    proc: proc === undefined ? undefined : withoutUndefined({ ...proc }),
    last_error: last_error === undefined ? undefined : withoutUndefined({ ...last_error }),
  });
}

/** A worker may have been faster; then the document says already what is newer. */
async function markQueued(repo: Repo, jobId: JobId, { before }: QueuedRun["verdict"]): Promise<void> {
  await markStatus(repo, jobId, {
    to: "queued",
    onlyFrom: before === undefined || before === "queued" ? ["created"] : [before],
    facts: { ended_at: undefined, wallclock_s: undefined, exit_code: undefined, signal: undefined },
  });
}
