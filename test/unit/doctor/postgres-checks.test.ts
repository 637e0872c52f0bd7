import { describe, expect, it } from "vitest";

import { renderChecks } from "../../../src/cli/render/checks.ts";
import { checkServer } from "../../../src/doctor/postgres-checks.ts";
import type { SchemaFacts, ServerFacts } from "../../../src/queue/server-facts.ts";

const OURS = {
  kind: "ours",
  version: 2,
  known: 2,
  problem: undefined,
  isOwner: true,
  missing: [],
} as const satisfies SchemaFacts;

const GOOD: ServerFacts = {
  place: "PostgreSQL at db.lab.example:5432/lab",
  schemaName: "aexp_protein",
  version: "15.14",
  versionNumber: 150_014,
  isLocal: false,
  tls: { protocol: "TLSv1.3", checks: "name" },
  user: "ana",
  isReadOnly: false,
  clockDifferenceMs: 12,
  latencyMs: 0.42,
  connections: { used: 12, limit: 97 },
  schema: OURS,
};

function screen(patch: Partial<ServerFacts>): string {
  return renderChecks(checkServer({ ...GOOD, ...patch }), { color: false });
}

/** The lines of one check. */
function lineOf(name: string, patch: Partial<ServerFacts>): unknown {
  return checkServer({ ...GOOD, ...patch }).find((check) => check.name === name);
}

describe("doctor's look at a server", () => {
  it("says in a line each that all is well", () => {
    expect(screen({})).toMatchInlineSnapshot(`
      "✓ postgres              PostgreSQL at db.lab.example:5432/lab, version 15.14, 0.4 ms away
      ✓ postgres TLS          TLSv1.3, certificate and name are checked
      ✓ postgres rights       ana may do everything
      ✓ postgres schema       aexp_protein, version 2
      ✓ postgres clock        agrees with ours
      ✓ postgres connections  12 of 97

      All is well."
    `);
  });

  it("says what is wrong, and what to do", () => {
    expect(
      screen({
        tls: undefined,
        clockDifferenceMs: -3210,
        latencyMs: 81.4,
        connections: { used: 95, limit: 97 },
        schema: {
          ...OURS,
          version: 1,
          isOwner: false,
          missing: ["DELETE on outbox", "INSERT on tasks", "UPDATE on lanes", "UPDATE on tasks"],
        },
      }),
    ).toMatchInlineSnapshot(`
      "! postgres              PostgreSQL at db.lab.example:5432/lab, version 15.14, 81 ms away
                              Short runs will wait for the network; a server that is nearer helps.
      ! postgres TLS          none: whoever is on the way reads passwords and commands, and can change them
                              Add sslmode=verify-full to the URL.
      ✗ postgres rights       ana has not all rights: DELETE on outbox, INSERT on tasks, UPDATE on lanes and 1 more
                              docs/postgres.md lists the rights that are needed, under Rights.
      ✗ postgres schema       aexp_protein has version 1, and this aexp needs 2
                              Have the owner of the schema run a command with this version of aexp.
      ! postgres clock        the server's clock is 3.2 s behind; leases go by the server's
                              Nothing is lost by that, but synchronize both clocks, or times of runs will not compare.
      ! postgres connections  95 of 97
                              Each worker and each command needs one: have max_connections raised, or end what is idle.

      2 bad, 4 warnings."
    `);
  });

  it.each([
    { tls: undefined, isLocal: true, state: "ok" },
    { tls: undefined, isLocal: false, state: "warning" },
    { tls: { protocol: "TLSv1.2", checks: "certificate" }, isLocal: false, state: "ok" },
    { tls: { protocol: "TLSv1.2", checks: "nothing" }, isLocal: false, state: "warning" },
  ] as const)("judges TLS $tls of a server that is local: $isLocal", ({ tls, isLocal, state }) => {
    expect(lineOf("postgres TLS", { tls, isLocal })).toMatchObject({ state });
  });

  it.each([
    {
      what: "no schema, and the right to make it",
      schema: { kind: "absent", mayCreate: true },
      rights: "ok",
      state: "ok",
    },
    { what: "no schema", schema: { kind: "absent", mayCreate: false }, rights: "bad", state: "ok" },
    { what: "an empty schema", schema: { kind: "empty", mayFill: true }, rights: "ok", state: "ok" },
    { what: "somebody's empty schema", schema: { kind: "empty", mayFill: false }, rights: "bad", state: "ok" },
    { what: "a closed schema", schema: { kind: "closed" }, rights: "bad", state: "ok" },
    { what: "tables of others", schema: { kind: "foreign" }, rights: "ok", state: "bad" },
    { what: "a newer schema", schema: { ...OURS, version: 3 }, rights: "ok", state: "bad" },
    { what: "an older schema of ours", schema: { ...OURS, version: 1 }, rights: "ok", state: "ok" },
    {
      what: "an older schema of somebody else",
      schema: { ...OURS, version: 1, isOwner: false },
      rights: "ok",
      state: "bad",
    },
    { what: "another form of a schema", schema: { ...OURS, problem: "another form" }, rights: "ok", state: "bad" },
  ] as const)("judges $what", ({ schema, rights, state }) => {
    expect(lineOf("postgres rights", { schema })).toMatchObject({ state: rights });
    expect(lineOf("postgres schema", { schema })).toMatchObject({ state });
  });

  it("says that a standby is none to work with", () => {
    expect(lineOf("postgres", { isReadOnly: true })).toMatchObject({ state: "bad" });
  });
});
