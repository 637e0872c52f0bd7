import { existsSync, globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

async function ok(root: string, ...argv: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCli(root, argv);
  expect({ argv, stderr, exitCode }).toEqual({ argv, stderr: "", exitCode: 0 });
  return stdout;
}

/** A thread, a hypothesis, an experiment and a complete run of it, made by commands alone. */
async function withRun(): Promise<string> {
  const root = initRepo(join(tempDir(), "project"));
  await ok(root, "install", "--machine-label", "laptop");
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "Install aexp");
  await ok(root, "thread", "new", "--title", "What limits speed?");
  await ok(root, "hypothesis", "new", "--title", "Larger batches converge slower", "--thread", "T001");
  await ok(root, "experiment", "new", "--title", "Batch size sweep", "--hypothesis", "H001");
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "Notes");
  const argv = ["run", "--experiment", "E001", "--hypothesis", "H001", "--sp", "batch=16", "--", "true"];
  expect((await runCli(root, argv)).exitCode).toBe(0);
  return root;
}

function notes(root: string): Record<string, string> {
  const paths = globSync("kb/**/*.md", { cwd: root });
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

describe("a chain from a question to what was found", () => {
  it("validates when it was made by commands alone", async () => {
    const root = await withRun();

    expect(
      await runCliJson(root, ["finding", "new", "--title", "It is so", "--experiment", "E001", "--cite", "@last"]),
    ).toMatchObject({ id: "F001", runs: 1 });

    expect(await ok(root, "validate", "--kb-only")).toMatch(/^0 errors, 0 warnings/);
    const { stdout, exitCode } = await runCli(root, ["validate"]);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^0 errors, /m);
    expect(stdout).not.toMatch(/\s(?:kb|finding)\./);
    expect(await runCliJson(root, ["thread", "show", "T001"])).toMatchObject({
      chain: { nodes: [{ id: "T001" }, { id: "H001" }, { id: "E001" }, { id: "F001" }] },
    });
  });

  it("takes no finding that cites a run which is not there, and changes no note", async () => {
    const root = await withRun();
    const before = notes(root);

    for (const unknown of ["0".repeat(32), "feedfeed"]) {
      const argv = ["finding", "new", "--title", "So", "--experiment", "E001", "--cite", "@last", "--cite", unknown];
      const { stdout, stderr, exitCode } = await runCli(root, argv);

      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
      expect(stderr).toMatch(new RegExp(`^error: .*${unknown}`));
    }

    expect(notes(root)).toEqual(before);
  });
});

describe("install --no-kb", () => {
  it("makes no knowledge base, and runs work without one", async () => {
    const root = initRepo(join(tempDir(), "project"));
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Start");

    expect(await ok(root, "install", "--no-kb", "--machine-label", "laptop")).not.toContain("kb/");
    await runCli(root, ["run", "--experiment", "E001", "--sp", "n=1", "--", "true"]);
    await ok(root, "install", "--no-kb");

    expect(existsSync(join(root, "kb"))).toBe(false);
    expect(await runCliJson(root, ["runs", "list"])).toMatchObject([{ status: "complete" }]);
  });
});
