import { AexpError } from "../../model/errors.ts";
import { checksumOf, type Migration, refuseOtherSchema } from "../migration.ts";
import { integer, type Row } from "../rows.ts";
import type { Database } from "./database.ts";
import { restoreLanes } from "./lane-copy.ts";

/** Says in the file's header that the database is ours: "aexp". */
const APPLICATION_ID = 0x61657870;

/**
 * Brings the schema up to the newest step. Each step is one transaction that begins with its version row, so two
 * processes never apply one twice.
 *
 * @throws {AexpError} `queue.database_foreign`, `queue.schema_newer`, `queue.database_damaged`; the file is unchanged
 */
export function migrate(db: Database, path: string, migrations: readonly Migration[]): void {
  if (isCurrent(db, path, migrations)) return;
  for (const migration of migrations) {
    db.write((tx) => {
      const { now } = tx;
      refuseForeign(db, path);
      if (readVersions(db).some((row) => integer(row, "version") === migration.version)) return;
      if (migration.version === 1) {
        db.exec(
          `PRAGMA application_id = ${APPLICATION_ID};
           CREATE TABLE schema_migrations (
             version INTEGER PRIMARY KEY, checksum TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT;`,
        );
      }
      db.run("INSERT INTO schema_migrations VALUES (:version, :checksum, :now)", {
        version: migration.version,
        checksum: checksumOf(migration),
        now,
      });
      db.exec(migration.sql);
      // Only now the lanes have all that is known of lanes. Where nothing was ever queued, the database is a new one.
      const isLast = migration === migrations.at(-1);
      if (isLast && db.get("SELECT 1 FROM groups LIMIT 1") === undefined) restoreLanes(tx);
    });
  }
}

function isCurrent(db: Database, path: string, migrations: readonly Migration[]): boolean {
  return db.read(() => {
    refuseForeign(db, path);
    const applied = readVersions(db);
    refuseOtherSchema(applied, JSON.stringify(path), migrations);
    return applied.length === migrations.length;
  });
}

/** An empty database is ours to fill; any other says whose it is. */
export function refuseForeign(db: Database, path: string): void {
  const id = integer(db.get("PRAGMA application_id") ?? {}, "application_id");
  if (id === APPLICATION_ID) return;
  if (id === 0 && db.get("SELECT 1 FROM sqlite_schema") === undefined) return;
  throw new AexpError(
    `${JSON.stringify(path)} is the database of another program (application id ${id}; ours is ${APPLICATION_ID})`,
    { code: "queue.database_foreign", hint: "Move the file away; aexp makes a new one." },
  );
}

function readVersions(db: Database): readonly Row[] {
  if (db.get("SELECT 1 FROM sqlite_schema WHERE name = 'schema_migrations'") === undefined) return [];
  return db.all("SELECT version, checksum FROM schema_migrations ORDER BY version");
}
