import { type JobId, parseJobId } from "../../run/job-id.ts";
import type { AliasTarget, SetAliasOptions } from "../alias.ts";
import type { LanePatch, LaneSection } from "../lane.ts";
import type { PolicyListener, SeenOutput } from "../policy.ts";
import type {
  AttemptProcess,
  AttemptResult,
  ClaimRequest,
  JobNote,
  NewGroup,
  NewTask,
  OutboxItem,
  QueueStore,
  TaskQuery,
  WorkerInfo,
} from "../queue-store.ts";
import type { Resolution } from "../stage.ts";
import type { StopMode, TaskReason } from "../task.ts";
import { findAlias, listAliases, listVersions, setAlias } from "./aliases.ts";
import {
  addItems,
  adoptTask,
  finalizeTask,
  finishTask,
  recordProcess,
  releaseTask,
  renewLeases,
  settleLostTask,
} from "./attempt-writes.ts";
import { listBatchJobs, noteJob, noteSubmitted } from "./batch-jobs.ts";
import { ChangeWatch } from "./change-watch.ts";
import { claimTask, holdBackTask, prepareClaim } from "./claim.ts";
import type { Database } from "./database.ts";
import { keepLaneCopy } from "./lane-copy.ts";
import { ageTasks, declareLanes, listLanes, setLane } from "./lanes.ts";
import { acquireLock, breakLock, listLocks, prolongLock, releaseLock } from "./locks.ts";
import { openDatabase, type OpenDatabaseOptions } from "./open-database.ts";
import { countOutbox, failItem, finishItems, reviveItems, takeOutbox } from "./outbox.ts";
import { listOutputs, noteOutputs } from "./outputs.ts";
import { hasNews, listFires, listPassedOver, listPending, noteFire, recallOutputs, seeOutputs } from "./policies.ts";
import { findPurgeable, purgeTasks } from "./purge-tasks.ts";
import { countTasks, queryTasks, readDependentsOf, readEvents, readNeedsOf } from "./reading.ts";
import { readAttempt, readGroup, readTask, readWorker, toWorkerValues, withoutPrivate } from "../records.ts";
import { retryTasks } from "./retry-tasks.ts";
import type { NewOutput, OutputLook } from "../run-output.ts";
import { SharedTransaction } from "./shared-transaction.ts";
import { listHits, listUnresolved, resolveStage } from "./stages.ts";
import { jsonTexts, text } from "../rows.ts";
import { stopTasks } from "./stop-tasks.ts";
import { submitTasks } from "./submit.ts";

/** Opens the queue in the database at `path`. @throws {AexpError} as `openDatabase` does */
export async function openSqliteQueueStore(path: string, options: OpenDatabaseOptions = {}): Promise<QueueStore> {
  return new SqliteQueueStore(await openDatabase(path, options));
}

/**
 * The queue in one SQLite file, for the processes of one machine. Methods are asynchronous by their interface only:
 * each does its whole work before it returns, but for `claim`, `finish` and `resolve`, of which those that are asked for
 * together share a transaction.
 */
class SqliteQueueStore implements QueueStore {
  readonly #db: Database;
  readonly #watch: ChangeWatch;
  readonly #shared: SharedTransaction;
  /** The last claim found a task, so the next one will probably do so, too. */
  #isClaimLikely = false;

  constructor(db: Database) {
    this.#db = db;
    this.#watch = new ChangeWatch(db);
    this.#shared = new SharedTransaction(db);
  }

  async now() {
    return this.#db.now();
  }

  async waitForChange(timeoutMs: number, signal?: AbortSignal) {
    return await this.#watch.wait(timeoutMs, signal);
  }

  async lanes() {
    return listLanes(this.#db);
  }

  async setLane(name: string, patch: LanePatch) {
    const lane = this.#db.writeDurably((tx) => setLane(tx, name, patch));
    keepLaneCopy(this.#db);
    return lane;
  }

  async declareLanes(sections: Readonly<Record<string, LaneSection>>) {
    if (declareLanes(this.#db, sections)) keepLaneCopy(this.#db);
  }

  async submit(group: NewGroup, tasks: readonly NewTask[]) {
    return this.#db.writeDurably((tx) => submitTasks(tx, group, tasks)).map(withoutPrivate);
  }

  async task(id: JobId) {
    const row = this.#db.get("SELECT * FROM tasks WHERE id = :id", { id });
    return row === undefined ? undefined : readTask(row);
  }

  async tasks(query: TaskQuery) {
    return queryTasks(this.#db, query);
  }

  async counts() {
    return countTasks(this.#db);
  }

  async attempts(id: JobId) {
    return this.#db.all("SELECT * FROM attempts WHERE run_id = :id ORDER BY n", { id }).map((row) => readAttempt(row));
  }

  async needs(id: JobId) {
    return readNeedsOf(this.#db, id);
  }

  async dependents(id: JobId) {
    return readDependentsOf(this.#db, id);
  }

  async group(id: string) {
    const row = this.#db.get("SELECT * FROM groups WHERE id = :id", { id });
    return row === undefined ? undefined : readGroup(row);
  }

  async events(after: number, limit: number) {
    return readEvents(this.#db, after, limit);
  }

  async locks() {
    return listLocks(this.#db);
  }

  async workers() {
    return this.#db.all("SELECT * FROM workers ORDER BY started_at, id").map((row) => readWorker(row));
  }

  async wantedCommits(machine: string) {
    const rows = this.#db.all(
      `SELECT DISTINCT commit_oid FROM tasks INDEXED BY tasks_commits
       WHERE state = 'queued' AND commit_oid IS NOT NULL AND machine <> :machine ORDER BY commit_oid`,
      { machine },
    );
    return rows.map((row) => text(row, "commit_oid"));
  }

  async machines() {
    const rows = this.#db.all(
      "SELECT machine FROM workers UNION SELECT machine FROM tasks UNION SELECT machine FROM attempts ORDER BY 1",
    );
    return rows.map((row) => text(row, "machine"));
  }

  async claim(request: ClaimRequest) {
    if (!prepareClaim(this.#db, request, this.#isClaimLikely)) return undefined;
    const claim = await this.#shared.write((tx) => claimTask(tx, request));
    this.#isClaimLikely = claim !== undefined;
    return claim;
  }

  async holdBack(request: ClaimRequest, reason: TaskReason) {
    return holdBackTask(this.#db, request, reason);
  }

  async recordProcess(id: JobId, token: string, process: AttemptProcess) {
    return this.#db.write((tx) => recordProcess(tx, id, token, process));
  }

  async renew(workerId: string, tokens: readonly string[], leaseMs: number) {
    return this.#db.write((tx) => renewLeases(tx, workerId, tokens, leaseMs));
  }

  async finalize(id: JobId, token: string) {
    return this.#db.write((tx) => finalizeTask(tx, id, token));
  }

  async finish(id: JobId, token: string, result: AttemptResult, jitter: number) {
    return await this.#shared.write((tx) => finishTask(tx, id, token, result, jitter));
  }

  async release(id: JobId, token: string) {
    return this.#db.write((tx) => releaseTask(tx, id, token));
  }

  async expired(exceptWorker: string | undefined, limit: number) {
    return this.#db
      .all(
        `SELECT * FROM tasks INDEXED BY tasks_lease
         WHERE lease_token IS NOT NULL AND lease_expires_at <= :now AND worker_id IS NOT :exceptWorker
         ORDER BY lease_expires_at LIMIT :limit`,
        { now: this.#db.now(), exceptWorker, limit },
      )
      .map((row) => readTask(row));
  }

  async settleLost(id: JobId, token: string, jitter: number) {
    return this.#db.write((tx) => settleLostTask(tx, id, token, jitter));
  }

  async adopt(
    id: JobId,
    token: string,
    by: { readonly workerId: string; readonly token: string; readonly leaseMs: number },
  ) {
    return this.#db.write((tx) => adoptTask(tx, id, token, by));
  }

  async submitted(id: JobId, token: string, schedulerJobId: string) {
    return this.#db.write((tx) => noteSubmitted(tx, id, token, schedulerJobId));
  }

  async batchJobs(owner: string, machine: string) {
    return listBatchJobs(this.#db, owner, machine);
  }

  async noteJob(id: JobId, token: string, note: JobNote) {
    return this.#db.write((tx) => noteJob(tx, id, token, note));
  }

  async requestStop(ids: readonly JobId[], mode: StopMode, reason: TaskReason) {
    return this.#db.writeDurably((tx) => stopTasks(tx, ids, mode, reason));
  }

  async retry(ids: readonly JobId[]) {
    return this.#db.writeDurably((tx) => retryTasks(tx, ids)).map(withoutPrivate);
  }

  async purge(options: { readonly dryRun: boolean; readonly before?: number }) {
    if (options.dryRun) return this.#db.read(() => findPurgeable(this.#db, this.#db.now(), options.before));
    return this.#db.write((tx) => purgeTasks(tx, options.before));
  }

  async freeze(name: string, ids: readonly JobId[]) {
    const row = this.#db.write((tx) => {
      if (ids.length > 0) {
        tx.db.run("INSERT INTO frozen_orders (name, ids, at) VALUES (:name, :ids, :now) ON CONFLICT DO NOTHING", {
          name,
          ids: JSON.stringify(ids),
          now: tx.now,
        });
      }
      return tx.db.get("SELECT ids FROM frozen_orders WHERE name = :name", { name });
    });
    return row === undefined ? [] : jsonTexts(row, "ids").map((id) => parseJobId(id));
  }

  async acquireLock(key: string, holder: string, ttlMs: number, note: string) {
    return this.#db.write((tx) => acquireLock(tx, key, holder, ttlMs, note));
  }

  async renewLock(key: string, holder: string, ttlMs: number) {
    return this.#db.write((tx) => prolongLock(tx, key, holder, ttlMs));
  }

  async releaseLock(key: string, holder: string) {
    return this.#db.write((tx) => releaseLock(tx, key, holder));
  }

  async breakLock(key: string) {
    return this.#db.write((tx) => breakLock(tx, key));
  }

  async reportWorker(worker: Omit<WorkerInfo, "beatAt">) {
    this.#db.write((tx) =>
      tx.db.run(
        `INSERT OR REPLACE INTO workers (id, machine, pid, pid_start, boot_id, pools, state, commit_oid, can_checkout,
           started_at, beat_at)
         VALUES (:id, :machine, :pid, :startFingerprint, :bootId, :pools, :state, :commit, :checkout, :startedAt, :now)`,
        toWorkerValues(worker, tx.now),
      ),
    );
  }

  async removeWorker(id: string) {
    this.#db.write((tx) => tx.db.run("DELETE FROM workers WHERE id = :id", { id }));
  }

  async age() {
    return this.#db.write((tx) => ageTasks(tx));
  }

  async unresolved(machine: string, limit: number) {
    return listUnresolved(this.#db, machine, limit);
  }

  async hits(cacheKey: string, machine: string, limit: number) {
    return this.#db.read(() => listHits(this.#db, cacheKey, machine, limit));
  }

  async resolve(id: JobId, resolution: Resolution) {
    return await this.#shared.write((tx) => resolveStage(tx, id, resolution));
  }

  async outputs(ids: readonly JobId[]) {
    return listOutputs(this.#db, ids);
  }

  async addItems(id: JobId, token: string, items: readonly NewOutput[]) {
    return this.#db.write((tx) => addItems(tx, id, token, items));
  }

  async noteOutputs(looks: readonly OutputLook[]) {
    if (looks.length > 0) this.#db.write((tx) => noteOutputs(tx, looks));
  }

  async aliases() {
    return listAliases(this.#db);
  }

  async alias(name: string) {
    return findAlias(this.#db, name);
  }

  async setAlias(name: string, target: AliasTarget, options: SetAliasOptions) {
    return this.#db.writeDurably((tx) => setAlias(tx, name, target, options));
  }

  async aliasLog(name: string) {
    return listVersions(this.#db, name);
  }

  async seeOutputs(listener: PolicyListener) {
    // Most of the time there is nothing new, and nobody is to be kept from writing.
    if (hasNews(this.#db, listener)) this.#db.write((tx) => seeOutputs(tx, listener));
  }

  async pendingFires(listener: PolicyListener, limit: number) {
    return listPending(this.#db, listener, limit);
  }

  async fire(output: SeenOutput, run: JobId, group: NewGroup, tasks: readonly NewTask[]) {
    return this.#db.write((tx) => {
      if (!noteFire(tx, output, run)) return false;
      if (tasks.length > 0) submitTasks(tx, group, tasks);
      return true;
    });
  }

  async recallOutputs(listener: PolicyListener, { dryRun }: { readonly dryRun: boolean }) {
    return dryRun ? listPassedOver(this.#db, listener) : this.#db.write((tx) => recallOutputs(tx, listener));
  }

  async policyFires(policy: string, machine: string) {
    return listFires(this.#db, policy, machine);
  }

  async takeOutbox(limit: number, hideMs: number, topic?: OutboxItem["topic"]) {
    return takeOutbox(this.#db, limit, hideMs, topic);
  }

  async outboxDone(ids: number | readonly number[]) {
    this.#db.write((tx) => finishItems(tx, typeof ids === "number" ? [ids] : ids));
  }

  async outboxFailed(id: number, problem: string) {
    this.#db.write((tx) => failItem(tx, id, problem));
  }

  async reviveOutbox() {
    return this.#db.write((tx) => reviveItems(tx));
  }

  async outboxCounts() {
    return countOutbox(this.#db);
  }

  async [Symbol.asyncDispose]() {
    this.#watch.close();
    this.#db.close();
  }
}
