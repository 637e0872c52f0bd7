import type { OutboxItem } from "../queue-store.ts";
import { readOutboxItem } from "../records.ts";
import { integer } from "../rows.ts";
import { OUTBOX_MAX_TRIES, outboxPauseMs } from "../transitions.ts";
import { type Database, endOf, type WriteTransaction } from "./database.ts";

/**
 * An event waits for the earlier ones of its subject that are hidden or to be tried again. Marks need no order: whoever
 * delivers one writes what the queue says then.
 */
const DUE = `
  SELECT o.* FROM outbox o WHERE o.state = 'pending' AND o.not_before <= :now
    AND (:topic::text IS NULL OR o.topic = :topic)
    AND (:machine::text IS NULL OR o.machine IS NULL OR o.machine = :machine)
    AND (o.topic = 'mark' OR NOT EXISTS (
    SELECT 1 FROM outbox e
    WHERE e.state = 'pending' AND e.subject = o.subject AND e.topic = o.topic AND e.id < o.id AND e.not_before > :now))
  ORDER BY o.id LIMIT :limit`;

/** See `QueueStore.takeOutbox`. */
export async function takeOutbox(
  db: Database,
  limit: number,
  hideMs: number,
  topic: OutboxItem["topic"] | undefined,
  machine: string | undefined,
): Promise<readonly OutboxItem[]> {
  // Most looks find nothing, and must not keep writers waiting.
  const hasItems = await db.read(
    async (tx) => (await tx.db.get(DUE, { now: tx.now, limit: 1, topic, machine })) !== undefined,
  );
  if (!hasItems) return [];
  const take = async (tx: WriteTransaction) => {
    const items = (await tx.db.all(DUE, { now: tx.now, limit, topic, machine })).map((row) => readOutboxItem(row));
    await tx.db.run("UPDATE outbox SET not_before = :until WHERE id = ANY (:ids)", {
      ids: items.map((item) => item.id),
      until: endOf(tx, hideMs),
    });
    return items;
  };
  return await db.write(take, { mayBeForgotten: true });
}

/** See `QueueStore.outboxDone`. */
export async function finishItems({ db }: WriteTransaction, ids: readonly number[]): Promise<void> {
  await db.run("UPDATE outbox SET state = 'done', problem = NULL WHERE id = ANY (:ids)", { ids });
}

/** See `QueueStore.outboxFailed`. */
export async function failItem({ db, now }: WriteTransaction, id: number, problem: string): Promise<void> {
  const row = await db.get(
    "UPDATE outbox SET tries = tries + 1, problem = :problem WHERE id = :id AND state = 'pending' RETURNING tries",
    { id, problem },
  );
  if (row === undefined) return;
  const tries = integer(row, "tries");
  await db.run("UPDATE outbox SET state = :state, not_before = :until WHERE id = :id", {
    id,
    state: tries >= OUTBOX_MAX_TRIES ? "dead" : "pending",
    until: now + outboxPauseMs(tries),
  });
}

/** See `QueueStore.reviveOutbox`. */
export async function reviveItems({ db }: WriteTransaction): Promise<number> {
  return await db.run("UPDATE outbox SET state = 'pending', tries = 0, not_before = 0 WHERE state = 'dead'");
}

/** See `QueueStore.outboxCounts`. */
export async function countOutbox(db: Database): Promise<{ readonly pending: number; readonly dead: number }> {
  const row = await db.get(
    `SELECT (SELECT count(*) FROM outbox WHERE state = 'pending') AS pending,
       (SELECT count(*) FROM outbox WHERE state = 'dead') AS dead`,
  );
  return { pending: integer(row ?? {}, "pending"), dead: integer(row ?? {}, "dead") };
}
