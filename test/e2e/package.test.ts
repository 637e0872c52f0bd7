import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { installPacked } from "../helpers/packed.ts";

describe("the packed tarball", () => {
  it("installs into an empty folder, needs nothing else, and does the main job there", () => {
    const { root, aexp } = installPacked();

    expect(aexp("version")).toMatch(/^aexp \d/);
    aexp("install", "--machine-label", "box");
    aexp("hypothesis", "new", "--title", "Echoes come back");
    aexp("experiment", "new", "--title", "Say hello", "--hypothesis", "H001");
    expect(
      aexp("run", "--experiment", "E001", "--hypothesis", "H001", "--sp", "lr=1.0", "--", "echo", "hello"),
    ).toContain("hello");
    const rows: unknown = JSON.parse(aexp("runs", "list", "--json"));

    expect(rows).toMatchObject([{ status: "complete" }]);
    expect(readdirSync(join(root, ".aexp", "ledger"))).toHaveLength(1);
    expect(aexp("validate", "--strict-runs", "error")).toContain("0 errors");
    expect(existsSync(join(root, "node_modules", "yaml"))).toBe(false);
  });
});
