import type { JobId } from "../../run/job-id.ts";
import type { Database, WriteTransaction } from "./database.ts";
import { readJobId } from "../records.ts";
import { text } from "../rows.ts";

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
export function findPurgeable(db: Database, now: number, before: number | undefined): readonly JobId[] {
  const old = db.all(OLD_TASKS, { now, before }).map((row) => readJobId(row, "id"));
  const chosen = new Set(old);
  const walk = [...old];
  for (const id of walk) {
    if (!chosen.has(id) || !isKeptByAnother(db, id, chosen)) continue;
    chosen.delete(id);
    walk.push(...db.all(REFERRED_BY, { id }).map((row) => readJobId(row, "id")));
  }
  return old.filter((id) => chosen.has(id));
}

/** What something kept refers to stays. */
function isKeptByAnother(db: Database, id: JobId, chosen: ReadonlySet<JobId>): boolean {
  return db.all(REFERRING_TO, { id }).some((row) => !chosen.has(readJobId(row, "id")));
}

/** What a task needs, and whose result it has. */
const REFERRED_BY = `
  SELECT needs AS id FROM task_needs WHERE run_id = :id
  UNION ALL SELECT cached_from FROM tasks WHERE id = :id AND cached_from IS NOT NULL`;
const REFERRING_TO = `
  SELECT run_id AS id FROM task_needs WHERE needs = :id UNION ALL SELECT id FROM tasks WHERE cached_from = :id`;

/** Deletes what {@link findPurgeable} finds, with all that belongs to it. */
export function purgeTasks(tx: WriteTransaction, before: number | undefined): readonly JobId[] {
  const { db, now } = tx;
  const ids = findPurgeable(db, now, before);
  for (const id of ids) db.run("DELETE FROM task_needs WHERE run_id = :id", { id });
  for (const id of ids) {
    db.run("DELETE FROM tasks WHERE id = :id", { id });
    db.run("DELETE FROM events WHERE run_id = :id", { id });
    // A later task of the same run begins with the same keys.
    db.run("DELETE FROM outbox WHERE topic = 'mark' AND dedupe GLOB :keys", { keys: `mark:${id}:*` });
  }
  purgeGroups(db);
  db.run("DELETE FROM outbox WHERE state = 'done' AND topic = 'event' AND at < :limit", { limit: now - KEEP_DONE_MS });
  db.run("DELETE FROM resource_locks WHERE holder_kind = 'cli' AND expires_at < :limit", { limit: now - KEEP_DONE_MS });
  return ids;
}

function purgeGroups(db: Database): void {
  const empty = db.all(
    `DELETE FROM groups WHERE state <> 'active' AND NOT EXISTS (SELECT 1 FROM tasks WHERE group_id = groups.id)
     RETURNING id`,
  );
  for (const row of empty) {
    const id = text(row, "id");
    db.run("DELETE FROM events WHERE group_id = :id AND run_id IS NULL", { id });
    db.run("DELETE FROM outbox WHERE topic = 'event' AND state <> 'pending' AND dedupe GLOB :keys", {
      keys: `group.ended:${id}:*`,
    });
  }
}
