import type { NewEvent, NewItem } from "../outgoing.ts";
import type { WriteTransaction } from "./database.ts";

/** Writes down what happened, and puts it into the outbox for whoever is to be told. */
export function emit(tx: WriteTransaction, event: NewEvent): void {
  const { kind, runId, groupId, data = {} } = event;
  const { lastRowId: id } = tx.db.run(
    "INSERT INTO events (at, kind, run_id, group_id, data) VALUES (:at, :kind, :runId, :groupId, :data)",
    { at: tx.now, kind, runId, groupId, data: JSON.stringify(data) },
  );
  sendOut(tx, {
    topic: "event",
    subject: runId ?? groupId ?? kind,
    dedupe: event.dedupe ?? `event:${id}`,
    data: { id, at: tx.now, kind, runId: runId ?? null, groupId: groupId ?? null, data },
  });
}

/** Puts a side effect into the outbox. Those of one topic and subject are delivered in order. */
export function sendOut(tx: WriteTransaction, item: NewItem): void {
  tx.db.run(
    `INSERT INTO outbox (topic, subject, dedupe, data, at) VALUES (:topic, :subject, :dedupe, :data, :at)
     ON CONFLICT (dedupe) DO NOTHING`,
    { topic: item.topic, subject: item.subject, dedupe: item.dedupe, data: JSON.stringify(item.data), at: tx.now },
  );
}
