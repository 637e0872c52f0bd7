import { AexpError } from "../../model/errors.ts";
import { checksumOf, type Migration, refuseOtherSchema } from "../migration.ts";
import { integer, type Row } from "../rows.ts";
import type { Connection } from "./connection.ts";
import type { Database, Queries, Statements } from "./database.ts";

/** PostgreSQL 14, as it numbers itself. */
const MINIMUM_VERSION = 140_000;

/**
 * Looks at a new connection: whether the server is new enough, and the schema not newer than the program.
 *
 * @throws {AexpError} `queue.server_too_old`, `queue.schema_newer`, `queue.database_damaged`
 */
export async function checkServer(
  connection: Connection,
  schema: string,
  migrations: readonly Migration[],
): Promise<void> {
  const { rows } = await connection.exec(
    `SELECT current_setting('server_version_num')::integer AS version,
       (to_regclass('${schema}.aexp_migrations') IS NOT NULL)::integer AS ours`,
  );
  refuseOldServer(integer(rows[0] ?? {}, "version"), connection.place);
  if (integer(rows[0] ?? {}, "ours") === 0) return;
  const { rows: applied } = await connection.exec(APPLIED);
  refuseOtherSchema(applied, `The schema ${schema} of ${connection.place}`, migrations);
}

/**
 * Refuses a server that may not know all that is asked of it.
 *
 * @param version - as the server numbers itself, like 150014
 * @throws {AexpError} `queue.server_too_old`
 */
export function refuseOldServer(version: number, place: string): void {
  if (version >= MINIMUM_VERSION) return;
  throw new AexpError(
    `${place} has version ${Math.floor(version / 10_000)}; the queue needs ${MINIMUM_VERSION / 10_000} or newer`,
    { code: "queue.server_too_old", hint: "Use a newer server." },
  );
}

/** The steps that a schema has seen. */
export const APPLIED = "SELECT version, checksum FROM aexp_migrations ORDER BY version";

/**
 * Brings the schema up to the newest step; it is made when it is not there. Each step is one transaction, so two
 * processes never apply one twice.
 *
 * @throws {AexpError} `queue.database_foreign`, `queue.access_denied`; nothing was changed
 */
export async function migrate(db: Database, schema: string, migrations: readonly Migration[]): Promise<void> {
  for (const migration of migrations) {
    await db.write(async (tx) => {
      if (migration.version === 1) await makeSchema(tx.db, schema, db.connection.place);
      const applied = await readVersions(tx.db, schema);
      if (applied.some((row) => integer(row, "version") === migration.version)) return;
      await tx.db.run("INSERT INTO aexp_migrations VALUES (:version, :checksum, :now)", {
        version: migration.version,
        checksum: checksumOf(migration),
        now: tx.now,
      });
      await tx.db.exec(migration.sql);
    });
  }
}

/** An empty schema is ours to fill; any other says whose it is. */
async function makeSchema(db: Statements, schema: string, place: string): Promise<void> {
  const there = await db.get(
    `SELECT (n.oid IS NOT NULL)::integer AS schema, (to_regclass(:schema || '.aexp_migrations') IS NOT NULL)::integer AS ours,
       (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid) AS tables
     FROM (SELECT to_regnamespace(:schema)::oid AS oid) n`,
    { schema },
  );
  if (integer(there ?? {}, "ours") === 1) return;
  if (integer(there ?? {}, "tables") > 0) {
    throw new AexpError(`The schema ${schema} of ${place} holds tables of another program`, {
      code: "queue.database_foreign",
      hint: "Name another one as store.schema in aexp.yaml.",
    });
  }
  if (integer(there ?? {}, "schema") === 0) await db.exec(`CREATE SCHEMA ${schema}`);
  await db.exec(
    `CREATE TABLE ${schema}.aexp_migrations (
       version integer PRIMARY KEY, checksum text NOT NULL, applied_at bigint NOT NULL)`,
  );
}

/** The steps that the schema has seen; none, when it is not there. Needs no right but to read. */
export async function readVersions(db: Queries, schema: string): Promise<readonly Row[]> {
  const there = await db.get("SELECT (to_regclass(:schema || '.aexp_migrations') IS NOT NULL)::integer AS ours", {
    schema,
  });
  return integer(there ?? {}, "ours") === 0 ? [] : await db.all(APPLIED);
}
