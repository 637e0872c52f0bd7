import { hash } from "node:crypto";

import { AexpError } from "../model/errors.ts";
import { integer, type Row, text } from "./rows.ts";

/** One step of a schema. Released steps are never edited: what is to change comes as a further step. */
export interface Migration {
  readonly version: number;
  readonly sql: string;
}

/**
 * Refuses a database that a newer program has changed, or one that was made with other steps than these.
 *
 * @param applied the steps that the database has seen: `version` and `checksum`
 * @param place how messages call the database
 * @throws {AexpError} `queue.schema_newer`, `queue.database_damaged`
 */
export function refuseOtherSchema(applied: readonly Row[], place: string, migrations: readonly Migration[]): void {
  const newest = migrations.at(-1)?.version ?? 0;
  for (const row of applied) {
    const version = integer(row, "version");
    if (version > newest) {
      throw new AexpError(`${place} has schema ${version}, written by a newer aexp; this one knows up to ${newest}`, {
        code: "queue.schema_newer",
        hint: "Update aexp on this machine.",
      });
    }
    const known = migrations.find((migration) => migration.version === version);
    if (known !== undefined && checksumOf(known) !== text(row, "checksum")) {
      throw new AexpError(`${place} was made with another form of schema ${version} than this aexp's`, {
        code: "queue.database_damaged",
        hint: "Use the aexp that made it, or move it away and run `aexp queue recover --rebuild`.",
      });
    }
  }
}

export function checksumOf(migration: Migration): string {
  return hash("sha256", migration.sql, "hex");
}
