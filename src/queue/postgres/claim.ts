import type { JobId } from "../../run/job-id.ts";
import type { Claim, ClaimRequest } from "../queue-store.ts";
import { readJobId, readStoredTask, withoutPrivate } from "../records.ts";
import { jsonObject, type Row } from "../rows.ts";
import type { TaskReason } from "../task.ts";
import { NOW, type Opening, type WriteTransaction } from "./database.ts";
import { LIVE_LOCK } from "./locks.ts";
import type { Values } from "./named-values.ts";

/** Gives a row when there is something to claim, as far as one sees without keeping anybody waiting. */
export function lookForWork(request: ClaimRequest): Opening {
  return { sql: `${chooseFrom(request)} SELECT id FROM chosen`, values: toValues(request) };
}

/**
 * Takes the next eligible task, with all that follows from that; see `QueueStore.claim`. With `TaskMoves` and `submit`, the
 * only writer of `tasks.state`. Executed again with the same token, it gives what that token has taken.
 */
export function claimTask(request: ClaimRequest): Opening {
  const { workerId, token, leaseMs } = request;
  const values = { ...toValues(request), workerId, token, leaseMs: Math.ceil(leaseMs) };
  return { sql: `${chooseFrom(request)} ${TAKE}`, values };
}

/** What {@link claimTask} has taken. */
export function readClaim([row]: readonly Row[]): Claim | undefined {
  if (row === undefined) return undefined;
  const task = readStoredTask(row);
  const { lease } = task;
  if (lease === undefined) throw new Error(`task ${task.id} was claimed without a lease`);
  const fences: Record<string, number> = {};
  for (const [key, fence] of Object.entries(jsonObject(row, "fences"))) {
    if (typeof fence === "number") fences[key] = fence;
  }
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

function toValues(request: ClaimRequest): Values {
  const { owner, machine, commits = [], executors, filter, lanes, ids } = request;
  return {
    owner,
    machine,
    commits,
    executors,
    lanes,
    mode: filter.mode,
    kinds: filter.mode === "any" ? [] : filter.kinds,
    ...(ids !== undefined && { ids }),
  };
}

/** The connection may have been lost after the server had done it all: then the token has its task. */
const TAKE = `,
  took AS (
    UPDATE tasks t SET state = CASE executor WHEN 'slurm' THEN 'submitting' ELSE 'running' END,
      target = CASE WHEN commit_oid IS NOT NULL AND machine <> :machine THEN :machine ELSE target END,
      attempt = attempt + 1, worker_id = :workerId, lease_token = :token, lease_expires_at = ${NOW} + :leaseMs,
      started_at = ${NOW}, reason_code = NULL, reason_message = NULL, because = NULL, exit_code = NULL, signal = NULL
    FROM chosen WHERE t.id = chosen.id AND t.state = 'queued'
      AND NOT EXISTS (SELECT 1 FROM tasks m WHERE m.lease_token = :token)
    RETURNING t.*),
  noted AS (
    INSERT INTO attempts (run_id, n, lease_token, worker_id, machine, started_at)
    SELECT id, attempt, :token, :workerId, :machine, started_at FROM took),
  fenced AS (
    INSERT INTO resource_fences AS f (key, fence)
    SELECT q.key, 1 FROM took JOIN task_resources q ON q.run_id = took.id WHERE took.has_resources = 1
    ON CONFLICT (key) DO UPDATE SET fence = f.fence + 1 RETURNING key, fence),
  locked AS (
    INSERT INTO resource_locks (key, holder, holder_kind, run_id, fence, acquired_at, expires_at, note)
    SELECT key, :token, 'run', took.id, fence, ${NOW}, took.lease_expires_at, 'run ' || left(took.id, 8) || ' on ' || :machine
    FROM fenced, took
    ON CONFLICT (key) DO UPDATE SET holder = excluded.holder, holder_kind = excluded.holder_kind,
      run_id = excluded.run_id, fence = excluded.fence, acquired_at = excluded.acquired_at,
      expires_at = excluded.expires_at, note = excluded.note),
  event AS MATERIALIZED (
    SELECT nextval('event_ids') AS event_id, id, group_id, json_build_object('attempt', attempt, 'worker', :workerId::text,
      'machine', :machine::text, 'waited', started_at - coalesce(queued_at, started_at)) AS data
    FROM took),
  told AS (
    INSERT INTO events (id, at, kind, run_id, group_id, data)
    SELECT event_id, ${NOW}, 'run.claimed', id, group_id, data FROM event),
  sent AS (
    INSERT INTO outbox (topic, subject, dedupe, data, at)
    SELECT 'event', id, 'event:' || event_id, json_build_object('id', event_id, 'at', ${NOW}, 'kind', 'run.claimed',
      'runId', id, 'groupId', group_id, 'data', data), ${NOW}
    FROM event
    ON CONFLICT (dedupe) DO NOTHING)
  SELECT took.*, coalesce((SELECT json_object_agg(key, fence) FROM fenced), '{}') AS fences FROM took
  UNION ALL
  SELECT m.*, coalesce((SELECT json_object_agg(key, fence) FROM resource_locks WHERE holder = :token), '{}')
  FROM tasks m WHERE m.lease_token = :token`;

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
        AND (t.commit_oid IS NULL OR t.machine = :machine OR t.attempt > 0 AND t.target = :machine
          OR t.attempt = 0 AND t.commit_oid = ANY (:commits::text[]))
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
