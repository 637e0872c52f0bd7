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
import { readAttempt, readGroup, readWorker, toWorkerValues, withoutPrivate } from "../records.ts";
import { jsonTexts, text } from "../rows.ts";
import type { NewOutput, OutputLook } from "../run-output.ts";
import type { Resolution } from "../stage.ts";
import type { StopMode, TaskReason } from "../task.ts";
import { findAlias, listAliases, listVersions, setAlias } from "./aliases.ts";
import {
  addItems,
  adoptTask,
  finalizeTask,
  finishTask,
  openHeld,
  openLeased,
  openStarted,
  recordProcess,
  releaseTask,
  renewLeases,
  settleLostTask,
} from "./attempt-writes.ts";
import { listBatchJobs, noteJob, noteSubmitted, openInScheduler } from "./batch-jobs.ts";
import { ChangeWatch } from "./change-watch.ts";
import { claimTask, holdBackTask, lookForWork, readClaim } from "./claim.ts";
import type { Database, WriteTransaction } from "./database.ts";
import { ageTasks, declareLanes, listLanes, setLane } from "./lanes.ts";
import { acquireLock, breakLock, listLocks, prolongLock, releaseLock } from "./locks.ts";
import { openDatabase, openDatabaseIfPresent, type OpenDatabaseOptions } from "./open-database.ts";
import { countOutbox, failItem, finishItems, reviveItems, takeOutbox } from "./outbox.ts";
import { listOutputs, noteOutputs } from "./outputs.ts";
import { hasNews, listFires, listPassedOver, listPending, noteFire, recallOutputs, seeOutputs } from "./policies.ts";
import { findPurgeable, purgeTasks } from "./purge-tasks.ts";
import {
  countTasks,
  findExpired,
  queryTasks,
  readDependentsOf,
  readEvents,
  readNeedsOf,
  readWantedCommits,
} from "./reading.ts";
import { retryTasks } from "./retry-tasks.ts";
import { listHits, listUnresolved, openResolvable, resolveStage } from "./stages.ts";
import { stopTasks } from "./stop-tasks.ts";
import { submitTasks } from "./submit.ts";
import { findTask } from "./task-moves.ts";

/** Opens the queue on the server of `url`. @throws {AexpError} as `openDatabase` does */
export async function openPostgresQueueStore(url: string, options: OpenDatabaseOptions): Promise<QueueStore> {
  return new PostgresQueueStore(await openDatabase(url, options));
}

/** The same, but `undefined` when nothing was ever queued there. @throws {AexpError} as `openDatabase` does */
export async function openPostgresQueueStoreIfPresent(
  url: string,
  options: OpenDatabaseOptions,
): Promise<QueueStore | undefined> {
  const db = await openDatabaseIfPresent(url, options);
  return db && new PostgresQueueStore(db);
}

/** The queue in one schema of a PostgreSQL server, for the processes of many machines. */
class PostgresQueueStore implements QueueStore {
  readonly #db: Database;
  readonly #watch: ChangeWatch;
  /** The last claim found a task, so the next one will probably do so, too. */
  #isClaimLikely = false;

  constructor(db: Database) {
    this.#db = db;
    this.#watch = new ChangeWatch(db);
  }

  async now() {
    return await this.#db.now();
  }

  async waitForChange(timeoutMs: number, signal?: AbortSignal) {
    return await this.#watch.wait(timeoutMs, signal);
  }

  async lanes() {
    return await listLanes(this.#db);
  }

  async setLane(name: string, patch: LanePatch) {
    return await this.#db.write((tx) => setLane(tx, name, patch));
  }

  async declareLanes(sections: Readonly<Record<string, LaneSection>>) {
    await declareLanes(this.#db, sections);
  }

  async submit(group: NewGroup, tasks: readonly NewTask[]) {
    return (await this.#db.write((tx) => submitTasks(tx, group, tasks))).map(withoutPrivate);
  }

  async task(id: JobId) {
    const task = await findTask(this.#db, id);
    return task && withoutPrivate(task);
  }

  async tasks(query: TaskQuery) {
    return await queryTasks(this.#db, query);
  }

  async counts() {
    return await countTasks(this.#db);
  }

  async attempts(id: JobId) {
    const rows = await this.#db.all("SELECT * FROM attempts WHERE run_id = :id ORDER BY n", { id });
    return rows.map((row) => readAttempt(row));
  }

  async needs(id: JobId) {
    return await readNeedsOf(this.#db, id);
  }

  async dependents(id: JobId) {
    return await readDependentsOf(this.#db, id);
  }

  async group(id: string) {
    const row = await this.#db.get("SELECT * FROM groups WHERE id = :id", { id });
    return row && readGroup(row);
  }

  async events(after: number, limit: number) {
    return await readEvents(this.#db, after, limit);
  }

  async locks() {
    return await this.#db.read(listLocks);
  }

  async workers() {
    const rows = await this.#db.all("SELECT * FROM workers ORDER BY started_at, id");
    return rows.map((row) => readWorker(row));
  }

  async wantedCommits(machine: string) {
    return await readWantedCommits(this.#db, machine);
  }

  async machines() {
    const rows = await this.#db.all(
      `SELECT machine FROM (
         SELECT machine FROM workers UNION SELECT machine FROM tasks UNION SELECT machine FROM attempts) known
       ORDER BY machine COLLATE "C"`,
    );
    return rows.map((row) => text(row, "machine"));
  }

  async claim(request: ClaimRequest) {
    // Workers that find nothing must not keep those waiting who have something to write.
    if (!this.#isClaimLikely && (await this.#db.readAtOnce(lookForWork(request))).length === 0) return undefined;
    const claim = readClaim(await this.#db.writeAtOnce(claimTask(request)));
    this.#isClaimLikely = claim !== undefined;
    return claim;
  }

  async holdBack(request: ClaimRequest, reason: TaskReason) {
    return await this.#db.write((tx) => holdBackTask(tx, request, reason));
  }

  async recordProcess(id: JobId, token: string, process: AttemptProcess) {
    return await this.#db.write((tx) => recordProcess(tx, token, process), { opening: openStarted(id, token) });
  }

  async renew(workerId: string, tokens: readonly string[], leaseMs: number) {
    return await this.#db.write((tx) => renewLeases(tx, workerId, tokens, leaseMs));
  }

  async finalize(id: JobId, token: string) {
    return await this.#db.write(finalizeTask, { opening: openLeased(id, token) });
  }

  async finish(id: JobId, token: string, result: AttemptResult, jitter: number) {
    return await this.#db.write((tx) => finishTask(tx, token, result, jitter), { opening: openHeld(id, token) });
  }

  async release(id: JobId, token: string) {
    return await this.#db.write((tx) => releaseTask(tx, token), { opening: openHeld(id, token) });
  }

  async expired(exceptWorker: string | undefined, limit: number) {
    return await this.#db.read((tx) => findExpired(tx, exceptWorker, limit));
  }

  async settleLost(id: JobId, token: string, jitter: number) {
    return await this.#db.write((tx) => settleLostTask(tx, token, jitter), { opening: openLeased(id, token) });
  }

  async adopt(
    id: JobId,
    token: string,
    by: { readonly workerId: string; readonly token: string; readonly leaseMs: number },
  ) {
    return await this.#db.write((tx) => adoptTask(tx, id, token, by));
  }

  async submitted(id: JobId, token: string, schedulerJobId: string) {
    const opening = openLeased(id, token);
    return await this.#db.write((tx) => noteSubmitted(tx, token, schedulerJobId), { opening });
  }

  async batchJobs(owner: string, machine: string) {
    return await listBatchJobs(this.#db, owner, machine);
  }

  async noteJob(id: JobId, token: string, note: JobNote) {
    return await this.#db.write((tx) => noteJob(tx, token, note), { opening: openInScheduler(id, token) });
  }

  async requestStop(ids: readonly JobId[], mode: StopMode, reason: TaskReason) {
    return await this.#db.write((tx) => stopTasks(tx, ids, mode, reason));
  }

  async retry(ids: readonly JobId[]) {
    return (await this.#db.write((tx) => retryTasks(tx, ids))).map(withoutPrivate);
  }

  async purge({ dryRun, before }: { readonly dryRun: boolean; readonly before?: number }) {
    if (dryRun) return await this.#db.read((tx) => findPurgeable(tx, before));
    return await this.#db.write((tx) => purgeTasks(tx, before));
  }

  async freeze(name: string, ids: readonly JobId[]) {
    const row = await this.#db.write(async ({ db, now }) => {
      if (ids.length > 0) {
        await db.run(
          "INSERT INTO frozen_orders (name, ids, at) VALUES (:name, :ids::json, :now) ON CONFLICT DO NOTHING",
          { name, ids: JSON.stringify(ids), now },
        );
      }
      return await db.get("SELECT ids FROM frozen_orders WHERE name = :name", { name });
    });
    return row === undefined ? [] : jsonTexts(row, "ids").map((id) => parseJobId(id));
  }

  async acquireLock(key: string, holder: string, ttlMs: number, note: string) {
    return await this.#db.write((tx) => acquireLock(tx, key, holder, ttlMs, note));
  }

  async renewLock(key: string, holder: string, ttlMs: number) {
    return await this.#db.write((tx) => prolongLock(tx, key, holder, ttlMs));
  }

  async releaseLock(key: string, holder: string) {
    return await this.#db.write((tx) => releaseLock(tx, key, holder));
  }

  async breakLock(key: string) {
    return await this.#db.write((tx) => breakLock(tx, key));
  }

  async reportWorker(worker: Omit<WorkerInfo, "beatAt">) {
    await this.#db.write(
      ({ db, now }) =>
        db.run(
          `INSERT INTO workers (id, machine, pid, pid_start, boot_id, pools, state, commit_oid, can_checkout, started_at,
           beat_at)
         VALUES (:id, :machine, :pid, :startFingerprint, :bootId, :pools, :state, :commit, :checkout, :startedAt, :now)
         ON CONFLICT (id) DO UPDATE SET machine = excluded.machine, pid = excluded.pid, pid_start = excluded.pid_start,
           boot_id = excluded.boot_id, pools = excluded.pools, state = excluded.state,
           commit_oid = excluded.commit_oid, can_checkout = excluded.can_checkout, started_at = excluded.started_at, beat_at = excluded.beat_at`,
          toWorkerValues(worker, now),
        ),
      { mayBeForgotten: true },
    );
  }

  async removeWorker(id: string) {
    await this.#db.write(({ db }) => db.run("DELETE FROM workers WHERE id = :id", { id }), {
      mayBeForgotten: true,
    });
  }

  async age() {
    return await this.#db.write(ageTasks, { mayBeForgotten: true });
  }

  async unresolved(machine: string, limit: number) {
    return await listUnresolved(this.#db, machine, limit);
  }

  async hits(cacheKey: string, machine: string, limit: number) {
    return await this.#db.read((tx) => listHits(tx.db, cacheKey, machine, limit));
  }

  async resolve(id: JobId, resolution: Resolution) {
    return await this.#db.write((tx) => resolveStage(tx, resolution), { opening: openResolvable(id) });
  }

  async outputs(ids: readonly JobId[]) {
    return await listOutputs(this.#db, ids);
  }

  async addItems(id: JobId, token: string, items: readonly NewOutput[]) {
    return await this.#db.write((tx) => addItems(tx, items), { opening: openHeld(id, token) });
  }

  async noteOutputs(looks: readonly OutputLook[]) {
    if (looks.length > 0) await this.#db.write((tx) => noteOutputs(tx, looks));
  }

  async aliases() {
    return await listAliases(this.#db);
  }

  async alias(name: string) {
    return await findAlias(this.#db, name);
  }

  async setAlias(name: string, target: AliasTarget, options: SetAliasOptions) {
    return await this.#db.write((tx) => setAlias(tx, name, target, options), { isOnce: true });
  }

  async aliasLog(name: string) {
    return await listVersions(this.#db, name);
  }

  async seeOutputs(listener: PolicyListener) {
    // Most of the time there is nothing new, and nobody is to be kept from writing.
    if (await hasNews(this.#db, listener)) await this.#db.write((tx) => seeOutputs(tx, listener));
  }

  async pendingFires(listener: PolicyListener, limit: number) {
    return await listPending(this.#db, listener, limit);
  }

  async fire(output: SeenOutput, run: JobId, group: NewGroup, tasks: readonly NewTask[]) {
    const fire = async (tx: WriteTransaction): Promise<boolean> => {
      if (!(await noteFire(tx, output, run))) return false;
      if (tasks.length > 0) await submitTasks(tx, group, tasks);
      return true;
    };
    return await this.#db.write(fire, { isOnce: true });
  }

  async recallOutputs(listener: PolicyListener, { dryRun }: { readonly dryRun: boolean }) {
    if (dryRun) return await listPassedOver(this.#db, listener);
    return await this.#db.write((tx) => recallOutputs(tx, listener), { isOnce: true });
  }

  async policyFires(policy: string, machine: string) {
    return await listFires(this.#db, policy, machine);
  }

  async takeOutbox(limit: number, hideMs: number, topic?: OutboxItem["topic"], machine?: string) {
    return await takeOutbox(this.#db, limit, hideMs, topic, machine);
  }

  async outboxDone(ids: number | readonly number[]) {
    await this.#db.write((tx) => finishItems(tx, typeof ids === "number" ? [ids] : ids), {
      mayBeForgotten: true,
    });
  }

  async outboxFailed(id: number, problem: string) {
    await this.#db.write((tx) => failItem(tx, id, problem), { mayBeForgotten: true });
  }

  async reviveOutbox() {
    return await this.#db.write(reviveItems);
  }

  async outboxCounts() {
    return await countOutbox(this.#db);
  }

  async [Symbol.asyncDispose]() {
    await this.#db.close();
  }
}
