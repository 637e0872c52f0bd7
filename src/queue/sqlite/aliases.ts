import type { Alias, AliasOutcome, AliasTarget, SetAliasOptions } from "../alias.ts";
import { readAlias } from "../output-records.ts";
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
