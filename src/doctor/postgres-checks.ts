import type { SchemaFacts, ServerFacts } from "../queue/server-facts.ts";
import type { Check } from "./checks.ts";

/** Above this a difference is worth knowing when times of several machines are compared. */
const MAX_CLOCK_DIFFERENCE_MS = 1000;
/** A claim and an end take some questions each, and nobody else can write meanwhile. */
const SLOW_MS = 50;
/** From this share of all connections on the next worker may find none. */
const CROWDED = 0.9;

/** What the server of a shared queue says about itself, and whether that is enough: a line for each thing. */
export function checkServer(facts: ServerFacts): readonly Check[] {
  return [
    checkReach(facts),
    checkTls(facts),
    checkRights(facts),
    checkSchema(facts),
    checkServerClock(facts.clockDifferenceMs),
    checkConnections(facts.connections),
  ];
}

function checkReach({ place, version, latencyMs, isReadOnly }: ServerFacts): Check {
  const name = "postgres";
  if (isReadOnly) {
    return {
      name,
      state: "bad",
      message: `${place} cannot be written: it is a standby, or read only`,
      hint: "Name the primary server in the URL.",
    };
  }
  const message = `${place}, version ${version}, ${inMilliseconds(latencyMs)} away`;
  if (latencyMs <= SLOW_MS) return { name, state: "ok", message };
  return {
    name,
    state: "warning",
    message,
    hint: "Short runs will wait for the network; a server that is nearer helps.",
  };
}

function inMilliseconds(ms: number): string {
  return ms < 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`;
}

function checkTls({ tls, isLocal }: ServerFacts): Check {
  const name = "postgres TLS";
  if (tls === undefined) {
    if (isLocal) return { name, state: "ok", message: "none, and none is needed on the same machine" };
    return {
      name,
      state: "warning",
      message: "none: whoever is on the way reads passwords and commands, and can change them",
      hint: "Add sslmode=verify-full to the URL.",
    };
  }
  switch (tls.checks) {
    case "name":
      return { name, state: "ok", message: `${tls.protocol}, certificate and name are checked` };
    case "certificate":
      return { name, state: "ok", message: `${tls.protocol}, the certificate is checked, the server's name is not` };
    case "nothing":
      return {
        name,
        state: "warning",
        message: `${tls.protocol}, and nobody checks whom it leads to`,
        hint: "Use sslmode=verify-full, with sslrootcert=FILE when the authority is your own.",
      };
  }
}

function checkRights({ schema, schemaName, user }: ServerFacts): Check {
  const name = "postgres rights";
  const lacks = (what: string): Check => ({
    name,
    state: "bad",
    message: `${user} ${what}`,
    hint: "docs/postgres.md lists the rights that are needed, under Rights.",
  });
  switch (schema.kind) {
    case "absent":
      return schema.mayCreate
        ? { name, state: "ok", message: `${user} may make the schema ${schemaName}` }
        : lacks(`may not make the schema ${schemaName}, which is not there yet`);
    case "empty":
      return schema.mayFill
        ? { name, state: "ok", message: `${user} may make tables in the schema ${schemaName}` }
        : lacks(`may make no tables in the schema ${schemaName}, which is empty`);
    case "closed":
      return lacks(`may not use the schema ${schemaName}`);
    case "foreign":
      return { name, state: "ok", message: `not looked at: the schema is not ours` };
    case "ours":
      return checkTables(schema, user, lacks);
  }
}

/** So many missing rights are named. */
const NAMED = 3;

function checkTables(
  { missing, isOwner }: Extract<SchemaFacts, { readonly kind: "ours" }>,
  user: string,
  lacks: (what: string) => Check,
): Check {
  if (missing.length > 0) {
    const rest = missing.length > NAMED ? ` and ${missing.length - NAMED} more` : "";
    return lacks(`has not all rights: ${missing.slice(0, NAMED).join(", ")}${rest}`);
  }
  const message = isOwner ? `${user} may do everything` : `${user} may work; the owner brings the schema up to date`;
  return { name: "postgres rights", state: "ok", message };
}

function checkSchema({ schema, schemaName }: ServerFacts): Check {
  const name = "postgres schema";
  switch (schema.kind) {
    case "absent":
    case "empty":
      return { name, state: "ok", message: `${schemaName} has no tables yet; what queues the first run makes them` };
    case "closed":
      return { name, state: "ok", message: `not looked at: ${schemaName} is closed` };
    case "foreign":
      return {
        name,
        state: "bad",
        message: `${schemaName} holds tables of another program`,
        hint: "Name another schema as store.schema in aexp.yaml.",
      };
    case "ours":
      return checkVersion(name, schemaName, schema);
  }
}

function checkVersion(
  name: string,
  schemaName: string,
  { version, known, problem, isOwner }: Extract<SchemaFacts, { readonly kind: "ours" }>,
): Check {
  if (version > known) {
    return {
      name,
      state: "bad",
      message: `${schemaName} has schema ${version}, written by a newer aexp; this one knows up to ${known}`,
      hint: "Update aexp on this machine.",
    };
  }
  if (problem !== undefined) {
    return {
      name,
      state: "bad",
      message: problem,
      hint: "Use the aexp that made it, or drop the schema and run `aexp queue recover --rebuild`.",
    };
  }
  if (version === known) return { name, state: "ok", message: `${schemaName}, version ${version}` };
  if (isOwner) {
    const message = `${schemaName}, version ${version}; the next command brings it to ${known}`;
    return { name, state: "ok", message };
  }
  return {
    name,
    state: "bad",
    message: `${schemaName} has version ${version}, and this aexp needs ${known}`,
    hint: "Have the owner of the schema run a command with this version of aexp.",
  };
}

function checkServerClock(differenceMs: number): Check {
  const name = "postgres clock";
  if (Math.abs(differenceMs) <= MAX_CLOCK_DIFFERENCE_MS) return { name, state: "ok", message: "agrees with ours" };
  const seconds = (Math.abs(differenceMs) / 1000).toFixed(1);
  return {
    name,
    state: "warning",
    message: `the server's clock is ${seconds} s ${differenceMs > 0 ? "ahead" : "behind"}; leases go by the server's`,
    hint: "Nothing is lost by that, but synchronize both clocks, or times of runs will not compare.",
  };
}

function checkConnections({ used, limit }: ServerFacts["connections"]): Check {
  const name = "postgres connections";
  const message = `${used} of ${limit}`;
  if (used < limit * CROWDED) return { name, state: "ok", message };
  return {
    name,
    state: "warning",
    message,
    hint: "Each worker and each command needs one: have max_connections raised, or end what is idle.",
  };
}
