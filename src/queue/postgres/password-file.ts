import { readFileSync, statSync } from "node:fs";
import { homedir, userInfo } from "node:os";
import { join } from "node:path";

/** Which connection a password is for. */
export interface PasswordOwner {
  readonly host: string;
  readonly port: string;
  readonly database: string;
  readonly user: string;
}

/** The first password that a password file has for a connection: lines of `host:port:database:user:password`. */
export function findPassword(text: string, owner: PasswordOwner): string | undefined {
  const asked = [owner.host, owner.port, owner.database, owner.user];
  for (const line of text.split(/\r?\n/)) {
    if (line.startsWith("#")) continue;
    const fields = [...line.matchAll(/(?:^|:)((?:\\.|[^:\\])*)/g)].map(([, field = ""]) =>
      field.replaceAll(/\\(.)/g, "$1"),
    );
    const [password] = fields.slice(asked.length);
    if (password !== undefined && asked.every((value, index) => fields[index] === "*" || fields[index] === value)) {
      return password;
    }
  }
  return undefined;
}

/**
 * The URL with the password that `PGPASSFILE` or `~/.pgpass` has for it, when it has none itself. As for PostgreSQL's own
 * programs, a file that others may read does not count.
 */
export function withPasswordFromFile(url: URL, env: Readonly<Record<string, string | undefined>>): URL {
  if (url.password !== "" || url.searchParams.has("password") || env["PGPASSWORD"]) return url;
  const text = readPasswordFile(env["PGPASSFILE"] || join(env["HOME"] || homedir(), ".pgpass"));
  const password = text && findPassword(text, ownerOf(url, env));
  if (password === undefined || password === "") return url;
  const complete = new URL(url);
  complete.password = encodeURIComponent(password);
  return complete;
}

function readPasswordFile(path: string): string | undefined {
  const file = statSync(path, { throwIfNoEntry: false });
  if (file === undefined || !file.isFile() || (file.mode & 0o077) !== 0) return undefined;
  return readFileSync(path, "utf8");
}

function ownerOf(url: URL, env: Readonly<Record<string, string | undefined>>): PasswordOwner {
  const host = url.searchParams.get("host") || decodeURIComponent(url.hostname) || env["PGHOST"] || "localhost";
  const user = decodeURIComponent(url.username) || env["PGUSER"] || userInfo().username;
  return {
    // A socket's folder is no name of a host.
    host: host.startsWith("/") ? "localhost" : host.replace(/^\[(.*)\]$/, "$1"),
    port: url.port || env["PGPORT"] || "5432",
    database: decodeURI(url.pathname.slice(1)) || env["PGDATABASE"] || user,
    user,
  };
}
