import type { Alias, AliasOutcome, AliasTarget, SetAliasOptions } from "../alias.ts";
import { readAlias } from "../output-records.ts";
import type { Queries, WriteTransaction } from "./database.ts";

/** See `AliasStore.aliases`. */
export async function listAliases(db: Queries): Promise<readonly Alias[]> {
  return (await db.all("SELECT * FROM current_aliases ORDER BY name")).map((row) => readAlias(row));
}

/** See `AliasStore.alias`. */
export async function findAlias(db: Queries, name: string): Promise<Alias | undefined> {
  const row = await db.get("SELECT * FROM aliases WHERE name = :name ORDER BY version DESC LIMIT 1", { name });
  return row && readAlias(row);
}

/** See `AliasStore.aliasLog`. */
export async function listVersions(db: Queries, name: string): Promise<readonly Alias[]> {
  const rows = await db.all("SELECT * FROM aliases WHERE name = :name ORDER BY version", { name });
  return rows.map((row) => readAlias(row));
}

/** See `AliasStore.setAlias`. */
export async function setAlias(
  { db, now }: WriteTransaction,
  name: string,
  { run, output, digest }: AliasTarget,
  { caller, expect }: SetAliasOptions,
): Promise<AliasOutcome> {
  const before = (await findAlias(db, name))?.version ?? 0;
  if (expect !== undefined && expect !== before) return { kind: "conflict", version: before };
  const version = before + 1;
  await db.run(
    `INSERT INTO aliases (name, version, run_id, output, digest, caller, set_at)
     VALUES (:name, :version, :run, :output, coalesce(:digest,
       (SELECT digest FROM run_outputs WHERE run_id = :run AND name = :output AND item = '')), :caller, :now)`,
    { name, version, run, output, digest, caller, now },
  );
  return { kind: "set", version };
}
