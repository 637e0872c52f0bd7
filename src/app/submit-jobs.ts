import type { BatchSpec } from "../executor/batch-executor.ts";
import { toArrayName } from "../executor/sbatch-script.ts";
import { toElementId } from "../executor/scheduler-id.ts";
import { messageOf } from "../model/errors.ts";
import { type ComputeRequest, toSbatchOptions } from "../queue/compute-request.ts";
import type { AttemptResult, Claim } from "../queue/queue-store.ts";
import type { Task } from "../queue/task.ts";
import { type BatchReport, isPassing } from "./batch-report.ts";
import { CodeWatch, noteCodeDifference } from "./code-watch.ts";
import { completeResult } from "./complete-result.ts";
import { describeTask, type PreparedCode, prepareCode, prepareTask } from "./execute-task.ts";
import { toResult } from "./find-attempt.ts";
import { receiveRun } from "./receive-run.ts";
import type { BatchPorts, ReconcileOptions } from "./reconcile-slurm.ts";
import type { Repo } from "./repo.ts";

const DAY_MS = 86_400_000;
const MAX_EXPIRED = 100;
/** So many runs are submitted before jobs are looked at again. */
const MAX_SUBMISSIONS = 200;

/** A claimed task with what its job will do. */
interface Ready {
  readonly claim: Claim;
  readonly spec: BatchSpec;
  /** Whether nobody can have submitted it before. */
  readonly isNew: boolean;
}

const LOCK_LOST = { code: "lost", message: "its lock was taken away" } as const;

/**
 * Hands claimed tasks over to the scheduler: those of which it is asked for the same together, as one array. Every
 * attempt gets one job, whoever is killed in between: before anything is submitted again, its job is looked for.
 */
export class JobSubmitter {
  readonly #repo: Repo;
  readonly #ports: BatchPorts;
  readonly #options: ReconcileOptions;
  readonly #report: BatchReport;
  readonly #code: CodeWatch;

  constructor(repo: Repo, ports: BatchPorts, options: ReconcileOptions, report: BatchReport) {
    this.#repo = repo;
    this.#ports = ports;
    this.#options = options;
    this.#report = report;
    this.#code = new CodeWatch(repo);
  }

  /** Takes up submissions of those who died, or got no answer. @returns whether more may be submitted now */
  async heal(): Promise<boolean> {
    const { store } = this.#ports;
    const { workerId, newToken, leaseMs, owner } = this.#options;
    const claims: Claim[] = [];
    for (const task of await store.expired(undefined, MAX_EXPIRED)) {
      if (task.executor !== "slurm" || task.state !== "submitting" || task.owner !== owner) continue;
      if (task.lease === undefined || !(await this.#isOurs(task))) continue;
      const claim = await store.adopt(task.id, task.lease.token, { workerId, token: newToken(), leaseMs });
      if (claim !== undefined) claims.push(claim);
    }
    return await this.#handOver(claims);
  }

  /** Submits what may start. */
  async submitMore(): Promise<void> {
    const problem = await this.#ports.batch.whyDown();
    if (problem === undefined) await this.#handOver(await this.#claimSome());
    else this.#report.problem(`nothing is submitted: ${problem}`);
  }

  /** Only the cluster that was asked knows its jobs. */
  async #isOurs({ id, attempt }: Task): Promise<boolean> {
    const current = (await this.#ports.store.attempts(id)).find(({ n }) => n === attempt);
    return current?.machine === this.#repo.machineLabel;
  }

  async #claimSome(): Promise<readonly Claim[]> {
    const { workerId, owner, lanes, ids, leaseMs, newToken } = this.#options;
    const commits = (await this.#options.commits?.()) ?? [];
    const claims: Claim[] = [];
    while (claims.length < MAX_SUBMISSIONS) {
      const claim = await this.#ports.store.claim({
        workerId,
        owner,
        machine: this.#repo.machineLabel,
        executors: ["slurm"],
        commits,
        filter: { mode: "any" },
        leaseMs,
        token: newToken(),
        ...(lanes === undefined ? {} : { lanes }),
        ...(ids === undefined ? {} : { ids }),
      });
      if (claim === undefined) break;
      claims.push(claim);
    }
    return claims;
  }

  /** Sees to it that attempts have their jobs. @returns false when SLURM gave no clear answer, and asking more is no use now */
  async #handOver(claims: readonly Claim[]): Promise<boolean> {
    try {
      const ready: Ready[] = [];
      for (const claim of claims) ready.push(...(await this.#makeReady(claim)));
      const submitted = await this.#adoptJobs(ready.filter(({ isNew }) => !isNew));
      if (await this.#submitAll(ready.filter((one) => !submitted.has(one)))) return true;
    } catch (error) {
      if (!isPassing(error)) throw error;
      this.#report.problem(messageOf(error));
    }
    await this.#giveBack(claims);
    return false;
  }

  /** @returns nothing when the attempt can never start */
  async #makeReady(claim: Claim): Promise<readonly Ready[]> {
    try {
      const task = await receiveRun(this.#repo, this.#ports.store, claim.task);
      const code = await prepareCode(this.#repo, this.#ports, task, this.#code);
      const spec = await this.#toSpec({ ...claim, task }, code);
      if ("state" in spec) {
        // What it would read has changed; an attempt that was submitted before may have read it earlier.
        const adopted = await this.#adoptJobs([{ claim }]);
        if (adopted.size === 0) await this.#end(claim, spec);
        return [];
      }
      const isNew = await this.#ports.batch.prepare(spec);
      // Later its job may have begun, and nobody writes the document of a run while it is executed.
      if (isNew) await noteCodeDifference(this.#repo, task.id, code.codeDifference);
      return [{ claim, spec, isNew }];
    } catch (error) {
      if (isPassing(error)) throw error;
      await this.#failToStart(claim, messageOf(error));
      return [];
    }
  }

  /** @returns false when SLURM gave no clear answer */
  async #submitAll(ready: readonly Ready[]): Promise<boolean> {
    const size = ready.length > 1 ? await this.#ports.batch.maxArraySize() : 1;
    for (const group of groupAlike(ready, size)) {
      if (!(await this.#submitGroup(await this.#keepOurs(group)))) return false;
    }
    return true;
  }

  /** Preparing takes time: only what is still ours, and not to be stopped, is submitted. */
  async #keepOurs(group: readonly Ready[]): Promise<readonly Ready[]> {
    const { workerId, leaseMs } = this.#options;
    const tokens = group.map(({ claim }) => claim.lease.token);
    const { lost, stops } = await this.#ports.store.renew(workerId, tokens, leaseMs);
    const stopped = new Set(stops.map(({ token }) => token));
    const ours: Ready[] = [];
    for (const ready of group) {
      const { token } = ready.claim.lease;
      if (stopped.has(token)) await this.#end(ready.claim, { state: "stopped", reason: undefined });
      // Nothing happens when somebody else has taken over.
      else if (lost.includes(token)) await this.#end(ready.claim, { state: "failed", reason: LOCK_LOST });
      else ours.push(ready);
    }
    return ours;
  }

  async #submitGroup(group: readonly Ready[]): Promise<boolean> {
    const [first] = group;
    if (first === undefined) return true;
    if (group.length === 1) return await this.#submitOne(first);
    const array = toArrayName(this.#options.newToken());
    const elements = group.map((ready, index) => ({ ...ready, index }));
    const outcome = await this.#ports.batch.submitArray(array, elements);
    switch (outcome.kind) {
      case "submitted":
        for (const { claim, index } of elements) {
          await this.#noteSubmitted(claim, toElementId(outcome.schedulerJobId, index), false);
        }
        return true;
      case "refused":
        // A site may refuse arrays, and take single jobs.
        for (const ready of group) if (!(await this.#submitOne(ready))) return false;
        return true;
      case "unclear":
        this.#report.problem(`${group.length} runs are not submitted yet: ${outcome.problem}`);
        return false;
    }
  }

  async #submitOne({ claim, spec }: Ready): Promise<boolean> {
    const outcome = await this.#ports.batch.submit(spec);
    switch (outcome.kind) {
      case "submitted":
        await this.#noteSubmitted(claim, outcome.schedulerJobId, false);
        return true;
      case "refused":
        await this.#failToStart(claim, `sbatch refused it: ${outcome.problem}`);
        return true;
      case "unclear":
        this.#report.problem(`run ${spec.jobId.slice(0, 8)} is not submitted yet: ${outcome.problem}`);
        return false;
    }
  }

  /** Whoever comes next looks for their jobs by name, before anything is submitted again. */
  async #giveBack(claims: readonly Claim[]): Promise<void> {
    const tokens = claims.map(({ lease }) => lease.token);
    if (tokens.length > 0) await this.#ports.store.renew(this.#options.workerId, tokens, 0);
  }

  /**
   * Finds the jobs of attempts that may have been submitted before. Of several one is kept. An attempt that has begun is
   * never submitted again, even when its job is forgotten: what became of it counts.
   *
   * @returns those that need no job any more
   */
  async #adoptJobs<T extends Pick<Ready, "claim">>(doubtful: readonly T[]): Promise<ReadonlySet<T>> {
    const adopted = new Set<T>();
    if (doubtful.length === 0) return adopted;
    const { batch } = this.#ports;
    const since = Math.min(...doubtful.map(({ claim }) => claim.task.createdAt)) - DAY_MS;
    const found = await batch.find(
      doubtful.map(({ claim: { task } }) => ({ jobId: task.id, attempt: task.attempt })),
      since,
    );
    for (const [at, ready] of doubtful.entries()) {
      if (await this.#adoptJob(ready.claim, found[at] ?? [])) adopted.add(ready);
    }
    return adopted;
  }

  async #adoptJob(claim: Claim, found: readonly string[]): Promise<boolean> {
    const { batch } = this.#ports;
    const { startedBy, end } = batch.traces(claim.task.id, claim.task.attempt);
    if (found.length === 0 && end !== undefined && startedBy !== undefined) {
      await this.#noteSubmitted(claim, startedBy, true);
      await this.#end(claim, { ...toResult(end), endedAt: end.endedAtMs });
      return true;
    }
    const kept = startedBy ?? found.at(-1);
    if (kept === undefined) return false;
    const extra = found.filter((schedulerJobId) => schedulerJobId !== kept);
    if (extra.length > 0) await batch.cancel(extra);
    await this.#noteSubmitted(claim, kept, true);
    return true;
  }

  async #noteSubmitted({ task, lease }: Claim, schedulerJobId: string, isFound: boolean): Promise<void> {
    const { store, batch } = this.#ports;
    if (await store.submitted(task.id, lease.token, schedulerJobId)) {
      this.#report.tell({ kind: "submitted", jobId: task.id, schedulerJobId, isFound });
      return;
    }
    // We were too slow. Whoever took over may have found this job; if it has made another one, ours is too many.
    const attempts = await store.attempts(task.id);
    const other = attempts.find(({ n }) => n === task.attempt)?.schedulerJobId;
    const { startedBy } = batch.traces(task.id, task.attempt);
    if (other !== undefined && other !== schedulerJobId && startedBy !== schedulerJobId) {
      await batch.cancel([schedulerJobId]);
    }
  }

  async #failToStart(claim: Claim, message: string): Promise<void> {
    await this.#end(claim, { state: "failed", reason: { code: "spawn_error", message } });
  }

  async #end({ task, lease }: Claim, end: AttemptResult): Promise<void> {
    const result = await completeResult(this.#repo, this.#ports, task, end);
    const ended = await this.#ports.store.finish(task.id, lease.token, result, this.#options.jitter());
    if (ended === undefined) return;
    const { reason } = result;
    this.#report.tell({ kind: "ended", jobId: task.id, schedulerJobId: undefined, state: ended.state, reason });
  }

  /** @returns its end, when it is a stage that cannot begin any more */
  async #toSpec(claim: Claim, { root, codePatch }: PreparedCode): Promise<BatchSpec | AttemptResult> {
    const { task } = claim;
    const { timeoutMs, graceMs } = task.spec;
    const program = await prepareTask(this.#repo, this.#ports, task, root);
    if ("state" in program) return program;
    return {
      jobId: task.id,
      attempt: task.attempt,
      ...program,
      codePatch,
      timeoutMs,
      heartbeatMs: this.#options.heartbeatMs,
      graceMs,
      env: { ...program.env, ...describeTask(claim) },
      compute: task.spec.compute ?? (await this.#defaults()),
    };
  }

  /** For what was queued before its lane became a scheduler's. */
  async #defaults(): Promise<ComputeRequest> {
    return (await this.#repo.readConfig()).slurm;
  }
}

/** Attempts of which the scheduler is asked for the same, in groups of at most so many, in order of their claims. */
function groupAlike(all: readonly Ready[], size: number): readonly (readonly Ready[])[] {
  const alike = Map.groupBy(all, ({ spec }) => JSON.stringify(toSbatchOptions(spec.compute)));
  return [...alike.values()].flatMap((group) =>
    Array.from({ length: Math.ceil(group.length / size) }, (_, n) => group.slice(n * size, (n + 1) * size)),
  );
}
