import type { JobId } from "../../run/job-id.ts";
import {
  type Alias,
  type AliasOutcome,
  type AliasTarget,
  POLICY_STALE_MS,
  type PolicyFire,
  type SetAliasOptions,
} from "../alias.ts";
import { readAlias, readPolicyFire } from "../output-records.ts";
import type { Database, WriteTransaction } from "./database.ts";

/** See `AliasStore.aliases`. */
export function listAliases(db: Database): readonly Alias[] {
  return db.all("SELECT * FROM current_aliases ORDER BY name").map((row) => readAlias(row));
}

/** See `AliasStore.alias`. */
export function findAlias(db: Database, name: string): Alias | undefined {
  const row = db.get("SELECT * FROM aliases WHERE name = :name ORDER BY version DESC LIMIT 1", { name });
  return row === undefined ? undefined : readAlias(row);
}

/** See `AliasStore.aliasLog`. */
export function listVersions(db: Database, name: string): readonly Alias[] {
  return db.all("SELECT * FROM aliases WHERE name = :name ORDER BY version", { name }).map((row) => readAlias(row));
}

/** See `AliasStore.setAlias`. */
export function setAlias(
  tx: WriteTransaction,
  name: string,
  { run, output, digest }: AliasTarget,
  { caller, expect }: SetAliasOptions,
): AliasOutcome {
  const before = findAlias(tx.db, name)?.version ?? 0;
  if (expect !== undefined && expect !== before) return { kind: "conflict", version: before };
  const version = before + 1;
  tx.db.run(
    `INSERT INTO aliases (name, version, run_id, output, digest, caller, set_at)
     VALUES (:name, :version, :run, :output, coalesce(:digest,
       (SELECT digest FROM run_outputs WHERE run_id = :run AND name = :output AND item = '')), :caller, :now)`,
    { name, version, run, output, digest, caller, now: tx.now },
  );
  return { kind: "set", version };
}

/** See `AliasStore.firePolicy`. */
export function firePolicy(tx: WriteTransaction, key: string, policy: string): boolean {
  const { changes } = tx.db.run(
    `INSERT INTO policy_fires (key, policy, fired_at) VALUES (:key, :policy, :now)
     ON CONFLICT (key) DO UPDATE SET fired_at = excluded.fired_at WHERE run_id IS NULL AND fired_at < :stale`,
    { key, policy, now: tx.now, stale: tx.now - POLICY_STALE_MS },
  );
  return changes === 1;
}

/** See `AliasStore.notePolicyRun`. */
export function notePolicyRun(tx: WriteTransaction, key: string, run: JobId): boolean {
  const { changes } = tx.db.run("UPDATE policy_fires SET run_id = :run WHERE key = :key AND run_id IS NULL", {
    key,
    run,
  });
  return changes === 1;
}

/** See `AliasStore.policyFires`. */
export function listPolicyFires(db: Database, policy: string): readonly PolicyFire[] {
  return db
    .all("SELECT * FROM policy_fires WHERE policy = :policy ORDER BY fired_at, key", { policy })
    .map((row) => readPolicyFire(row));
}
