import { AexpError } from "../model/errors.ts";
import { type NeedText, unknownNeed } from "../queue/needs.ts";
import { isTerminalState, type Need, type NeedCondition, type Task, toRunStatus } from "../queue/task.ts";
import { isSuccess } from "../queue/transitions.ts";
import type { JobId } from "../run/job-id.ts";
import { isRunStatus, isTerminal } from "../run/run-status.ts";
import { atEntry } from "./at-entry.ts";
import type { Repo } from "./repo.ts";
import { resolveJobId } from "./resolve-run.ts";
import type { QueueView, SubmissionEntry, SubmissionRun, Verdict } from "./submission.ts";

/**
 * The runs that each entry waits for. A name stands for an entry of the submission (all its runs), for a run by its id,
 * or for what was queued last under that name. Needs that are satisfied already and that the queue does not know are
 * left out.
 *
 * @throws {AexpError} `queue.unknown_need`, `queue.need_failed`, `run.ambiguous`
 */
export async function resolveNeeds(
  repo: Repo,
  queue: QueueView,
  runs: readonly SubmissionRun[],
  verdicts: ReadonlyMap<JobId, Verdict>,
): Promise<ReadonlyMap<SubmissionEntry, readonly Need[]>> {
  const resolver = new Resolver(repo, queue, runs, verdicts);
  const resolved = new Map<SubmissionEntry, readonly Need[]>();
  for (const entry of new Set(runs.map((run) => run.entry))) {
    resolved.set(entry, await atEntry(entry, async () => await resolver.needsOf(entry)));
  }
  return resolved;
}

class Resolver {
  readonly #repo: Repo;
  readonly #queue: QueueView;
  readonly #verdicts: ReadonlyMap<JobId, Verdict>;
  readonly #byName = new Map<string, JobId[]>();
  readonly #open = new Map<string, readonly JobId[]>();
  #queued: readonly Task[] | undefined;

  constructor(repo: Repo, queue: QueueView, runs: readonly SubmissionRun[], verdicts: ReadonlyMap<JobId, Verdict>) {
    this.#repo = repo;
    this.#queue = queue;
    this.#verdicts = verdicts;
    for (const { entry, run } of runs) {
      if (entry.name === undefined) continue;
      const named = this.#byName.get(entry.name) ?? [];
      named.push(run.jobId);
      this.#byName.set(entry.name, named);
    }
  }

  /** Each run once; that it must succeed says more than that it must end. */
  async needsOf(entry: SubmissionEntry): Promise<readonly Need[]> {
    const needs = new Map<JobId, NeedCondition>();
    for (const need of entry.needs) {
      for (const run of await this.#openRunsOf(need)) {
        if (needs.get(run) !== "success") needs.set(run, need.condition);
      }
    }
    return [...needs].map(([run, condition]) => ({ run, condition }));
  }

  /** The runs that a need stands for and that the queue must watch. */
  async #openRunsOf(need: NeedText): Promise<readonly JobId[]> {
    const key = `${need.condition} ${need.name}`;
    const known = this.#open.get(key);
    if (known !== undefined) return known;
    const runs = (this.#byName.get(need.name) ?? (await this.#findRuns(need.name))).map((run) => this.#standIn(run));
    const tasks = new Map((await this.#queue.tasks({ ids: runs })).map((task) => [task.id, task]));
    const open = runs.filter((run) => this.#mustWatch(run, need, tasks.get(run)));
    this.#open.set(key, open);
    return open;
  }

  /** The run that is pending in place of another. */
  #standIn(run: JobId): JobId {
    const verdict = this.#verdicts.get(run);
    return verdict?.kind === "twin" ? verdict.of : run;
  }

  async #findRuns(name: string): Promise<readonly JobId[]> {
    if (name === "@last" || /^[0-9a-f]{4,32}$/.test(name)) return [this.#resolveId(name)];
    this.#queued ??= await this.#queue.tasks({});
    const named = this.#queued.filter(({ spec }) => spec.name === name);
    const newest = named.reduce<Task | undefined>((a, b) => (a === undefined || b.seq > a.seq ? b : a), undefined);
    if (newest !== undefined) return named.filter(({ groupId }) => groupId === newest.groupId).map(({ id }) => id);
    throw unknownNeed(name, [...this.#byName.keys(), ...this.#queued.flatMap(({ spec }) => spec.name ?? [])]);
  }

  #resolveId(name: string): JobId {
    // A run of this submission may have no folder yet.
    const own = [...this.#verdicts.keys()].filter((id) => id.startsWith(name));
    const [only] = own;
    if (only !== undefined && own.length === 1) return only;
    try {
      return resolveJobId(this.#repo, name);
    } catch (error) {
      if (error instanceof AexpError && error.code === "run.not_found") throw unknownNeed(name, []);
      throw error;
    }
  }

  /** @throws {AexpError} `queue.need_failed`, `queue.unknown_need` */
  #mustWatch(run: JobId, { name, condition }: NeedText, task: Task | undefined): boolean {
    if (this.#verdicts.get(run)?.kind === "queue") return true;
    if (task !== undefined) {
      const isBroken = isTerminalState(task.state) && !isSuccess(task.state) && condition === "success";
      if (!isBroken) return true;
      // It may have succeeded since without the queue.
      if (this.#statusOf(run) === "complete") return false;
      throw brokenNeed(name, run, toRunStatus(task.state));
    }
    const status = this.#statusOf(run);
    if (status === "complete") return false;
    if (status !== undefined && isRunStatus(status) && isTerminal(status)) {
      if (condition === "ended") return false;
      throw brokenNeed(name, run, status);
    }
    throw new AexpError(
      `${JSON.stringify(name)} is needed, but run ${run} is ${status ?? "without a status"} and not in the queue. Nothing was queued`,
      { code: "queue.unknown_need", hint: "Queue it as well, or wait until it has ended." },
    );
  }

  /** From the document, else from the ledger. */
  #statusOf(run: JobId): string | undefined {
    if (this.#repo.runs.has(run)) return this.#repo.runs.read(run).document.statusText ?? "created";
    const read = this.#repo.ledger.read(run);
    return read?.kind === "entry" ? read.record.entry.status : undefined;
  }
}

function brokenNeed(name: string, run: JobId, status: string): AexpError {
  return new AexpError(
    `${JSON.stringify(name)} is needed, but run ${run} is ${status}, so what needs it could never start. Nothing was queued`,
    {
      code: "queue.need_failed",
      hint: `Run \`aexp queue retry ${run}\` first, or write ${name}? to need only its end.`,
    },
  );
}
