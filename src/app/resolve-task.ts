import { AexpError } from "../model/errors.ts";
import type { QueueStore } from "../queue/queue-store.ts";
import { type JobId } from "../run/job-id.ts";
import type { Repo } from "./repo.ts";
import { resolveJobId } from "./resolve-run.ts";

/** What came of one of the runs that a command was given. */
export interface RunOutcome<Outcome extends string> {
  /** The job id, or what the user wrote where that names no run. */
  readonly run: string;
  readonly outcome: Outcome | "failed";
  /** What else there is to know. */
  readonly note?: string;
  /** Why it failed. */
  readonly code?: string;
  readonly message?: string;
}

/**
 * The run that a user means, as `resolveJobId` finds it, and also among tasks whose folder is on another machine.
 *
 * @throws {AexpError} `run.not_found`, `run.ambiguous`, `job_id.invalid`
 */
export async function resolveTaskId(repo: Repo, store: QueueStore | undefined, text: string): Promise<JobId> {
  try {
    return resolveJobId(repo, text);
  } catch (error) {
    if (store === undefined || !(error instanceof AexpError) || error.code !== "run.not_found") throw error;
    const [first, second] = (await store.tasks({})).filter(({ id }) => id.startsWith(text));
    if (first === undefined) throw error;
    if (second === undefined) return first.id;
    throw new AexpError(
      `${JSON.stringify(text)} could be any of several runs, ${first.id} and ${second.id} among them`,
      {
        code: "run.ambiguous",
        hint: "Give more digits of the id.",
      },
    );
  }
}

/** The runs that a user names; a name that means no run is an outcome, unless it is the only one. */
export async function resolveTaskIds(
  repo: Repo,
  store: QueueStore | undefined,
  names: readonly string[],
): Promise<{ readonly ids: readonly JobId[]; readonly failed: readonly RunOutcome<never>[] }> {
  const ids: JobId[] = [];
  const failed: RunOutcome<never>[] = [];
  for (const name of names) {
    try {
      ids.push(await resolveTaskId(repo, store, name));
    } catch (error) {
      if (!(error instanceof AexpError) || names.length === 1) throw error;
      failed.push(toFailure(name, error));
    }
  }
  return { ids: [...new Set(ids)], failed };
}

/** An expected failure as the outcome of one of several runs. */
export function toFailure(run: string, error: AexpError): RunOutcome<never> {
  const message = error.hint === undefined ? error.message : `${error.message}. ${error.hint}`;
  return { run, outcome: "failed", code: error.code, message };
}

/**
 * Why a command about a task finds none. The queue may have been lost, and the run's document may still know of it.
 */
export function notQueued(repo: Repo, id: JobId): AexpError {
  const facts = repo.runs.has(id) ? repo.runs.read(id).document.facts : undefined;
  const isPending = facts?.status === "queued" || facts?.status === "running";
  if (facts?.queue?.spec === undefined) {
    return new AexpError(`run ${id} was never queued`, {
      code: "queue.not_queued",
      hint: `\`aexp why ${id.slice(0, 8)}\` tells how it stands.`,
    });
  }
  return new AexpError(`run ${id} was queued, but the queue's database does not know it any more`, {
    code: "queue.not_queued",
    hint: isPending
      ? "`aexp queue recover --rebuild` brings it back from its document."
      : "Queue it again with `aexp queue add`.",
  });
}
