import { AexpError } from "../../model/errors.ts";

/**
 * How messages call the database of a URL: server, port and name, without user, password and options.
 *
 * @throws {AexpError} `queue.database_url_invalid`, which does not repeat the URL
 */
export function describePlace(url: string): string {
  const parts = parseUrl(url);
  const host = parts.searchParams.get("host") ?? decodeURIComponent(parts.hostname);
  const port = parts.port === "" ? "" : `:${parts.port}`;
  return `PostgreSQL at ${host === "" ? "the usual place" : host}${port}${decodeURI(parts.pathname)}`;
}

function parseUrl(url: string): URL {
  // Nothing of what was thrown is kept: it holds the whole URL.
  const complete = url.replace("@/", "@localhost/");
  const parts = URL.canParse(complete) ? new URL(complete) : undefined;
  if (parts !== undefined && ["postgres:", "postgresql:"].includes(parts.protocol)) return parts;
  throw new AexpError(
    "The URL of the queue's database is none of PostgreSQL (it is not shown, as it may hold a password)",
    {
      code: "queue.database_url_invalid",
      hint: "Write it like postgres://USER@HOST:5432/DATABASE?sslmode=verify-full, with the password in ~/.pgpass or PGPASSWORD.",
    },
  );
}

const MEANT_DIFFERENTLY = ["prefer", "require", "verify-ca"];

/** Makes the driver read `sslmode` as PostgreSQL's own programs do; by itself it takes three modes for `verify-full`. */
export function withLibpqMeaning(url: string): string {
  const parts = parseUrl(url);
  const isAmbiguous = MEANT_DIFFERENTLY.includes(parts.searchParams.get("sslmode") ?? "");
  if (!isAmbiguous || parts.searchParams.has("uselibpqcompat")) return url;
  return `${url}&uselibpqcompat=true`;
}

/** Names that need no quotes in SQL. */
const SCHEMA = /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/;

/** Checks the name of a schema. @throws {AexpError} `config.invalid` */
export function checkSchemaName(name: string): void {
  if (SCHEMA.test(name)) return;
  throw new AexpError(
    `${JSON.stringify(name)} is no name of a schema: expected up to 63 of a-z, 0-9 and _, with no digit first`,
    { code: "config.invalid", hint: "Name it like aexp_protein_folding." },
  );
}
