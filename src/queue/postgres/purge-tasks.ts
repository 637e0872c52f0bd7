import type { JobId } from "../../run/job-id.ts";
import { readJobId } from "../records.ts";
import { text } from "../rows.ts";
import type { ReadTransaction, Queries, Statements, WriteTransaction } from "./database.ts";

/** Side effects that are done are only kept so that they are not sent twice. */
const KEEP_DONE_MS = 24 * 3_600_000;

/**
 * Ended tasks that may go by their age, oldest first; those of active groups, with side effects to come or with an alias
 * stay.
 */
const OLD_TASKS = `
  SELECT t.id FROM tasks t
  JOIN lanes l ON l.name = t.lane JOIN groups g ON g.id = t.group_id
  JOIN (SELECT id, row_number() OVER (PARTITION BY lane ORDER BY ended_at DESC, seq DESC) AS place
        FROM tasks WHERE ended_at IS NOT NULL) newest ON newest.id = t.id
  WHERE t.ended_at IS NOT NULL AND g.state <> 'active'
    AND t.ended_at < coalesce(:before, :now - l.retain_ms) AND newest.place > l.keep_last
    AND NOT EXISTS (SELECT 1 FROM outbox o WHERE o.state = 'pending' AND o.subject = t.id)
    AND NOT EXISTS (SELECT 1 FROM current_aliases a WHERE a.run_id = t.id)
  ORDER BY t.ended_at, t.seq`;

/** The tasks that would be deleted; see `QueueStore.purge`. */
export async function findPurgeable(
  { db, now }: ReadTransaction,
  before: number | undefined,
): Promise<readonly JobId[]> {
  const old = (await db.all(OLD_TASKS, { now, before })).map((row) => readJobId(row, "id"));
  const edges = await readEdgesOf(db, old);
  const dependents = Map.groupBy(edges, (edge) => edge.needs);
  const needs = Map.groupBy(edges, (edge) => edge.run);
  const chosen = new Set(old);
  const walk = [...old];
  for (const id of walk) {
    // What something kept refers to stays.
    const isNeeded = (dependents.get(id) ?? []).some((edge) => !chosen.has(edge.run));
    if (!chosen.has(id) || !isNeeded) continue;
    chosen.delete(id);
    walk.push(...(needs.get(id) ?? []).map((edge) => edge.needs));
  }
  return old.filter((id) => chosen.has(id));
}

async function readEdgesOf(
  db: Queries,
  ids: readonly JobId[],
): Promise<readonly { readonly run: JobId; readonly needs: JobId }[]> {
  const rows = await db.all(EDGES, { ids });
  return rows.map((row) => ({ run: readJobId(row, "run_id"), needs: readJobId(row, "needs") }));
}

/** What tasks need, and whose results they have. */
const EDGES = `
  SELECT run_id, needs FROM task_needs WHERE needs = ANY (:ids) OR run_id = ANY (:ids)
  UNION ALL SELECT id, cached_from FROM tasks
  WHERE cached_from IS NOT NULL AND (cached_from = ANY (:ids) OR id = ANY (:ids))`;

/** Deletes what {@link findPurgeable} finds, with all that belongs to it. */
export async function purgeTasks(tx: WriteTransaction, before: number | undefined): Promise<readonly JobId[]> {
  const { db, now } = tx;
  const ids = await findPurgeable(tx, before);
  await db.run("DELETE FROM task_needs WHERE run_id = ANY (:ids)", { ids });
  await db.run("DELETE FROM tasks WHERE id = ANY (:ids)", { ids });
  await db.run("DELETE FROM events WHERE run_id = ANY (:ids)", { ids });
  // A later task of the same run begins with the same keys.
  await db.run("DELETE FROM outbox WHERE topic = 'mark' AND subject = ANY (:ids)", { ids });
  await purgeGroups(db);
  const limit = now - KEEP_DONE_MS;
  await db.run("DELETE FROM outbox WHERE state = 'done' AND topic = 'event' AND at < :limit", { limit });
  await db.run("DELETE FROM resource_locks WHERE holder_kind = 'cli' AND expires_at < :limit", { limit });
  await db.run("DELETE FROM writers WHERE at < :limit", { limit });
  return ids;
}

async function purgeGroups(db: Statements): Promise<void> {
  const rows = await db.all(
    `DELETE FROM groups g WHERE state <> 'active' AND NOT EXISTS (SELECT 1 FROM tasks WHERE group_id = g.id)
     RETURNING id`,
  );
  const ids = rows.map((row) => text(row, "id"));
  if (ids.length === 0) return;
  await db.run("DELETE FROM events WHERE group_id = ANY (:ids) AND run_id IS NULL", { ids });
  await db.run(
    `DELETE FROM outbox USING unnest(:ids::text[]) AS g (group_id)
     WHERE topic = 'event' AND state <> 'pending' AND starts_with(dedupe, 'group.ended:' || g.group_id || ':')`,
    { ids },
  );
}
