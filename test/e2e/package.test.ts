import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const ROOT = join(import.meta.dirname, "..", "..");

describe("the packed tarball", () => {
  it("installs into an empty folder, needs nothing else, and does the main job there", () => {
    const place = tempDir();
    execFileSync("npm", ["pack", "--silent", "--ignore-scripts", "--pack-destination", place], { cwd: ROOT });
    const [tarball = ""] = readdirSync(place);
    const project = initRepo(join(place, "a project"));
    writeFileSync(join(project, "package.json"), '{ "private": true }');
    writeFileSync(join(project, ".gitignore"), "node_modules\n");
    execFileSync("npm", ["install", "--offline", "--no-audit", "--no-fund", join(place, tarball)], {
      cwd: project,
      stdio: "ignore",
    });
    git(project, "add", "--all");
    git(project, "commit", "--quiet", "--message", "Start");
    const aexp = (...args: string[]): string =>
      execFileSync(join(project, "node_modules", ".bin", "aexp"), args, {
        cwd: project,
        encoding: "utf8",
        stdio: ["ignore", "pipe", "ignore"],
      });

    expect(aexp("version")).toMatch(/^aexp \d/);
    aexp("install", "--machine-label", "box");
    aexp("hypothesis", "new", "--title", "Echoes come back");
    aexp("experiment", "new", "--title", "Say hello", "--hypothesis", "H001");
    expect(
      aexp("run", "--experiment", "E001", "--hypothesis", "H001", "--sp", "lr=1.0", "--", "echo", "hello"),
    ).toContain("hello");
    const rows: unknown = JSON.parse(aexp("runs", "list", "--json"));

    expect(rows).toMatchObject([{ status: "complete" }]);
    expect(readdirSync(join(project, ".aexp", "ledger"))).toHaveLength(1);
    expect(aexp("validate", "--strict-runs", "error")).toContain("0 errors");
    expect(existsSync(join(project, "node_modules", "yaml"))).toBe(false);
  });
});
