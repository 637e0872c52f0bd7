import { toClaimEvent } from "../attempt-end.ts";
import type { JobId } from "../../run/job-id.ts";
import type { Claim, ClaimRequest } from "../queue-store.ts";
import { readJobId, readStoredTask, type StoredTask, withoutPrivate } from "../records.ts";
import { toMark } from "../task-move.ts";
import type { Lease, TaskReason } from "../task.ts";
import { NOW, type Opening, type ReadTransaction, type WriteTransaction } from "./database.ts";
import { LIVE_LOCK, takeLocks } from "./locks.ts";
import type { Values } from "./named-values.ts";

/** Whether there is something to claim, as far as one sees without keeping anybody waiting. */
export async function hasWork({ db }: ReadTransaction, request: ClaimRequest): Promise<boolean> {
  return (await db.get(`${chooseFrom(request)} SELECT id FROM chosen`, toValues(request))) !== undefined;
}

/** Takes the next eligible task; see {@link claimTask}. With `TaskMoves`, the only writer of `tasks.state`. */
export function openClaim(request: ClaimRequest): Opening {
  const { workerId, token, leaseMs } = request;
  const values = { ...toValues(request), workerId, token, leaseMs: Math.ceil(leaseMs) };
  return { sql: `${chooseFrom(request)} ${TAKE}`, values };
}

/** See `QueueStore.claim`: goes on with what {@link openClaim} has taken. */
export async function claimTask(tx: WriteTransaction, request: ClaimRequest): Promise<Claim | undefined> {
  const [row] = tx.first;
  if (row === undefined) return undefined;
  const task = readStoredTask(row);
  const { lease } = task;
  if (lease === undefined) throw new Error(`task ${task.id} was claimed without a lease`);
  const { machine } = request;
  const fences = await lockResources(tx, task, lease, machine);
  const mark = toMark("queued", task, tx.now);
  if (mark !== undefined) tx.outgoing.push(mark);
  tx.outgoing.push(toClaimEvent(task, lease, machine, tx.now));
  return { task: withoutPrivate(task), lease, fences };
}

/** See `QueueStore.holdBack`. */
export async function holdBackTask(
  { db }: WriteTransaction,
  request: ClaimRequest,
  { code, message }: TaskReason,
): Promise<JobId | undefined> {
  const row = await db.get(
    `${chooseFrom(request)} UPDATE tasks t SET reason_code = :code, reason_message = :message
     FROM chosen WHERE t.id = chosen.id RETURNING t.id`,
    { ...toValues(request), code, message },
  );
  return row === undefined ? undefined : readJobId(row, "id");
}

async function lockResources(
  tx: WriteTransaction,
  task: StoredTask,
  { token, expiresAt }: Lease,
  machine: string,
): Promise<Readonly<Record<string, number>>> {
  const keys = [...new Set(task.spec.resources)];
  if (keys.length === 0) return {};
  const note = `run ${task.id.slice(0, 8)} on ${machine}`;
  return await takeLocks(tx, keys, { holder: token, holderKind: "run", runId: task.id, expiresAt, note });
}

function toValues(request: ClaimRequest): Values {
  const { owner, machine, executors, filter, lanes, ids } = request;
  return {
    owner,
    machine,
    executors,
    lanes,
    mode: filter.mode,
    kinds: filter.mode === "any" ? [] : filter.kinds,
    ...(ids !== undefined && { ids }),
  };
}

const TAKE = `,
  took AS (
    UPDATE tasks t SET state = CASE executor WHEN 'slurm' THEN 'submitting' ELSE 'running' END,
      attempt = attempt + 1, worker_id = :workerId, lease_token = :token, lease_expires_at = ${NOW} + :leaseMs,
      started_at = ${NOW}, reason_code = NULL, reason_message = NULL, because = NULL, exit_code = NULL, signal = NULL
    FROM chosen WHERE t.id = chosen.id AND t.state = 'queued' RETURNING t.*),
  noted AS (
    INSERT INTO attempts (run_id, n, lease_token, worker_id, machine, started_at)
    SELECT id, attempt, :token, :workerId, :machine, started_at FROM took)
  SELECT * FROM took`;

/**
 * The classes of queued tasks (lane, kind and caller), of which there are few: one look at the index for each, however
 * many tasks there are.
 */
const ALL_CLASSES = `
  (SELECT lane, kind, caller FROM tasks WHERE state = 'queued' ORDER BY lane, kind, caller LIMIT 1)
  UNION ALL
  SELECT n.lane, n.kind, n.caller FROM classes c CROSS JOIN LATERAL (
    SELECT t.lane, t.kind, t.caller FROM tasks t
    WHERE t.state = 'queued' AND (t.lane, t.kind, t.caller) > (c.lane, c.kind, c.caller)
    ORDER BY t.lane, t.kind, t.caller LIMIT 1) n`;
const CLASSES_OF_IDS = "SELECT DISTINCT lane, kind, caller FROM tasks WHERE state = 'queued' AND id = ANY (:ids)";

/** Chooses the best task of those classes that nothing closes: what closes one costs nothing for the tasks in it. */
function choose(classes: string, isAsked: string): string {
  return `
  WITH RECURSIVE classes AS (${classes}),
  active AS (
    SELECT lane, caller, count(*) AS n FROM tasks
    WHERE state IN ('submitting', 'submitted', 'running', 'finalizing') GROUP BY lane, caller),
  open AS (
    SELECT c.*, coalesce(a.n, 0) AS mine FROM classes c JOIN lanes l ON l.name = c.lane
    LEFT JOIN active a ON a.lane = c.lane AND a.caller = c.caller
    WHERE l.paused = 0 AND (:lanes::text[] IS NULL OR c.lane = ANY (:lanes))
      AND CASE :mode WHEN 'only' THEN c.kind = ANY (:kinds::text[]) WHEN 'except' THEN c.kind <> ALL (:kinds) ELSE true END
      AND (l.max_per_caller IS NULL OR coalesce(a.n, 0) < l.max_per_caller)
      AND (l.max_running IS NULL OR (SELECT coalesce(sum(n), 0) FROM active s WHERE s.lane = c.lane) < l.max_running)),
  chosen AS (
    SELECT b.id FROM open o CROSS JOIN LATERAL (
      SELECT t.id, t.eff_priority, t.seq FROM tasks t
      WHERE t.state = 'queued' AND t.lane = o.lane AND t.kind = o.kind AND t.caller = o.caller
        AND t.not_before <= ${NOW} AND t.owner = :owner AND (t.target IS NULL OR t.target = :machine)
        AND t.executor = ANY (:executors) ${isAsked}
        AND (t.has_resources = 0 OR NOT EXISTS (
          SELECT 1 FROM task_resources q JOIN resource_locks k ON k.key = q.key
          WHERE q.run_id = t.id AND ${LIVE_LOCK}))
      ORDER BY t.eff_priority DESC, t.seq LIMIT 1) b
    ORDER BY b.eff_priority DESC, o.mine, b.seq LIMIT 1)`;
}

/** So many tasks are looked up one by one; of more than that the first that turns up in order is soon found. */
const FEW = 50;
const CHOOSE_ANY = choose(ALL_CLASSES, "");
const CHOOSE_OF_FEW = choose(CLASSES_OF_IDS, "AND t.id = ANY (:ids)");
const CHOOSE_OF_MANY = choose(ALL_CLASSES, "AND t.id = ANY (:ids)");

function chooseFrom({ ids }: ClaimRequest): string {
  if (ids === undefined) return CHOOSE_ANY;
  return ids.length <= FEW ? CHOOSE_OF_FEW : CHOOSE_OF_MANY;
}
