import type { JobId } from "../../run/job-id.ts";
import { readRunOutput } from "../output-records.ts";
import type { StoredTask } from "../records.ts";
import type { NewOutput, OutputLook, RunOutput } from "../run-output.ts";
import { chunksOf, type Queries, type WriteTransaction } from "./database.ts";
import { toJson } from "./named-values.ts";

/** See `StageStore.outputs`. */
export async function listOutputs(db: Queries, ids: readonly JobId[]): Promise<readonly RunOutput[]> {
  const rows = await db.all(
    `SELECT o.* FROM run_outputs o JOIN tasks t ON t.id = o.run_id WHERE o.run_id = ANY (:ids)
     ORDER BY t.seq, o.name, o.item`,
    { ids },
  );
  return rows.map((row) => readRunOutput(row));
}

/** Registers outputs that a run wrote; each replaces the one of its name and item. */
export async function storeOutputs(
  { db, now }: WriteTransaction,
  { id, machine }: StoredTask,
  outputs: readonly NewOutput[],
): Promise<void> {
  // Of two with one name and item the last counts, and one statement must not write a row twice.
  const last = [...new Map(outputs.map((output) => [JSON.stringify([output.name, output.item]), output])).values()];
  for (const part of chunksOf(last)) await db.run(STORE, { outputs: toJson(part), id, machine, now });
}

const STORE = `
  INSERT INTO run_outputs (run_id, name, item, kind, digest, bytes, files, path, holder, stats, machine, checked_at)
  SELECT :id, name, item, kind, digest, bytes, files, path, :id, stats, :machine, :now
  FROM json_to_recordset(:outputs::json) AS o (name text, item text, kind text, digest text, bytes bigint, files bigint,
    path text, stats text)
  ON CONFLICT (run_id, name, item) DO UPDATE SET kind = excluded.kind, digest = excluded.digest,
    bytes = excluded.bytes, files = excluded.files, path = excluded.path, holder = excluded.holder,
    stats = excluded.stats, state = excluded.state, machine = excluded.machine, checked_at = excluded.checked_at`;

/** Registers all that a run wrote, in place of what was registered of it before. */
export async function replaceOutputs(
  tx: WriteTransaction,
  task: StoredTask,
  outputs: readonly NewOutput[],
): Promise<void> {
  await tx.db.run("DELETE FROM run_outputs WHERE run_id = :id", { id: task.id });
  await storeOutputs(tx, task, outputs);
}

/** Gives some runs the outputs of another one. They stay where they lie. */
export async function copyOutputs({ db }: WriteTransaction, from: JobId, to: readonly JobId[]): Promise<void> {
  await db.run(
    `INSERT INTO run_outputs (run_id, name, item, kind, digest, bytes, files, path, holder, stats, state, machine, checked_at)
     SELECT t.id, name, item, kind, digest, bytes, files, path, holder, stats, state, machine, checked_at
     FROM run_outputs o CROSS JOIN unnest(:to::text[]) AS t (id) WHERE o.run_id = :from`,
    { from, to },
  );
}

/** See `StageStore.noteOutputs`. */
export async function noteOutputs({ db, now }: WriteTransaction, looks: readonly OutputLook[]): Promise<void> {
  for (const part of chunksOf(looks)) await db.run(NOTE, { looks: toJson(part), now });
}

const NOTE = `
  UPDATE run_outputs o SET state = found.state, checked_at = :now
  FROM (
    SELECT DISTINCT ON (p.holder, p.path) p.holder, p.path, l.state
    FROM ROWS FROM (json_to_recordset(:looks::json) AS (run text, name text, item text, state text))
      WITH ORDINALITY AS l (run, name, item, state, n)
    JOIN run_outputs p ON p.run_id = l.run AND p.name = l.name AND p.item = l.item
    ORDER BY p.holder, p.path, l.n DESC) found
  WHERE o.holder = found.holder AND o.path = found.path`;
