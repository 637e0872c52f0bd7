import type { Migration } from "../migration.ts";
import { type Clone, takeName } from "./clones.ts";
import { Connection } from "./connection.ts";
import { Database } from "./database.ts";
import { checkServer, migrate, readVersions } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/migrations.ts";
import { checkSchemaName, describePlace } from "./place.ts";

/** Which queue of a server is opened, and what tests replace. */
export interface OpenDatabaseOptions {
  /** One for each repository, so that many share a server. */
  readonly schema: string;
  /** Whose queue it is; absent where nothing is executed. */
  readonly clone?: Clone;
  /** An SQL expression for the present time in milliseconds. */
  readonly clock?: () => string;
  readonly migrations?: readonly Migration[];
  /** So long a connection is tried again before it is given up. */
  readonly patienceMs?: number;
}

const PATIENCE_MS = 3000;

/**
 * Opens the schema on the server of `url`, made and brought up to date when needed.
 *
 * @throws {AexpError} `queue.database_url_invalid`, `queue.unreachable`, `queue.access_denied`,
 *   `queue.server_too_old`, `queue.pooler_unsuitable`, `queue.database_foreign`, `queue.schema_newer`, `queue.database_damaged`, `config.invalid`,
 *   `queue.name_taken`
 */
export async function openDatabase(url: string, options: OpenDatabaseOptions): Promise<Database> {
  const db = connect(url, options);
  return await orClose(db, async () => {
    const { schema, clone, migrations = MIGRATIONS } = options;
    if ((await readVersions(db, schema)).length < migrations.length) await migrate(db, schema, migrations);
    if (clone !== undefined) await takeName(db, clone);
    return db;
  });
}

/** The same, but `undefined` when the schema was never made; then nothing is made. */
export async function openDatabaseIfPresent(url: string, options: OpenDatabaseOptions): Promise<Database | undefined> {
  const db = connect(url, options);
  const isPresent = await orClose(db, async () => (await readVersions(db, options.schema)).length > 0);
  await db.close();
  return isPresent ? await openDatabase(url, options) : undefined;
}

async function orClose<T>(db: Database, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await db.close();
    throw error;
  }
}

function connect(url: string, options: OpenDatabaseOptions): Database {
  const { schema, clock, migrations = MIGRATIONS, patienceMs = PATIENCE_MS } = options;
  checkSchemaName(schema);
  const connection = new Connection({ url, schema, place: describePlace(url), patienceMs }, async (opened) =>
    checkServer(opened, schema, migrations),
  );
  return new Database(connection, schema, clock);
}
