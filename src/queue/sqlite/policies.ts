import type { JobId } from "../../run/job-id.ts";
import { readPolicyFire, readSeenOutput } from "../output-records.ts";
import { listensTo, type PolicyFire, type PolicyListener, type SeenOutput } from "../policy.ts";
import type { Database, WriteTransaction } from "./database.ts";

/** The outputs `o` of runs `t` that a policy listens to. Of a stream that is each item, and never the folder of them. */
const IS_HEARD = `o.machine = :machine AND o.kind = :kind AND o.holder = o.run_id AND t.owner = :owner
  AND (:pipeline IS NULL OR json_extract(t.spec, '$.stage.pipeline') = :pipeline)
  AND (:stage IS NULL OR json_extract(t.spec, '$.stage.stage') = :stage)
  AND (:experiment IS NULL OR t.experiment_id = :experiment)
  AND NOT EXISTS (SELECT 1 FROM json_each(t.spec, '$.stage.triggered_by.chain') c WHERE c.value = :policy)
  AND (o.item <> '' OR NOT EXISTS (SELECT 1 FROM json_each(t.spec, '$.stage.outputs') d
    WHERE json_extract(t.spec, d.fullkey || '.name') = o.name AND json_extract(t.spec, d.fullkey || '.stream') = 1))`;

const FROM_NEWS = `FROM run_outputs o JOIN tasks t ON t.id = o.run_id
  WHERE NOT EXISTS (SELECT 1 FROM policy_fires f WHERE f.policy = :policy AND f.source = o.run_id
    AND f.output = o.name AND f.item = o.item AND f.digest = o.digest) AND ${IS_HEARD}`;

/** Whether there is anything for {@link seeOutputs} to write. */
export function hasNews(db: Database, listener: PolicyListener): boolean {
  const { policy, machine, owner } = listener;
  const known = db.get(
    `SELECT 1 FROM policy_listeners
     WHERE policy = :policy AND machine = :machine AND owner = :owner AND listens = :listens`,
    { policy, machine, owner, listens: listensTo(listener) },
  );
  return known === undefined || db.get(`SELECT 1 ${FROM_NEWS} LIMIT 1`, toValues(listener)) !== undefined;
}

/** See `PolicyStore.seeOutputs`. */
export function seeOutputs(tx: WriteTransaction, listener: PolicyListener): void {
  const { policy, machine, owner, everyN } = listener;
  const { changes } = tx.db.run(
    `INSERT INTO policy_listeners (policy, machine, owner, listens, since)
     VALUES (:policy, :machine, :owner, :listens, :now)
     ON CONFLICT DO UPDATE SET listens = excluded.listens, since = excluded.since WHERE listens <> excluded.listens`,
    { policy, machine, owner, listens: listensTo(listener), now: tx.now },
  );
  tx.db.run(
    `INSERT INTO policy_fires (policy, source, output, item, digest, position, is_wanted, seen_at)
     SELECT :policy, run_id, name, item, digest, position,
       CASE WHEN :isNew = 0 AND (item = '' OR position % :everyN = 0) THEN 1 ELSE 0 END, :now
     FROM (SELECT o.run_id, o.name, o.item, o.digest,
         row_number() OVER (PARTITION BY o.run_id, o.name ORDER BY o.checked_at, length(o.item), o.item)
         + (SELECT count(*) FROM policy_fires s WHERE s.policy = :policy AND s.source = o.run_id AND s.output = o.name)
         AS position ${FROM_NEWS})`,
    { ...toValues(listener), everyN, isNew: changes, now: tx.now },
  );
}

/** Outputs that a policy has seen, while they are what it saw. */
const FROM_SEEN = `FROM policy_fires f
  JOIN run_outputs o ON o.run_id = f.source AND o.name = f.output AND o.item = f.item AND o.digest = f.digest
  JOIN tasks t ON t.id = f.source
  WHERE f.policy = :policy AND f.run_id IS NULL AND o.state = 'present' AND ${IS_HEARD}`;
const IN_ORDER = "ORDER BY f.seen_at, t.seq, f.output, f.position";

/** See `PolicyStore.pendingFires`. */
export function listPending(db: Database, listener: PolicyListener, limit: number): readonly SeenOutput[] {
  return db
    .all(`SELECT f.* ${FROM_SEEN} AND f.is_wanted = 1 ${IN_ORDER} LIMIT :limit`, { ...toValues(listener), limit })
    .map((row) => readSeenOutput(row));
}

/** Those that {@link recallOutputs} would ask for. */
export function listPassedOver(db: Database, listener: PolicyListener): readonly SeenOutput[] {
  return db
    .all(`SELECT f.* ${FROM_SEEN} AND f.is_wanted = 0 AND (f.item = '' OR f.position % :everyN = 0) ${IN_ORDER}`, {
      ...toValues(listener),
      everyN: listener.everyN,
    })
    .map((row) => readSeenOutput(row));
}

/** See `PolicyStore.recallOutputs`. */
export function recallOutputs(tx: WriteTransaction, listener: PolicyListener): readonly SeenOutput[] {
  const outputs = listPassedOver(tx.db, listener);
  for (const output of outputs) tx.db.run(`UPDATE policy_fires SET is_wanted = 1 WHERE ${IS_SEEN}`, keyOf(output));
  return outputs;
}

const IS_SEEN = "policy = :policy AND source = :source AND output = :output AND item = :item AND digest = :digest";

/** Notes that a run is submitted for an output; `false` when there is one, or the output is not known. */
export function noteFire(tx: WriteTransaction, output: SeenOutput, run: JobId): boolean {
  const { changes } = tx.db.run(
    `UPDATE policy_fires SET run_id = :run, fired_at = :now WHERE ${IS_SEEN} AND run_id IS NULL`,
    { ...keyOf(output), run, now: tx.now },
  );
  return changes === 1;
}

/** See `PolicyStore.policyFires`. */
export function listFires(db: Database, policy: string, machine: string): readonly PolicyFire[] {
  return db
    .all(
      `SELECT f.* FROM policy_fires f JOIN tasks t ON t.id = f.source
       WHERE f.policy = :policy AND t.machine = :machine AND f.run_id IS NOT NULL
       ORDER BY f.fired_at, t.seq, f.output, f.position`,
      { policy, machine },
    )
    .map((row) => readPolicyFire(row));
}

function toValues({ policy, machine, owner, kind, pipeline, stage, experiment }: PolicyListener) {
  return { policy, machine, owner, kind, pipeline, stage, experiment };
}

function keyOf({ policy, source, output, item, digest }: SeenOutput) {
  return { policy, source, output, item, digest };
}
