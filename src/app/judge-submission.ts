import { type ExactObject, toPythonJson } from "../model/exact-json.ts";
import { isTerminalState, PENDING_STATES, type Task, toRunStatus } from "../queue/task.ts";
import { isSuccess } from "../queue/transitions.ts";
import type { JobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";
import type { QueueView, SubmissionRequest, SubmissionRun, Verdict } from "./submission.ts";

/** What is to become of each run: queued, or left alone because it is complete, pending, or has a pending twin. */
export async function judgeRuns(
  repo: Repo,
  queue: QueueView,
  runs: readonly SubmissionRun[],
  request: Pick<SubmissionRequest, "isForced" | "isTwinAllowed">,
): Promise<ReadonlyMap<JobId, Verdict>> {
  const ids = runs.map(({ run }) => run.jobId);
  const known = {
    tasks: new Map((await queue.tasks({ ids })).map((task) => [task.id, task])),
    local: new Set(repo.runs.exists() ? repo.runs.listJobIds() : []),
    entries: new Set(repo.ledger.listJobIds()),
  };
  const twinOf = request.isTwinAllowed ? () => undefined : await findTwins(repo, queue, runs);
  return new Map(
    runs.map((run) => {
      const verdict = judge(repo, run.run.jobId, known, request.isForced);
      const isUntouched = verdict.kind === "queue" && (verdict.before === undefined || verdict.before === "created");
      const twin = isUntouched ? twinOf(run) : undefined;
      return [run.run.jobId, twin === undefined ? verdict : { kind: "twin", of: twin }];
    }),
  );
}

interface Known {
  readonly tasks: ReadonlyMap<JobId, Task>;
  readonly local: ReadonlySet<JobId>;
  readonly entries: ReadonlySet<JobId>;
}

function judge(repo: Repo, jobId: JobId, known: Known, isForced: boolean): Verdict {
  const task = known.tasks.get(jobId);
  if (task !== undefined && !isTerminalState(task.state)) {
    return { kind: "pending", status: toRunStatus(task.state), isInQueue: true };
  }
  const facts = known.local.has(jobId) ? repo.runs.read(jobId).document.facts : undefined;
  const status = facts?.status ?? (facts === undefined ? undefined : "created");
  // Its end may not have reached the document yet.
  const hasSucceeded = status === "complete" || (task !== undefined && isSuccess(task.state));
  if (hasSucceeded && !isForced) return { kind: "complete", machine: undefined };
  const elsewhere = isForced || status !== undefined ? undefined : completeElsewhere(repo, jobId, known);
  if (elsewhere !== undefined) return { kind: "complete", machine: elsewhere };
  if (status === "running" && task === undefined) return { kind: "pending", status, isInQueue: false };
  const attempts = (facts?.attempts ?? []).map(({ n }) => n);
  return { kind: "queue", before: status, lastAttempt: Math.max(0, facts?.attempt ?? 0, ...attempts) };
}

/** The machine that completed a run, as far as the ledger knows. */
function completeElsewhere(repo: Repo, jobId: JobId, known: Known): string | undefined {
  const read = known.entries.has(jobId) ? repo.ledger.read(jobId) : undefined;
  if (read?.kind !== "entry" || read.record.entry.status !== "complete") return undefined;
  return read.record.entry.registered_machine;
}

/** Tells the pending run, not of this submission, that is the same in everything but its code. */
async function findTwins(
  repo: Repo,
  queue: QueueView,
  runs: readonly SubmissionRun[],
): Promise<(run: SubmissionRun) => JobId | undefined> {
  const own = new Set(runs.map(({ run }) => run.jobId));
  const twins = new Map<string, JobId>();
  for (const experimentId of new Set(runs.map(({ entry }) => entry.run.experimentId))) {
    for (const task of await queue.tasks({ states: PENDING_STATES, experimentId })) {
      if (own.has(task.id) || !repo.runs.has(task.id)) continue;
      const key = twinKey({ tag: task.spec.tag, run: { experimentId } }, repo.runs.readStatePoint(task.id));
      if (!twins.has(key)) twins.set(key, task.id);
    }
  }
  return ({ entry, run }) => (twins.size === 0 ? undefined : twins.get(twinKey(entry, run.statePoint)));
}

function twinKey(
  { tag, run }: { readonly tag: string | undefined; readonly run: { readonly experimentId: string } },
  statePoint: ExactObject,
): string {
  const rest = new Map(statePoint);
  rest.delete("code_commit");
  rest.delete("code_dirty");
  return `${run.experimentId} ${JSON.stringify(tag ?? null)} ${toPythonJson(rest, { sortKeys: true })}`;
}
