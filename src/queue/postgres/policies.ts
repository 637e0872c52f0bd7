import type { JobId } from "../../run/job-id.ts";
import { readPolicyFire, readSeenOutput } from "../output-records.ts";
import { listensTo, type PolicyFire, type PolicyListener, type SeenOutput } from "../policy.ts";
import type { Queries, WriteTransaction } from "./database.ts";
import { toJson } from "./named-values.ts";

/** The outputs `o` of runs `t` that a policy listens to. Of a stream that is each item, and never the folder of them. */
const IS_HEARD = `o.machine = :machine AND o.kind = :kind AND o.holder = o.run_id AND t.owner = :owner
  AND (:pipeline::text IS NULL OR t.spec #>> '{stage,pipeline}' = :pipeline)
  AND (:stage::text IS NULL OR t.spec #>> '{stage,stage}' = :stage)
  AND (:experiment::text IS NULL OR t.experiment_id = :experiment)
  AND NOT coalesce((t.spec #> '{stage,triggered_by,chain}')::jsonb @> to_jsonb(:policy::text), false)
  AND (o.item <> '' OR NOT coalesce((t.spec #> '{stage,outputs}')::jsonb
    @> jsonb_build_array(jsonb_build_object('name', o.name, 'stream', true)), false))`;

const FROM_NEWS = `FROM run_outputs o JOIN tasks t ON t.id = o.run_id
  WHERE NOT EXISTS (SELECT 1 FROM policy_fires f WHERE f.policy = :policy AND f.source = o.run_id
    AND f.output = o.name AND f.item = o.item AND f.digest = o.digest) AND ${IS_HEARD}`;

/** Whether there is anything for {@link seeOutputs} to write. */
export async function hasNews(db: Queries, listener: PolicyListener): Promise<boolean> {
  const row = await db.get(
    `SELECT 1 WHERE NOT EXISTS (SELECT 1 FROM policy_listeners
       WHERE policy = :policy AND machine = :machine AND owner = :owner AND listens = :listens)
     OR EXISTS (SELECT 1 ${FROM_NEWS})`,
    { ...toValues(listener), listens: listensTo(listener) },
  );
  return row !== undefined;
}

/** See `PolicyStore.seeOutputs`. */
export async function seeOutputs({ db, now }: WriteTransaction, listener: PolicyListener): Promise<void> {
  const { policy, machine, owner, everyN } = listener;
  const isNew = await db.run(
    `INSERT INTO policy_listeners AS l (policy, machine, owner, listens, since)
     VALUES (:policy, :machine, :owner, :listens, :now)
     ON CONFLICT (policy, machine, owner) DO UPDATE SET listens = excluded.listens, since = excluded.since
       WHERE l.listens <> excluded.listens`,
    { policy, machine, owner, listens: listensTo(listener), now },
  );
  await db.run(
    `INSERT INTO policy_fires (policy, source, output, item, digest, position, is_wanted, seen_at)
     SELECT :policy, run_id, name, item, digest, position,
       CASE WHEN :isNew::integer = 0 AND (item = '' OR position % :everyN::bigint = 0) THEN 1 ELSE 0 END, :now::bigint
     FROM (SELECT o.run_id, o.name, o.item, o.digest,
         row_number() OVER (PARTITION BY o.run_id, o.name ORDER BY o.checked_at, length(o.item), o.item)
         + (SELECT count(*) FROM policy_fires s WHERE s.policy = :policy AND s.source = o.run_id AND s.output = o.name)
         AS position ${FROM_NEWS}) AS news`,
    { ...toValues(listener), everyN, isNew, now },
  );
}

/** Outputs that a policy has seen, while they are what it saw. */
const FROM_SEEN = `FROM policy_fires f
  JOIN run_outputs o ON o.run_id = f.source AND o.name = f.output AND o.item = f.item AND o.digest = f.digest
  JOIN tasks t ON t.id = f.source
  WHERE f.policy = :policy AND f.run_id IS NULL AND o.state = 'present' AND ${IS_HEARD}`;
const IN_ORDER = "ORDER BY f.seen_at, t.seq, f.output, f.position";

/** See `PolicyStore.pendingFires`. */
export async function listPending(
  db: Queries,
  listener: PolicyListener,
  limit: number,
): Promise<readonly SeenOutput[]> {
  const rows = await db.all(`SELECT f.* ${FROM_SEEN} AND f.is_wanted = 1 ${IN_ORDER} LIMIT :limit`, {
    ...toValues(listener),
    limit,
  });
  return rows.map((row) => readSeenOutput(row));
}

/** Those that {@link recallOutputs} would ask for. */
export async function listPassedOver(db: Queries, listener: PolicyListener): Promise<readonly SeenOutput[]> {
  const rows = await db.all(
    `SELECT f.* ${FROM_SEEN} AND f.is_wanted = 0 AND (f.item = '' OR f.position % :everyN::bigint = 0) ${IN_ORDER}`,
    { ...toValues(listener), everyN: listener.everyN },
  );
  return rows.map((row) => readSeenOutput(row));
}

/** See `PolicyStore.recallOutputs`. */
export async function recallOutputs(
  { db }: WriteTransaction,
  listener: PolicyListener,
): Promise<readonly SeenOutput[]> {
  const outputs = await listPassedOver(db, listener);
  await db.run(
    `UPDATE policy_fires f SET is_wanted = 1
     FROM json_to_recordset(:keys::json) AS k (policy text, source text, output text, item text, digest text)
     WHERE f.policy = k.policy AND f.source = k.source AND f.output = k.output AND f.item = k.item
       AND f.digest = k.digest`,
    { keys: toJson(outputs.map(keyOf)) },
  );
  return outputs;
}

/** Notes that a run is submitted for an output; `false` when there is one, or the output is not known. */
export async function noteFire({ db, now }: WriteTransaction, output: SeenOutput, run: JobId): Promise<boolean> {
  const changes = await db.run(
    `UPDATE policy_fires SET run_id = :run, fired_at = :now
     WHERE policy = :policy AND source = :source AND output = :output AND item = :item AND digest = :digest
       AND run_id IS NULL`,
    { ...keyOf(output), run, now },
  );
  return changes === 1;
}

/** See `PolicyStore.policyFires`. */
export async function listFires(db: Queries, policy: string, machine: string): Promise<readonly PolicyFire[]> {
  const rows = await db.all(
    `SELECT f.* FROM policy_fires f JOIN tasks t ON t.id = f.source
     WHERE f.policy = :policy AND t.machine = :machine AND f.run_id IS NOT NULL
     ORDER BY f.fired_at, t.seq, f.output, f.position`,
    { policy, machine },
  );
  return rows.map((row) => readPolicyFire(row));
}

function toValues({ policy, machine, owner, kind, pipeline, stage, experiment }: PolicyListener) {
  return { policy, machine, owner, kind, pipeline, stage, experiment };
}

function keyOf({ policy, source, output, item, digest }: SeenOutput) {
  return { policy, source, output, item, digest };
}
