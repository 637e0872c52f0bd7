import type { OutboxItem } from "../queue-store.ts";
import { OUTBOX_MAX_TRIES, outboxPauseMs } from "../transitions.ts";
import { type Database, endOf, type WriteTransaction } from "./database.ts";
import { readOutboxItem } from "../records.ts";
import { integer } from "../rows.ts";

/**
 * An event waits for the earlier ones of its subject that are hidden or to be tried again. Marks need no order: whoever
 * delivers one writes what the queue says then. A limit that is no part of the text makes SQLite plan each time anew.
 */
const due = (limit: number): string => `
  SELECT o.* FROM outbox o INDEXED BY outbox_pending WHERE o.state = 'pending' AND o.not_before <= :now
    AND (:topic IS NULL OR o.topic = :topic) AND (o.topic = 'mark' OR NOT EXISTS (
    SELECT 1 FROM outbox e
    WHERE e.state = 'pending' AND e.subject = o.subject AND e.topic = o.topic AND e.id < o.id AND e.not_before > :now))
  ORDER BY o.id LIMIT ${limit}`;

/** See `QueueStore.takeOutbox`. */
export function takeOutbox(
  db: Database,
  limit: number,
  hideMs: number,
  topic: OutboxItem["topic"] | undefined,
): readonly OutboxItem[] {
  // Most looks find nothing, and must not keep writers waiting.
  if (db.get(due(1), { now: db.now(), topic }) === undefined) return [];
  return db.write((tx) => {
    const items = tx.db.all(due(limit), { now: tx.now, topic }).map((row) => readOutboxItem(row));
    tx.db.run("UPDATE outbox SET not_before = :until WHERE id IN (SELECT value FROM json_each(:ids))", {
      ids: JSON.stringify(items.map(({ id }) => id)),
      until: endOf(tx, hideMs),
    });
    return items;
  });
}

/** See `QueueStore.outboxDone`. */
export function finishItems(tx: WriteTransaction, ids: readonly number[]): void {
  tx.db.run("UPDATE outbox SET state = 'done', problem = NULL WHERE id IN (SELECT value FROM json_each(:ids))", {
    ids: JSON.stringify(ids),
  });
}

/** See `QueueStore.outboxFailed`. */
export function failItem(tx: WriteTransaction, id: number, problem: string): void {
  const row = tx.db.get(
    "UPDATE outbox SET tries = tries + 1, problem = :problem WHERE id = :id AND state = 'pending' RETURNING tries",
    { id, problem },
  );
  if (row === undefined) return;
  const tries = integer(row, "tries");
  tx.db.run("UPDATE outbox SET state = :state, not_before = :until WHERE id = :id", {
    id,
    state: tries >= OUTBOX_MAX_TRIES ? "dead" : "pending",
    until: tx.now + outboxPauseMs(tries),
  });
}

/** See `QueueStore.reviveOutbox`. */
export function reviveItems(tx: WriteTransaction): number {
  return tx.db.run("UPDATE outbox SET state = 'pending', tries = 0, not_before = 0 WHERE state = 'dead'").changes;
}

/** See `QueueStore.outboxCounts`. */
export function countOutbox(db: Database): { readonly pending: number; readonly dead: number } {
  const count = (state: "pending" | "dead") =>
    integer(db.get("SELECT count(*) AS n FROM outbox WHERE state = :state", { state }) ?? {}, "n");
  return { pending: count("pending"), dead: count("dead") };
}
