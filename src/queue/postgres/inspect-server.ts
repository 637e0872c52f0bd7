import { messageOf } from "../../model/errors.ts";
import { type Migration, refuseOtherSchema } from "../migration.ts";
import { integer, type Row, text } from "../rows.ts";
import type { SchemaFacts, ServerFacts } from "../server-facts.ts";
import { Connection } from "./connection.ts";
import { explainServerFailure } from "./failures.ts";
import { APPLIED, refuseOldServer } from "./migrate.ts";
import { MIGRATIONS } from "./migrations/migrations.ts";
import { checkSchemaName, describePlace, readTlsChecks } from "./place.ts";

/** Which queue is looked at, and what tests replace. */
export interface InspectOptions {
  readonly schema: string;
  readonly migrations?: readonly Migration[];
  readonly patienceMs?: number;
}

const PATIENCE_MS = 3000;
/** The quickest of several answers tells most about the way and the clock. */
const LOOKS = 5;

/**
 * Looks at the server of a shared queue, on a connection of its own, and changes nothing.
 *
 * @throws {AexpError} `queue.database_url_invalid`, `queue.unreachable`, `queue.access_denied`,
 *   `queue.server_too_old`, `queue.pooler_unsuitable`, `config.invalid`
 */
export async function inspectServer(url: string, options: InspectOptions): Promise<ServerFacts> {
  const { schema, migrations = MIGRATIONS, patienceMs = PATIENCE_MS } = options;
  checkSchemaName(schema);
  const place = describePlace(url);
  const connection = new Connection({ url, schema, place, patienceMs }, async () => {});
  try {
    await connection.ready();
    const { rows } = await connection.query(SERVER, { schema });
    const [row = {}] = rows;
    refuseOldServer(integer(row, "number"), place);
    return {
      place,
      schemaName: schema,
      version: text(row, "version").split(" ")[0] ?? "",
      versionNumber: integer(row, "number"),
      isLocal: isSet(row, "local"),
      tls: isSet(row, "ssl") ? { protocol: text(row, "protocol"), checks: readTlsChecks(url) } : undefined,
      user: text(row, "role"),
      isReadOnly: isSet(row, "read_only"),
      ...(await compareClocks(connection)),
      connections: { used: integer(row, "used"), limit: integer(row, "connection_limit") },
      schema: await inspectSchema(connection, row, schema, migrations),
    };
  } catch (error) {
    throw explainServerFailure(error, place);
  } finally {
    await connection.close();
  }
}

function isSet(row: Row, name: string): boolean {
  return integer(row, name) === 1;
}

async function compareClocks(connection: Connection): Promise<Pick<ServerFacts, "clockDifferenceMs" | "latencyMs">> {
  let latencyMs = Infinity;
  let clockDifferenceMs = 0;
  for (let n = 0; n < LOOKS; n += 1) {
    const asked = performance.now();
    const { rows } = await connection.exec("SELECT floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint AS now");
    const tookMs = performance.now() - asked;
    if (tookMs >= latencyMs) continue;
    latencyMs = tookMs;
    clockDifferenceMs = integer(rows[0] ?? {}, "now") - (Date.now() - tookMs / 2);
  }
  return { latencyMs, clockDifferenceMs };
}

async function inspectSchema(
  connection: Connection,
  row: Row,
  schema: string,
  migrations: readonly Migration[],
): Promise<SchemaFacts> {
  if (!isSet(row, "present")) return { kind: "absent", mayCreate: isSet(row, "may_create") };
  if (!isSet(row, "may_use")) return { kind: "closed" };
  if (!isSet(row, "ours")) {
    return integer(row, "tables") > 0 ? { kind: "foreign" } : { kind: "empty", mayFill: isSet(row, "may_fill") };
  }
  if (!isSet(row, "may_look")) return { kind: "closed" };
  const { rows: applied } = await connection.exec(APPLIED);
  const { rows: missing } = await connection.query(MISSING, { schema });
  return {
    kind: "ours",
    version: Math.max(0, ...applied.map((step) => integer(step, "version"))),
    known: migrations.at(-1)?.version ?? 0,
    problem: problemOf(() => refuseOtherSchema(applied, `the schema ${schema}`, migrations)),
    isOwner: isSet(row, "owned"),
    missing: missing.map((lack) => `${text(lack, "need")} on ${text(lack, "name")}`),
  };
}

function problemOf(check: () => void): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return messageOf(error);
  }
}

/** Nobody but superusers sees what others do, but everybody may count them. */
const SERVER = `
  SELECT current_setting('server_version') AS version, current_setting('server_version_num')::integer AS number,
    (inet_server_addr() IS NULL OR inet_client_addr() = inet_server_addr())::integer AS local,
    coalesce(s.ssl, false)::integer AS ssl, coalesce(s.version, '') AS protocol,
    current_user::text AS role, (current_setting('transaction_read_only') = 'on')::integer AS read_only,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS used,
    current_setting('max_connections')::integer
      - current_setting('superuser_reserved_connections')::integer AS connection_limit,
    has_database_privilege(current_database(), 'CREATE')::integer AS may_create,
    (n.oid IS NOT NULL)::integer AS present,
    coalesce(has_schema_privilege(n.oid, 'USAGE'), false)::integer AS may_use,
    coalesce(has_schema_privilege(n.oid, 'CREATE'), false)::integer AS may_fill,
    coalesce(pg_has_role(n.nspowner, 'USAGE'), false)::integer AS owned,
    (m.oid IS NOT NULL)::integer AS ours,
    coalesce(has_table_privilege(m.oid, 'SELECT'), false)::integer AS may_look,
    (SELECT count(*) FROM pg_class c WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'v', 'm', 'p')) AS tables
  FROM (SELECT 1) one
  LEFT JOIN pg_stat_ssl s ON s.pid = pg_backend_pid()
  LEFT JOIN pg_namespace n ON n.nspname = :schema
  LEFT JOIN pg_class m ON m.relnamespace = n.oid AND m.relname = 'aexp_migrations'`;

/** What a worker has to be allowed; nobody writes the first two but who makes the tables. */
const MISSING = `
  SELECT need, name FROM (
    SELECT c.relname AS name, need FROM pg_class c, unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) AS need
    WHERE c.relnamespace = :schema::regnamespace AND c.relkind = 'r'
      AND (need = 'SELECT' OR c.relname NOT IN ('aexp_migrations', 'state_edges'))
      AND NOT has_table_privilege(c.oid, need)
    UNION ALL
    SELECT c.relname, 'USAGE' FROM pg_class c
    WHERE c.relnamespace = :schema::regnamespace AND c.relkind = 'S' AND c.relname = 'event_ids'
      AND NOT has_sequence_privilege(c.oid, 'USAGE')) lacks
  ORDER BY name, need`;
