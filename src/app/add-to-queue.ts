import { messageOf } from "../model/errors.ts";
import { type JsonObject, type JsonValue, withoutUndefined } from "../model/json.ts";
import type { NewGroup, NewTask, QueueStore } from "../queue/queue-store.ts";
import { isTerminalState } from "../queue/task.ts";
import type { DocumentPatch, RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { initialFacts, markStatus } from "./mark-status.ts";
import { toQueueRecord } from "./queue-record.ts";
import { type PlannedRun, requireStore, toRunLink } from "./register-run.ts";
import type { Repo } from "./repo.ts";
import type { Submission, Verdict } from "./submission.ts";

/** A run that is to be queued. */
export interface RunToQueue {
  readonly run: PlannedRun;
  readonly task: NewTask;
  readonly verdict: Extract<Verdict, { kind: "queue" }>;
  /** The command that was given instead of the experiment's own. */
  readonly override: string | undefined;
  /** Its place among the runs that are submitted together. */
  readonly position: number;
}

/**
 * Queues the runs of a planned submission; see {@link queueRuns}.
 *
 * @returns how many runs were queued
 */
export async function addToQueue(repo: Repo, store: QueueStore, { group, runs }: Submission): Promise<number> {
  const queued = runs.flatMap((planned, position) => {
    if (planned.verdict.kind !== "queue" || planned.task === undefined) return [];
    const { run, task, verdict, entry } = planned;
    return [{ run, task, verdict, override: typeof entry.command === "string" ? entry.command : undefined, position }];
  });
  await queueRuns(repo, store, group, queued);
  return queued.length;
}

/**
 * Queues runs: their folders with documents that hold everything, then all tasks in one transaction, so that nothing is
 * executed that is not on disk. When the transaction fails, nothing is left behind. A process killed in between leaves
 * documents that say `queued`; the same call again queues them.
 *
 * @throws {AexpError} `store.missing`, and what storing runs and tasks throws (then nothing was queued)
 */
export async function queueRuns(
  repo: Repo,
  store: Pick<QueueStore, "submit" | "tasks">,
  group: NewGroup,
  queued: readonly RunToQueue[],
): Promise<void> {
  requireStore(repo);
  if (queued.length === 0) return;
  const fresh = queued.filter(({ verdict }) => verdict.before === undefined);
  const isNew = await createRuns(repo, group, fresh);
  const created = new Set(fresh.flatMap(({ run }, index) => (isNew[index] === true ? [run.jobId] : [])));
  const present = queued.filter(({ run }) => !created.has(run.jobId));
  const before = new Map<JobId, JsonValue | undefined>();
  try {
    for (const run of present) before.set(run.run.jobId, await noteSpec(repo, group, run));
    await store.submit(
      group,
      queued.map(({ task, run }) => ({ ...task, isMarked: created.has(run.jobId) })),
    );
  } catch (error) {
    await takeBack(repo, store, [...created], before);
    throw error;
  }
  for (const { run, verdict } of present) await markQueued(repo, run.jobId, verdict);
}

/** Leaves things as they were; but a run that another process queued in the meantime is that one's. */
async function takeBack(
  repo: Repo,
  store: Pick<QueueStore, "tasks">,
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

/** New runs are born queued, in one write each: at the end of the transaction a worker may take them at once. */
async function createRuns(repo: Repo, group: NewGroup, runs: readonly RunToQueue[]): Promise<readonly boolean[]> {
  const links = new Map<string, JsonValue | undefined>();
  const facts = initialFacts(repo, "queued");
  const nowMs = repo.clock.nowMs();
  return await repo.runs.createAll(
    runs.map((run) => {
      const { request, jobId, statePoint } = run.run;
      const { experimentId, hypothesisId, subHypothesisId } = request;
      const key = [experimentId, hypothesisId, subHypothesisId].join(" ");
      const link = links.get(key) ?? (experimentId === undefined ? undefined : toRunLink(repo, experimentId, request));
      links.set(key, link);
      const document: DocumentPatch = {
        aexp: link,
        ...facts,
        queue: toRecord(group, run, nowMs),
        local_path_allowed: request.allowLocalPath === true ? true : undefined,
      };
      return { jobId, statePoint, document };
    }),
  );
}

function toRecord(group: NewGroup, { task, override, position }: RunToQueue, nowMs: number): JsonObject {
  return toQueueRecord(task, group, { nowMs, override, position });
}

/** Writes the spec into the document of a run that was there before. @returns what stood there */
async function noteSpec(repo: Repo, group: NewGroup, run: RunToQueue): Promise<JsonValue | undefined> {
  let former: JsonValue | undefined;
  await repo.runs.updateDocument(run.run.jobId, ({ facts }) => {
    former = toValue(facts.queue);
    return { queue: mergeRecord(facts.queue, toRecord(group, run, repo.clock.nowMs())) };
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
async function markQueued(repo: Repo, jobId: JobId, { before }: RunToQueue["verdict"]): Promise<void> {
  await markStatus(repo, jobId, {
    to: "queued",
    onlyFrom: before === undefined || before === "queued" ? ["created"] : [before],
    facts: { ended_at: undefined, wallclock_s: undefined, exit_code: undefined, signal: undefined },
  });
}
