import type { NewEvent, NewItem } from "../outgoing.ts";
import type { WriteTransaction } from "./database.ts";

/** Writes down what happened, and puts it into the outbox for whoever is to be told. */
export function emit(tx: WriteTransaction, event: NewEvent): void {
  tx.db.run(SEND_EVENTS, { first: note(tx, event), dedupe: event.dedupe });
}

/** As {@link emit}, for events that have no `dedupe`. */
export function emitAll(tx: WriteTransaction, events: readonly NewEvent[]): void {
  const [first] = events.map((event) => note(tx, event));
  if (first !== undefined) tx.db.run(SEND_EVENTS, { first, dedupe: undefined });
}

/** @returns its number */
function note(tx: WriteTransaction, { kind, runId, groupId, data = {} }: NewEvent): number {
  const { lastRowId } = tx.db.run(
    "INSERT INTO events (at, kind, run_id, group_id, data) VALUES (:at, :kind, :runId, :groupId, :data)",
    { at: tx.now, kind, runId, groupId, data: JSON.stringify(data) },
  );
  return lastRowId;
}

/** Of all events from a number on. */
const SEND_EVENTS = `
  INSERT INTO outbox (topic, subject, dedupe, data, at)
  SELECT 'event', coalesce(run_id, group_id, kind), coalesce(:dedupe, 'event:' || id),
    json_object('id', id, 'at', at, 'kind', kind, 'runId', run_id, 'groupId', group_id, 'data', json(data)), at
  FROM events WHERE id >= :first
  ORDER BY id
  ON CONFLICT (dedupe) DO NOTHING`;

/** Puts a side effect into the outbox. Those of one topic and subject are delivered in order. */
export function sendOut(tx: WriteTransaction, item: NewItem): void {
  tx.db.run(
    `INSERT INTO outbox (topic, subject, dedupe, data, at) VALUES (:topic, :subject, :dedupe, :data, :at)
     ON CONFLICT (dedupe) DO NOTHING`,
    { topic: item.topic, subject: item.subject, dedupe: item.dedupe, data: JSON.stringify(item.data), at: tx.now },
  );
}
