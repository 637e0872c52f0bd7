import { closeSync, mkdirSync, openSync, realpathSync, statSync } from "node:fs";
import { dirname } from "node:path";

import { AexpError } from "../../model/errors.ts";
import { explainWriteFailure } from "../../platform/atomic-write.ts";
import { Database, explainDatabaseFailure } from "./database.ts";
import { migrate, refuseForeign } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/migrations.ts";
import { networkFileSystemOf, refuseNetworkFileSystem } from "./network-file-system.ts";
import type { Migration } from "../migration.ts";
import { text } from "../rows.ts";

/** Older versions could corrupt a database in WAL mode (sqlite.org/wal.html#walresetbug). */
const MINIMUM_SQLITE = [3, 51, 3] as const;
/** A check reads the whole file: 5 ms for so much, which every command would wait for. */
const QUICK_CHECK_BYTES = 1024 * 1024;

/** So many pages of 4 KiB the journal may hold before it is brought into the database. */
const CHECKPOINT_PAGES = 4096;

/** What tests replace. */
export interface OpenDatabaseOptions {
  readonly nowMs?: () => number;
  readonly migrations?: readonly Migration[];
  readonly networkFileSystemOf?: (folder: string) => string | undefined;
  readonly sqliteVersion?: string;
}

/**
 * Opens the database at `path`, made and brought up to date when needed.
 *
 * @throws {AexpError} `queue.network_file_system`, `queue.sqlite_too_old`, `queue.database_foreign`,
 *   `queue.schema_newer`, `queue.database_damaged`, `queue.busy`, `environment.read_only`
 */
export async function openDatabase(path: string, options: OpenDatabaseOptions = {}): Promise<Database> {
  const { DatabaseSync } = await import("node:sqlite");
  refuseOldSqlite(options.sqliteVersion ?? process.versions["sqlite"] ?? "");
  createFile(path, options.networkFileSystemOf ?? networkFileSystemOf);
  let db: Database | undefined;
  try {
    db = new Database(new DatabaseSync(path, { timeout: 0 }), path, options.nowMs ?? Date.now);
    // Statements with triggers keep a journal of their own, which would be a file.
    db.exec("PRAGMA foreign_keys = ON; PRAGMA temp_store = MEMORY");
    // Before anything is written: switching the journal mode changes the file.
    refuseForeign(db, path);
    if (statSync(path).size <= QUICK_CHECK_BYTES) checkQuickly(db, path);
    // A commit in WAL mode need not be flushed to survive a kill; after a power cut the last ones may be missing.
    db.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL");
    // Each checkpoint flushes twice, and holds a worker up: 16 MiB of journal are cheaper than one for every 20 runs.
    db.exec(`PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES}`);
    migrate(db, path, options.migrations ?? MIGRATIONS);
    return db;
  } catch (error) {
    db?.close();
    throw explainDatabaseFailure(error, path);
  }
}

/** SQLite gives its helper files the permissions of the database. */
function createFile(path: string, find: (folder: string) => string | undefined): void {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    refuseNetworkFileSystem(realpathSync(dirname(path)), find);
    closeSync(openSync(path, "a", 0o600));
  } catch (error) {
    throw explainWriteFailure(error, path);
  }
}

function refuseOldSqlite(version: string): void {
  const parts = version.split(".").map(Number);
  for (const [index, minimum] of MINIMUM_SQLITE.entries()) {
    const part = parts[index] ?? 0;
    if (part > minimum) return;
    if (part < minimum) {
      throw new AexpError(`This Node has SQLite ${version}; the queue needs ${MINIMUM_SQLITE.join(".")} or newer`, {
        code: "queue.sqlite_too_old",
        hint: "Update Node to the newest 24.x release.",
      });
    }
  }
}

function checkQuickly(db: Database, path: string): void {
  const found = text(db.get("PRAGMA quick_check(1)") ?? {}, "quick_check");
  if (found === "ok") return;
  throw new AexpError(`${JSON.stringify(path)} is damaged: ${found}`, {
    code: "queue.database_damaged",
    hint: "Move it away and run `aexp queue recover --rebuild`, which restores the queue from the runs' documents.",
  });
}
