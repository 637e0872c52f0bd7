import type { JobId } from "../../run/job-id.ts";
import { toClaimEvent } from "../attempt-end.ts";
import type { Lane } from "../lane.ts";
import { admitsKind } from "../pool.ts";
import type { Claim, ClaimRequest } from "../queue-store.ts";
import type { TaskReason } from "../task.ts";
import { type Candidate, compareCandidates } from "../transitions.ts";
import { type Database, endOf, type WriteTransaction } from "./database.ts";
import { emit } from "./events.ts";
import { LIVE_LOCK, takeLock } from "./locks.ts";
import { readJobId, readLane, readStoredTask, type StoredTask, withoutPrivate } from "../records.ts";
import { integer, type Row, text } from "../rows.ts";
import { findTask } from "./transition.ts";

/**
 * Prepares a claim, and says whether it may find a task: who finds none must not keep those waiting who have something
 * to write.
 *
 * @param isLikely whether there is one, as far as the caller knows; otherwise it costs a look
 */
export function prepareClaim(db: Database, request: ClaimRequest, isLikely: boolean): boolean {
  keepWanted(db, request);
  return isLikely || db.read(() => chooseTask(db, db.now(), request)) !== undefined;
}

/** Takes the next eligible task, once it is prepared; see `QueueStore.claim`. */
export function claimTask(tx: WriteTransaction, request: ClaimRequest): Claim | undefined {
  const id = chooseTask(tx.db, tx.now, request);
  const task = id === undefined ? undefined : findTask(tx, id);
  return task === undefined ? undefined : take(tx, task, request);
}

/** See `QueueStore.holdBack`. */
export function holdBackTask(db: Database, request: ClaimRequest, reason: TaskReason): JobId | undefined {
  keepWanted(db, request);
  return db.write((tx) => {
    const id = chooseTask(db, tx.now, request);
    if (id === undefined) return undefined;
    const { code, message } = reason;
    tx.db.run("UPDATE tasks SET reason_code = :code, reason_message = :message WHERE id = :id", { id, code, message });
    return id;
  });
}

/** With `transition`, the only writer of `tasks.state`. */
function take(tx: WriteTransaction, task: StoredTask, request: ClaimRequest): Claim {
  const { workerId, machine, token, leaseMs } = request;
  const expiresAt = endOf(tx, leaseMs);
  const row = tx.db.get(
    `UPDATE tasks SET state = CASE executor WHEN 'slurm' THEN 'submitting' ELSE 'running' END,
       target = CASE WHEN commit_oid IS NOT NULL AND machine <> :machine THEN :machine ELSE target END,
       attempt = attempt + 1, worker_id = :workerId, lease_token = :token, lease_expires_at = :expiresAt,
       started_at = :now, reason_code = NULL, reason_message = NULL, because = NULL, exit_code = NULL, signal = NULL
     WHERE id = :id AND state = 'queued' RETURNING *`,
    { id: task.id, machine, workerId, token, expiresAt, now: tx.now },
  );
  const taken = readStoredTask(row ?? {});
  tx.db.run(
    `INSERT INTO attempts (run_id, n, lease_token, worker_id, machine, started_at)
     VALUES (:id, :n, :token, :workerId, :machine, :now)`,
    { id: taken.id, n: taken.attempt, token, workerId, machine, now: tx.now },
  );
  const fences: Record<string, number> = {};
  const note = `run ${taken.id.slice(0, 8)} on ${machine}`;
  for (const key of new Set(taken.spec.resources)) {
    fences[key] = takeLock(tx, { key, holder: token, holderKind: "run", runId: taken.id, expiresAt, note });
  }
  const lease = { token, workerId, expiresAt };
  emit(tx, toClaimEvent(taken, lease, machine, tx.now));
  return { task: withoutPrivate(taken), lease, fences };
}

/**
 * The task that is to be claimed next. Queued tasks are looked at by class (lane, kind and caller), of which there are
 * few: whatever closes a class costs nothing for the tasks in it, and the best of each class is one look at the index.
 */
function chooseTask(db: Database, now: number, request: ClaimRequest): JobId | undefined {
  const lanes = new Map(db.all("SELECT * FROM lanes").map((row) => [text(row, "name"), readLane(row)]));
  const active = countActive(db);
  const isOpen = ({ lane: name, kind, caller }: TaskClass): boolean => {
    const lane = lanes.get(name);
    return (
      lane !== undefined &&
      (request.lanes === undefined || request.lanes.includes(name)) &&
      admitsKind(request.filter, kind) &&
      hasRoom(lane, active, caller)
    );
  };
  const parameters = {
    now,
    owner: request.owner,
    machine: request.machine,
    local: request.executors.includes("local") ? 1 : 0,
    slurm: request.executors.includes("slurm") ? 1 : 0,
    commits: JSON.stringify(request.commits ?? []),
  };
  const bestOfClass = request.ids === undefined ? BEST_OF_CLASS : BEST_WANTED_OF_CLASS;
  let best: Candidate | undefined;
  for (const taskClass of queuedClasses(db)) {
    if (!isOpen(taskClass)) continue;
    const row = db.get(bestOfClass, { ...parameters, ...taskClass });
    if (row === undefined) continue;
    const candidate = {
      id: readJobId(row, "id"),
      effectivePriority: integer(row, "eff_priority"),
      callerActive: active.get(classKey(taskClass.lane, taskClass.caller)) ?? 0,
      seq: integer(row, "seq"),
    };
    if (best === undefined || compareCandidates(candidate, best) < 0) best = candidate;
  }
  return best?.id;
}

type TaskClass = { readonly lane: string; readonly kind: string; readonly caller: string };

const bestOf = (condition: string): string => `
  SELECT t.id, t.eff_priority, t.seq FROM tasks t INDEXED BY tasks_claim
  WHERE t.state = 'queued' AND t.lane = :lane AND t.kind = :kind AND t.caller = :caller
    AND t.not_before <= :now AND t.owner = :owner AND (t.target IS NULL OR t.target = :machine)
    AND (t.commit_oid IS NULL OR t.machine = :machine OR t.attempt > 0 AND t.target = :machine
      OR t.attempt = 0 AND t.commit_oid IN (SELECT value FROM json_each(:commits)))
    AND (t.executor = 'local' AND :local = 1 OR t.executor = 'slurm' AND :slurm = 1)
    ${condition} AND (t.has_resources = 0 OR NOT EXISTS (
      SELECT 1 FROM task_resources q JOIN resource_locks k ON k.key = q.key WHERE q.run_id = t.id AND ${LIVE_LOCK}))
  ORDER BY t.eff_priority DESC, t.seq LIMIT 1`;
const BEST_OF_CLASS = bestOf("");
const BEST_WANTED_OF_CLASS = bestOf("AND t.id IN temp.wanted_tasks");

/** For which ids the connection's own table was filled. */
const wanted = new WeakMap<Database, ClaimRequest["ids"]>();

/** Keeps the ids of a request in a table of this connection, because reading thousands of them takes longer than a claim. */
function keepWanted(db: Database, { ids }: ClaimRequest): void {
  if (ids === undefined || wanted.get(db) === ids) return;
  db.run("CREATE TEMP TABLE IF NOT EXISTS wanted_tasks (id TEXT PRIMARY KEY) WITHOUT ROWID");
  db.run("DELETE FROM temp.wanted_tasks");
  db.run("INSERT OR IGNORE INTO temp.wanted_tasks SELECT value FROM json_each(:ids)", { ids: JSON.stringify(ids) });
  wanted.set(db, ids);
}

/** The first class of queued tasks behind the given place in the index: one look, however many tasks there are. */
const classAfter = (place: string): string => `
  SELECT lane, kind, caller FROM tasks INDEXED BY tasks_claim
  WHERE state = 'queued' ${place} ORDER BY lane, kind, caller LIMIT 1`;
const FIRST_CLASS = classAfter("");
// SQLite compares a row of three values by its first column only, and walks over all tasks that share it.
const NEXT_CALLER = classAfter("AND lane = :lane AND kind = :kind AND caller > :caller");
const NEXT_KIND = classAfter("AND lane = :lane AND kind > :kind");
const NEXT_LANE = classAfter("AND lane > :lane");

function* queuedClasses(db: Database): Generator<TaskClass> {
  let row = db.get(FIRST_CLASS);
  while (row !== undefined) {
    const taskClass = readClass(row);
    yield taskClass;
    const { lane, kind } = taskClass;
    row = db.get(NEXT_CALLER, taskClass) ?? db.get(NEXT_KIND, { lane, kind }) ?? db.get(NEXT_LANE, { lane });
  }
}

function readClass(row: Row): TaskClass {
  return { lane: text(row, "lane"), kind: text(row, "kind"), caller: text(row, "caller") };
}

/** Active tasks of each lane, and of each caller in it. */
function countActive(db: Database): ReadonlyMap<string, number> {
  const active = new Map<string, number>();
  const rows = db.all(
    `SELECT lane, caller, count(*) AS n FROM tasks INDEXED BY tasks_active
     WHERE state IN ('submitting', 'submitted', 'running', 'finalizing') GROUP BY lane, caller`,
  );
  for (const row of rows) {
    const lane = text(row, "lane");
    const count = integer(row, "n");
    active.set(classKey(lane, text(row, "caller")), count);
    active.set(lane, (active.get(lane) ?? 0) + count);
  }
  return active;
}

function hasRoom(lane: Lane, active: ReadonlyMap<string, number>, caller: string): boolean {
  if (lane.isPaused) return false;
  const ofCaller = active.get(classKey(lane.name, caller)) ?? 0;
  return (active.get(lane.name) ?? 0) < (lane.maxRunning ?? Infinity) && ofCaller < (lane.maxPerCaller ?? Infinity);
}

/** Two names in one; no lane is named like that. */
function classKey(lane: string, caller: string): string {
  return `${lane}\u0000${caller}`;
}
