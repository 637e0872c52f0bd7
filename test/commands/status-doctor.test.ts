import { existsSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { createRun, FINISHED, repoWithStore } from "../helpers/run-factory.ts";
import { tempDir } from "../helpers/temp-dir.ts";

describe("aexp status", () => {
  it("shows one screen and the next command, from an empty folder to a shared state", async () => {
    const root = initRepo(tempDir());

    expect(await runCliJson(root, ["status"])).toMatchObject({ installed: false, next: "aexp install" });
    await runCli(root, ["install", "--machine-label", "box", "--no-kb"]);
    expect(await runCliJson(root, ["status"])).toMatchObject({
      installed: true,
      next: expect.stringMatching(/^aexp run /),
    });
    await runCli(root, ["run", "--experiment", "E001", "--sp", "a=1", "--", "true"]);
    expect((await runCli(root, ["status"])).stdout).toMatchInlineSnapshot(`
      "machine   box
      runs      1 complete
      ledger    1 entry, 0 not promoted
      shared    3 files not committed, no upstream
      issues    none

      next: aexp sync
      "
    `);
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Start");
    expect(await runCliJson(root, ["status"])).toMatchObject({ uncommitted: 3, unpushed: null, next: "aexp sync" });
  });

  it("counts what is not promoted and what cannot be read", async () => {
    const { root, store } = await repoWithStore();
    await runCli(root, ["install", "--machine-label", "box"]);
    await createRun(store, '{"a": 1}', FINISHED);
    const broken = await createRun(store, '{"a": 2}', FINISHED);
    writeFileSync(join(store.workspaceOf(broken), "signac_job_document.json"), "{");

    expect(await runCliJson(root, ["status"])).toMatchObject({
      runs: { complete: 1 },
      other_runs: 1,
      unpromoted: 1,
      next: "aexp ledger backfill",
    });
  });
});

describe("aexp doctor", () => {
  it("finds a fresh clone not installed, and an installed one well", async () => {
    const root = initRepo(tempDir());

    const before = await runCli(root, ["doctor"]);
    await runCli(root, ["install"]);
    const after = await runCli(root, ["doctor"]);

    expect(before.exitCode).toBe(1);
    expect(before.stdout).toContain("Run `aexp install`.");
    expect(after.exitCode).toBe(0);
    expect(after.stdout).toContain("✓ run store");
    expect(existsSync(join(root, ".aexp", "ledger"))).toBe(false);
  });

  it("names what is wrong, and goes on with the other checks", async () => {
    const root = initRepo(tempDir());
    await runCli(root, ["install"]);
    writeFileSync(join(root, ".runs", ".signac", "config"), "schema_version = 9\n");
    mkdirSync(join(root, "elsewhere"));
    rmSync(join(root, ".aexp", "ledger"), { recursive: true, force: true });
    symlinkSync(join(root, "elsewhere"), join(root, ".aexp", "ledger"));

    const checks = await runCliJson(root, ["doctor"]);

    expect(checks).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ name: "run store", state: "bad", message: expect.stringContaining('"9"') }),
        expect.objectContaining({ name: "ledger", state: "bad", message: expect.stringContaining("symbolic link") }),
        expect.objectContaining({ name: "clock", state: "ok" }),
      ]),
    );
  });

  it("says so when git is missing", async () => {
    const root = initRepo(tempDir());
    await runCli(root, ["install"]);
    const path = process.env["PATH"];
    process.env["PATH"] = "/nonexistent";
    try {
      const { stdout, exitCode } = await runCli(root, ["doctor"]);

      expect(exitCode).toBe(1);
      expect(stdout).toContain("git is not installed");
    } finally {
      process.env["PATH"] = path;
    }
  });
});
