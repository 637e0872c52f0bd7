import type { Executor } from "../executor/executor.ts";
import { messageOf } from "../model/errors.ts";
import type { NewGroup, NewTask, QueueStore } from "../queue/queue-store.ts";
import type { Need } from "../queue/task.ts";
import { parseTaskSpec } from "../queue/task-spec.ts";
import type { RunFacts } from "../run/document.ts";
import type { JobId } from "../run/job-id.ts";
import { isRunStatus, isTerminal } from "../run/run-status.ts";
import { applyLanes } from "./apply-lanes.ts";
import { toGroupId } from "./group-id.ts";
import { markStatus } from "./mark-status.ts";
import type { Repo } from "./repo.ts";
import { settleRun } from "./settle-run.ts";

/** What came of a rebuilding. */
export interface RebuildOutcome {
  /** Runs that are in the queue again. */
  readonly restored: readonly JobId[];
  /** Runs that were under way and have ended: from their records, or as lost. */
  readonly settled: readonly JobId[];
  /** Runs that can never start, because what they need has failed. */
  readonly skipped: readonly JobId[];
  /** Runs that were left as they are, and why. */
  readonly problems: readonly { readonly jobId: JobId; readonly problem: string }[];
}

/**
 * Puts the runs whose documents say that they are queued into the queue, when it does not know them: for a database that
 * was lost. Documents hold all that was decided when a run was queued, so needs, lanes, groups and order come back. It
 * may be called again at any time; what the queue knows is left alone.
 */
export async function rebuildQueue(repo: Repo, store: QueueStore, executor: Executor): Promise<RebuildOutcome> {
  const rebuilding = new Rebuilding(repo, store, executor);
  await rebuilding.run();
  return rebuilding.outcome;
}

/** A run that waits, as its document describes it. */
interface Waiting {
  readonly group: NewGroup;
  readonly task: NewTask;
  readonly queuedAt: string;
  /** Times are whole seconds; runs that were queued together have an order beside. */
  readonly position: number;
}

class Rebuilding {
  readonly outcome: {
    restored: JobId[];
    settled: JobId[];
    skipped: JobId[];
    problems: { jobId: JobId; problem: string }[];
  } = { restored: [], settled: [], skipped: [], problems: [] };
  readonly #repo: Repo;
  readonly #store: QueueStore;
  readonly #executor: Executor;
  readonly #waiting = new Map<JobId, Waiting>();

  constructor(repo: Repo, store: QueueStore, executor: Executor) {
    this.#repo = repo;
    this.#store = store;
    this.#executor = executor;
  }

  async run(): Promise<void> {
    const known = new Set((await this.#store.tasks({})).map(({ id }) => id));
    for (const read of this.#repo.runs.readAll()) {
      if (read.kind === "unreadable") this.#leave(read.jobId, read.problem);
      else if (!known.has(read.run.jobId)) await this.#consider(read.run.jobId, read.run.document.facts);
    }
    await applyLanes(this.#store, await this.#repo.readConfig());
    const ready = await this.#withKnownNeeds(known);
    await this.#makeLanes(ready);
    await this.#submit(ready);
  }

  async #consider(jobId: JobId, facts: RunFacts): Promise<void> {
    if (facts.queue?.spec === undefined) return;
    try {
      if (facts.status === "running" && facts.queue.origin?.executor === "slurm") {
        this.#waiting.set(jobId, toUnderWay(jobId, facts));
      } else if (facts.status === "running") await this.#settle(jobId, facts);
      else if (facts.status === "queued") this.#waiting.set(jobId, toWaiting(jobId, facts));
    } catch (error) {
      this.#leave(jobId, messageOf(error));
    }
  }

  /** Its worker is not known any more. @throws {AexpError} `run.busy` while it lives */
  async #settle(jobId: JobId, facts: RunFacts): Promise<void> {
    const graceMs = parseTaskSpec(facts.queue?.spec, jobId).graceMs;
    await settleRun(this.#repo, this.#executor, { jobId, facts }, { isForced: false, graceMs });
    this.outcome.settled.push(jobId);
  }

  #leave(jobId: JobId, problem: string): void {
    this.outcome.problems.push({ jobId, problem });
  }

  /** What waits, each after all that it needs. What can never start is skipped. */
  async #withKnownNeeds(known: ReadonlySet<JobId>): Promise<readonly Waiting[]> {
    const verdicts = new Map<JobId, Verdict>();
    const ordered: Waiting[] = [];
    const visit = async (waiting: Waiting): Promise<Verdict> => {
      const { id, spec } = waiting.task;
      const earlier = verdicts.get(id);
      if (earlier !== undefined) return earlier;
      verdicts.set(id, { kind: "kept" }); // needs form no cycle; were there one, the store would refuse it
      const needs: Need[] = [];
      let verdict: Verdict = { kind: "kept" };
      for (const need of spec.needs) {
        const needed = this.#waiting.get(need.run);
        const outcome = needed === undefined ? this.#judgeEnded(need, known) : await visit(needed);
        if (outcome.kind === "kept") needs.push(need);
        else if (outcome.kind !== "met" && !(outcome.kind === "broken" && need.condition === "ended"))
          verdict = outcome;
      }
      verdicts.set(id, verdict);
      if (verdict.kind === "broken") await this.#skip(id, verdict.because);
      else if (verdict.kind === "unknown")
        this.#leave(id, `it needs run ${verdict.run}, of which nothing is known here`);
      else ordered.push({ ...waiting, task: { ...waiting.task, spec: { ...spec, needs } } });
      return verdict;
    };
    const inOrder = [...this.#waiting.values()].toSorted(
      (a, b) => compareTexts(a.queuedAt, b.queuedAt) || a.position - b.position,
    );
    for (const waiting of inOrder) await visit(waiting);
    return ordered;
  }

  #judgeEnded({ run, condition }: Need, known: ReadonlySet<JobId>): Verdict {
    if (known.has(run)) return { kind: "kept" };
    const status = this.#statusOf(run);
    if (status === "complete") return { kind: "met" };
    if (status === undefined || !isRunStatus(status) || !isTerminal(status)) return { kind: "unknown", run };
    return condition === "ended" ? { kind: "met" } : { kind: "broken", because: run };
  }

  #statusOf(run: JobId): string | undefined {
    if (this.#repo.runs.has(run)) return this.#repo.runs.read(run).document.statusText;
    const read = this.#repo.ledger.read(run);
    return read?.kind === "entry" ? read.record.entry.status : undefined;
  }

  async #skip(jobId: JobId, because: JobId): Promise<void> {
    const message = `${because.slice(0, 8)} did not succeed`;
    await markStatus(this.#repo, jobId, { to: "abandoned", reason: { code: "needs_failed", message, because } });
    this.outcome.skipped.push(jobId);
  }

  /** Lanes that nobody has described again have no limits. */
  async #makeLanes(waiting: readonly Waiting[]): Promise<void> {
    const known = new Set((await this.#store.lanes()).map(({ name }) => name));
    for (const lane of new Set(waiting.map(({ task }) => task.spec.lane))) {
      if (known.has(lane)) continue;
      await this.#store.setLane(lane, {});
      this.#repo.warn(
        `lane ${lane} is back without its limits, which were in the lost database; \`aexp lane set\` sets them`,
      );
    }
  }

  /** Neighbours of one group go together; a group may come in several parts, so that needs come first. */
  async #submit(waiting: readonly Waiting[]): Promise<void> {
    let part: Waiting[] = [];
    for (const next of [...waiting, undefined]) {
      const [first] = part;
      if (first !== undefined && next?.group.id !== first.group.id) {
        await this.#store.submit(
          first.group,
          part.map(({ task }) => task),
        );
        this.outcome.restored.push(...part.map(({ task }) => task.id));
        part = [];
      }
      if (next !== undefined) part.push(next);
    }
  }
}

/** What an edge, or a run that is needed, comes to. */
type Verdict =
  | { readonly kind: "kept" }
  | { readonly kind: "met" }
  | { readonly kind: "broken"; readonly because: JobId }
  | { readonly kind: "unknown"; readonly run: JobId };

/** @throws {AexpError} `queue.spec_invalid` */
function toWaiting(jobId: JobId, facts: RunFacts): Waiting {
  const { queue = {}, aexp } = facts;
  const spec = parseTaskSpec(queue.spec, `the document of run ${jobId}`);
  const {
    group_kind = "batch",
    group_name = "",
    caller = "",
    owner = "",
    machine = "",
    target,
    executor = "local",
    position = 0,
  } = queue.origin ?? {};
  const attempts = (facts.attempts ?? []).map(({ n }) => n);
  return {
    group: { id: queue.group ?? toGroupId(jobId), kind: group_kind, name: group_name, caller },
    queuedAt: queue.queued_at ?? "",
    position,
    task: {
      id: jobId,
      experimentId: aexp?.experiment_id,
      spec,
      caller,
      owner,
      machine,
      executor,
      lastAttempt: Math.max(0, facts.attempt ?? 0, ...attempts),
      ...(target === undefined ? {} : { target }),
    },
  };
}

/** A scheduler may have it: its attempt is taken up again under the same number, by which its job is found. */
function toUnderWay(jobId: JobId, facts: RunFacts): Waiting {
  const waiting = toWaiting(jobId, facts);
  return { ...waiting, task: { ...waiting.task, lastAttempt: Math.max(0, (facts.attempt ?? 1) - 1) } };
}

function compareTexts(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
