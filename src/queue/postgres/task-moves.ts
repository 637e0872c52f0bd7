import type { JobId } from "../../run/job-id.ts";
import type { NewEvent } from "../outgoing.ts";
import { readStoredTask, type StoredTask } from "../records.ts";
import { moveTask, type TaskChange, toEndEvent, toFarewell, toMark } from "../task-move.ts";
import { isTerminalState, type TaskState } from "../task.ts";
import { chunksOf, type Queries, type WriteTransaction } from "./database.ts";
import { toJson } from "./named-values.ts";

export async function findTask(db: Queries, id: JobId): Promise<StoredTask | undefined> {
  const row = await db.get("SELECT * FROM tasks WHERE id = :id", { id });
  return row === undefined ? undefined : readStoredTask(row);
}

/** Those of the tasks that are there. */
export async function findTasks(db: Queries, ids: readonly JobId[]): Promise<ReadonlyMap<JobId, StoredTask>> {
  if (ids.length === 0) return new Map();
  const rows = await db.all("SELECT * FROM tasks WHERE id = ANY (:ids)", { ids });
  return new Map(rows.map((row) => readStoredTask(row)).map((task) => [task.id, task]));
}

/**
 * Moves tasks to other states: beside `submit` and `claim` the only writer of `tasks.state`. What follows from a move is told in the
 * order in which they were made; the rows are written together by {@link store}.
 */
export class TaskMoves {
  readonly #tx: WriteTransaction;
  readonly #moves: { readonly from: StoredTask; readonly to: StoredTask }[] = [];

  constructor(tx: WriteTransaction) {
    this.#tx = tx;
  }

  /** @returns the task as it will be */
  add(
    task: StoredTask,
    state: TaskState,
    change: TaskChange = {},
    event?: Pick<NewEvent, "kind" | "data">,
  ): StoredTask {
    const { now, outgoing } = this.#tx;
    const to = moveTask(task, state, change, now);
    this.#moves.push({ from: task, to });
    const mark = toMark(task.state, to, now);
    if (mark !== undefined) outgoing.push(mark);
    const farewell = toFarewell(to, now);
    if (farewell !== undefined) outgoing.push(farewell);
    if (event !== undefined) outgoing.push({ ...event, runId: to.id, groupId: to.groupId });
    if (isTerminalState(state)) outgoing.push(toEndEvent(to));
    if (to.isResolvable) this.#tx.wake();
    return to;
  }

  /**
   * An active task that leaves its worker loses its locks, too. While a scheduler has the attempt, they are held by the
   * attempt itself.
   */
  store(): void {
    const { db } = this.#tx;
    for (const moves of chunksOf(this.#moves)) {
      const rows = moves.map(({ from, to }) => toMoveRow(from, to));
      db.send(STORE_MOVES, { moves: toJson(rows), count: moves.length });
    }
    const left = this.#moves.flatMap(({ from, to }) =>
      from.lease !== undefined && to.lease === undefined && to.state !== "submitted" && from.spec.resources.length > 0
        ? [from.lease.token]
        : [],
    );
    if (left.length > 0) db.send("DELETE FROM resource_locks WHERE holder = ANY (:left)", { left });
    this.#moves.length = 0;
  }
}

function toMoveRow(from: StoredTask, to: StoredTask): Readonly<Record<string, unknown>> {
  return {
    id: from.id,
    from_state: from.state,
    from_life: from.life,
    from_token: from.lease?.token,
    state: to.state,
    life: to.life,
    reason_code: to.reason?.code,
    reason_message: to.reason?.message,
    because: to.reason?.because,
    stop_at: to.stop?.at,
    stop_mode: to.stop?.mode,
    stop_code: to.stopReason?.code,
    stop_message: to.stopReason?.message,
    not_before: to.notBefore,
    failures: to.failures,
    worker_id: to.lease?.workerId,
    lease_token: to.lease?.token,
    lease_expires_at: to.lease?.expiresAt,
    exit_code: to.exitCode,
    signal: to.signal,
    eff_priority: to.effectivePriority,
    queued_at: to.queuedAt,
    started_at: to.startedAt,
    ended_at: to.endedAt,
    resolvable: to.isResolvable ? 1 : 0,
    cache_key: to.cacheKey,
    is_leader: to.isLeader ? 1 : 0,
    follows: to.follows,
    cached_from: to.cachedFrom,
    // They may be long, and change only once.
    sets_inputs: to.inputs === from.inputs ? 0 : 1,
    ...(to.inputs !== from.inputs && { inputs: to.inputs }),
  };
}

/**
 * The rows were read in this transaction, so nobody can have changed them since. Should it be otherwise all the same,
 * nothing is written.
 */
const STORE_MOVES = `
  WITH moved AS (UPDATE tasks t SET state = m.state, life = m.life, reason_code = m.reason_code, reason_message = m.reason_message,
    because = m.because, stop_at = m.stop_at, stop_mode = m.stop_mode, stop_code = m.stop_code,
    stop_message = m.stop_message, not_before = m.not_before, failures = m.failures, worker_id = m.worker_id,
    lease_token = m.lease_token, lease_expires_at = m.lease_expires_at, exit_code = m.exit_code, signal = m.signal,
    eff_priority = m.eff_priority, queued_at = m.queued_at, started_at = m.started_at, ended_at = m.ended_at,
    resolvable = m.resolvable, cache_key = m.cache_key, is_leader = m.is_leader, follows = m.follows,
    cached_from = m.cached_from,
    resolved_inputs = CASE m.sets_inputs WHEN 1 THEN m.inputs ELSE t.resolved_inputs END
  FROM json_to_recordset(:moves::json) AS m (id text, from_state text, from_life integer, from_token text, state text,
    life integer, reason_code text, reason_message text, because text, stop_at bigint, stop_mode text, stop_code text,
    stop_message text, not_before bigint, failures integer, worker_id text, lease_token text, lease_expires_at bigint,
    exit_code integer, signal text, eff_priority integer, queued_at bigint, started_at bigint, ended_at bigint, resolvable integer, cache_key text,
    is_leader integer, follows text, cached_from text, sets_inputs integer, inputs json)
  WHERE t.id = m.id AND t.state = m.from_state AND t.life = m.from_life
    AND t.lease_token IS NOT DISTINCT FROM m.from_token
  RETURNING 1)
  SELECT 1 / (count(*) = :count::bigint)::integer AS all_are_what_they_were FROM moved`;
