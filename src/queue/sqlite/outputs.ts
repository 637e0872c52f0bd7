import type { JobId } from "../../run/job-id.ts";
import { readRunOutput } from "../output-records.ts";
import type { StoredTask } from "../records.ts";
import type { NewOutput, OutputLook, RunOutput } from "../run-output.ts";
import type { Database, WriteTransaction } from "./database.ts";

/** See `StageStore.outputs`. */
export function listOutputs(db: Database, ids: readonly JobId[]): readonly RunOutput[] {
  const rows = db.all(
    `SELECT o.* FROM json_each(:ids) i JOIN tasks t ON t.id = i.value JOIN run_outputs o ON o.run_id = t.id
     ORDER BY t.seq, o.name, o.item`,
    { ids: JSON.stringify([...new Set(ids)]) },
  );
  return rows.map((row) => readRunOutput(row));
}

/** Registers outputs that a run wrote; each replaces the one of its name and item. */
export function storeOutputs(tx: WriteTransaction, task: StoredTask, outputs: readonly NewOutput[]): void {
  for (const { name, item, kind, digest, bytes, files, path, stats } of outputs) {
    const values = { name, item, kind, digest, bytes, files, path, stats };
    tx.db.run(
      `INSERT OR REPLACE INTO run_outputs
         (run_id, name, item, kind, digest, bytes, files, path, holder, stats, machine, checked_at)
       VALUES (:id, :name, :item, :kind, :digest, :bytes, :files, :path, :id, :stats, :machine, :now)`,
      { ...values, id: task.id, machine: task.machine, now: tx.now },
    );
  }
}

/** Registers all that a run wrote, in place of what was registered of it before. */
export function replaceOutputs(tx: WriteTransaction, task: StoredTask, outputs: readonly NewOutput[]): void {
  tx.db.run("DELETE FROM run_outputs WHERE run_id = :id", { id: task.id });
  storeOutputs(tx, task, outputs);
}

/** Gives a run the outputs of another one. They stay where they lie. */
export function copyOutputs(tx: WriteTransaction, from: JobId, to: JobId): void {
  tx.db.run(
    `INSERT INTO run_outputs (run_id, name, item, kind, digest, bytes, files, path, holder, stats, state, machine, checked_at)
     SELECT :to, name, item, kind, digest, bytes, files, path, holder, stats, state, machine, checked_at
     FROM run_outputs WHERE run_id = :from`,
    { from, to },
  );
}

/** See `StageStore.noteOutputs`. */
export function noteOutputs(tx: WriteTransaction, looks: readonly OutputLook[]): void {
  for (const { run, name, item, state } of looks) {
    tx.db.run(
      `UPDATE run_outputs SET state = :state, checked_at = :now FROM (
       SELECT holder, path FROM run_outputs WHERE run_id = :run AND name = :name AND item = :item) place
     WHERE run_outputs.holder = place.holder AND run_outputs.path = place.path`,
      { run, name, item, state, now: tx.now },
    );
  }
}
