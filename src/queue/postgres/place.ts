import { AexpError } from "../../model/errors.ts";
import { withPasswordFromFile } from "./password-file.ts";

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

/**
 * The URL as the driver has to be given it: it reads three words of `sslmode` as `verify-full`, while PostgreSQL's own
 * programs, and this one, mean less by them; and the password comes from where these programs look for it.
 */
export function toDriverUrl(url: string, env: Readonly<Record<string, string | undefined>>): string {
  const parts = withPasswordFromFile(parseUrl(url), env);
  const isAmbiguous = MEANT_DIFFERENTLY.includes(parts.searchParams.get("sslmode") ?? "");
  if (isAmbiguous && !parts.searchParams.has("uselibpqcompat")) parts.searchParams.set("uselibpqcompat", "true");
  return parts.href;
}

/** What an encrypted connection to the database of a URL makes the server prove: its name, its certificate or nothing. */
export function readTlsChecks(url: string): "name" | "certificate" | "nothing" {
  const { searchParams } = parseUrl(url);
  switch (searchParams.get("sslmode")) {
    case "verify-ca":
      return "certificate";
    case "require":
      // With an authority to check it against, PostgreSQL's own programs do so.
      return searchParams.has("sslrootcert") ? "certificate" : "nothing";
    case "prefer":
    case "no-verify":
      return "nothing";
    // Without a word, or with one that it does not know, the driver that encrypts checks everything.
    case null:
    default:
      return "name";
  }
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
