import { AexpError } from "../model/errors.ts";

/** Where the project keeps its queue. */
export interface StoreSettings {
  /** The variable that holds the URL of a shared database; without one the queue is embedded. */
  readonly databaseUrlEnv: string | undefined;
  /** The schema in that database; without one it follows from the repository's first commit. */
  readonly schema: string | undefined;
}

const DATABASE_URL = "AEXP_DATABASE_URL";

/**
 * The URL of the shared database; `undefined`, when the queue is embedded. `AEXP_DATABASE_URL` goes before what the
 * project says.
 *
 * @throws {AexpError} `queue.database_url_missing`: a queue beside the one that all others use would help nobody
 */
export function chooseDatabaseUrl(
  { databaseUrlEnv }: StoreSettings,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const url = env[DATABASE_URL] || (databaseUrlEnv && env[databaseUrlEnv]);
  if (url !== undefined && url !== "") return url;
  if (databaseUrlEnv === undefined) return undefined;
  throw new AexpError(`aexp.yaml keeps the queue in the database that ${databaseUrlEnv} names, which is not set here`, {
    code: "queue.database_url_missing",
    hint: `Set ${databaseUrlEnv} to a URL like postgres://USER@HOST/DATABASE?sslmode=verify-full.`,
  });
}
