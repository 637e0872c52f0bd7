import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { globSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { FsRunStore } from "../../src/run/fs/fs-run-store.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { createRun } from "../helpers/run-factory.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const MAIN = join(import.meta.dirname, "..", "..", "src", "main.ts");

describe("aexp install", () => {
  it("makes everything that the other commands need, and says so", async () => {
    const root = initRepo(join(tempDir(), "a 'quoted\" path é"));

    expect((await runCli(root, ["install", "--machine-label", "cluster"])).stdout).toMatchInlineSnapshot(`
      "created    .gitignore
      created    .gitattributes
      created    kb/ (3 notes, 7 folders for notes)
      created    .runs/ (run store)
      created    git config merge.aexp-ledger.name
      created    git config merge.aexp-ledger.driver
      created    .aexp/installed.json

      Installed as cluster. Commit and share with \`aexp sync\`.
      "
    `);
    expect(isIgnored(root, ".aexp/installed.json")).toBe(true);
    expect(isIgnored(root, ".runs/workspace/x")).toBe(true);
    expect(isIgnored(root, ".aexp/ledger/x.json")).toBe(false);
    expect(isIgnored(root, ".aexp/runs-index/x.json")).toBe(false);
    expect(git(root, "check-attr", "merge", ".aexp/ledger/x.json")).toMatch(/merge: aexp-ledger$/);
    expect(new FsRunStore(join(root, ".runs")).exists()).toBe(true);
    expect(readMarker(root)).toMatchObject({ schema_version: 1, machine_label: "cluster", run_store_path: ".runs" });
  });

  it("changes no byte and no time the second time", async () => {
    const root = initRepo(tempDir());
    await runCli(root, ["install", "--git-hooks"]);
    const before = snapshot(root);
    const second = await runCli(root, ["install", "--git-hooks"]);

    expect(second.stdout).toMatch(/Nothing to do: this repository is installed as /);
    expect(snapshot(root)).toEqual(before);
  });

  it("writes nothing with --dry-run", async () => {
    const root = initRepo(tempDir());
    const before = snapshot(root);
    expect((await runCli(root, ["init", "--dry-run"])).stdout).toMatch(
      /^would create {2}\.gitignore\n[^]*Nothing was written\.\n$/,
    );
    expect(snapshot(root)).toEqual(before);
  });

  it("keeps the label, the store and foreign keys, until told otherwise", async () => {
    const root = initRepo(tempDir());
    await runCli(root, ["install", "--machine-label", "one", "--run-store", "data/runs/"]);
    const marker = { ...readMarker(root), python_exe: "/usr/bin/python3" };
    writeFileSync(join(root, ".aexp/installed.json"), JSON.stringify(marker));
    await runCli(root, ["install"]);
    expect(readMarker(root)).toMatchObject({
      machine_label: "one",
      run_store_path: "data/runs",
      python_exe: "/usr/bin/python3",
    });
    await runCli(root, ["install", "--machine-label", "two"]);
    expect(readMarker(root)).toMatchObject({ machine_label: "two", python_exe: "/usr/bin/python3" });
    expect(isIgnored(root, "data/runs/x")).toBe(true);
  });

  it("writes a marker that cannot be read anew, with a warning", async () => {
    const root = initRepo(tempDir());
    mkdirSync(join(root, ".aexp"));
    writeFileSync(join(root, ".aexp/installed.json"), "{");
    expect(await runCli(root, ["install"])).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining("counts as absent"),
    });
    expect(readMarker(root)).toMatchObject({ schema_version: 1 });
  });

  it("refuses another run store while the old one has runs", async () => {
    const root = initRepo(tempDir());
    await runCli(root, ["install"]);
    await createRun(new FsRunStore(join(root, ".runs")), '{"a": 1}');
    expect(await failure(root, "--run-store", "other")).toBe("install.store_invalid");
    expect(readMarker(root)).toMatchObject({ run_store_path: ".runs" });
    expect(await runCli(root, ["install", "--run-store", "other", "--force"])).toMatchObject({ exitCode: 0 });
  });

  it.each(["/abs", "../x", "a/../../x", ".", "", ".git/x", ".aexp", "kb/runs", "C:\\runs", "a\nb", "link/x", "file"])(
    "refuses the run store %j",
    async (path) => {
      const root = initRepo(tempDir());
      symlinkSync(tempDir(), join(root, "link"));
      writeFileSync(join(root, "file"), "");
      expect(await failure(root, `--run-store=${path}`)).toBe("install.store_invalid");
    },
  );

  it.each(["run [1]", "a*b", "#x", "!x", "ü b"])(
    "ignores the run store %j, whatever characters it has",
    async (path) => {
      const root = initRepo(tempDir());
      expect(await runCli(root, ["install", `--run-store=${path}`])).toMatchObject({ exitCode: 0 });
      expect(isIgnored(root, `${path}/workspace/x`)).toBe(true);
    },
  );

  it.each(["", "a b", "../x", "-x", "é", "x".repeat(64)])("refuses the label %j", async (label) => {
    expect(await failure(initRepo(tempDir()), `--machine-label=${label}`)).toBe("install.label_invalid");
  });

  it("warns of a line that hides the whole folder, and leaves it alone", async () => {
    const root = initRepo(tempDir());
    writeFileSync(join(root, ".gitignore"), "*.pyc\r\n.aexp/\r\n");
    const { stderr } = await runCli(root, ["install"]);
    expect(stderr).toContain("gitignore_migration_warning: line 2 of .gitignore");
    expect(readFileSync(join(root, ".gitignore"), "utf8")).toMatch(/^\*\.pyc\r\n\.aexp\/\r\n\r\n# agentic/);
    expect(isIgnored(root, ".aexp/ledger/x.json")).toBe(true);
  });

  it.each([
    {
      what: "a broken block",
      code: "gitignore.block_broken",
      make: (root: string) => writeFileSync(join(root, ".gitignore"), "# agentic-experiments:begin\n"),
    },
    {
      what: "a file in place of a folder",
      code: "install.path_blocked",
      make: (root: string) => writeFileSync(join(root, "kb"), ""),
    },
    {
      what: "a link in place of a folder",
      code: "install.path_blocked",
      make: (root: string) => symlinkSync(tempDir(), join(root, ".aexp")),
    },
    {
      what: "a folder in place of a file",
      code: "install.path_blocked",
      make: (root: string) => mkdirSync(join(root, ".gitattributes")),
    },
  ])("refuses $what and changes nothing", async ({ code, make }) => {
    const root = initRepo(tempDir());
    make(root);
    const before = snapshot(root);
    expect(await failure(root)).toBe(code);
    expect(snapshot(root)).toEqual(before);
  });

  it("refuses a read-only folder and changes nothing", () => {
    const root = initRepo(tempDir());
    chmodSync(root, 0o555);
    chmodSync(join(root, ".."), 0o755);
    const before = snapshot(root);
    // Root may write everywhere, so there the command runs as nobody, who has to trust the folder first.
    const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
    const trust = { GIT_CONFIG_COUNT: "1", GIT_CONFIG_KEY_0: "safe.directory", GIT_CONFIG_VALUE_0: "*" };
    const { status, stdout } = spawnSync(process.execPath, [MAIN, "install", "--json"], {
      ...nobody,
      cwd: root,
      encoding: "utf8",
      env: { ...process.env, ...trust, HOME: "/nonexistent" },
    });

    expect(status).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: "environment.read_only" } });
    expect(snapshot(root)).toEqual(before);
    chmodSync(root, 0o755);
  });

  it("needs git, unless told otherwise", async () => {
    const folder = tempDir();
    expect(await failure(folder)).toBe("install.not_a_repository");
    expect(await runCli(folder, ["install", "--no-require-git"])).toMatchObject({ exitCode: 0 });
    expect(await runCli(folder, ["install", "--no-require-git"])).toMatchObject({
      stdout: expect.stringContaining("Nothing to do"),
    });
    expect(await failure(folder)).toBe("install.not_a_repository");
  });

  it("puts no .gitkeep into a folder that has notes", async () => {
    const root = initRepo(tempDir());
    mkdirSync(join(root, "kb/lessons"), { recursive: true });
    writeFileSync(join(root, "kb/lessons/L.md"), "x");
    await runCli(root, ["install"]);
    expect(globSync("kb/**/.gitkeep", { cwd: root })).toHaveLength(6);
    expect(globSync("kb/**/*.md", { cwd: root })).toEqual(["kb/lessons/L.md"]);
  });

  it("chains a pre-push hook that is there, byte for byte, with its own exit code", async () => {
    const root = initRepo(tempDir());
    const old = "#!/bin/sh\ncat > seen\nexit 7\n";
    mkdirSync(join(root, "my hooks"));
    git(root, "config", "core.hooksPath", "my hooks");
    writeFileSync(join(root, "my hooks/pre-push"), old, { mode: 0o755 });
    await runCli(root, ["install", "--git-hooks"]);
    expect(readFileSync(join(root, "my hooks/pre-push.before-aexp"), "utf8")).toBe(old);

    git(tempDir(), "init", "--quiet", "--bare", root.concat(".git"));
    git(root, "commit", "--quiet", "--allow-empty", "--message", "x");
    expect(() => git(root, "push", "--quiet", root.concat(".git"), "main")).toThrow("Command failed");
    expect(readFileSync(join(root, "seen"), "utf8")).toMatch(/^refs\/heads\/main /);

    writeFileSync(join(root, "my hooks/pre-push.before-aexp"), "#!/bin/sh\nexit 0\n");
    git(root, "push", "--quiet", root.concat(".git"), "main"); // aexp is not on the PATH here
    expect(await runCli(root, ["install", "--git-hooks"])).toMatchObject({
      stdout: expect.stringContaining("Nothing to do"),
    });
  });

  it("refuses a hooks folder that other repositories share", async () => {
    const root = initRepo(tempDir());
    git(root, "config", "core.hooksPath", tempDir());
    expect(await failure(root, "--git-hooks")).toBe("install.hooks_elsewhere");
  });

  it("works in a worktree", async () => {
    const root = initRepo(tempDir());
    git(root, "commit", "--quiet", "--allow-empty", "--message", "x");
    const worktree = join(tempDir(), "wt");
    git(root, "worktree", "add", "--quiet", worktree);
    expect(await runCli(worktree, ["install", "--git-hooks"])).toMatchObject({ exitCode: 0 });
    expect(statSync(join(root, ".git/hooks/pre-push")).mode & 0o111).not.toBe(0);
    expect(git(root, "config", "merge.aexp-ledger.driver")).toMatch(/^aexp ledger merge-driver/);
  });
});

async function failure(root: string, ...args: string[]): Promise<unknown> {
  const result = await runCliJson(root, ["install", ...args]);
  return typeof result === "object" &&
    result !== null &&
    "error" in result &&
    typeof result.error === "object" &&
    result.error !== null &&
    "code" in result.error
    ? result.error.code
    : result;
}

function isIgnored(root: string, path: string): boolean {
  try {
    git(root, "check-ignore", "--quiet", path);
    return true;
  } catch {
    return false;
  }
}

function readMarker(root: string): Record<string, unknown> {
  return JSON.parse(readFileSync(join(root, ".aexp/installed.json"), "utf8"));
}

/** Names, times and bytes of all files, but for what git itself touches. */
function snapshot(root: string): string[] {
  return globSync(["**/*", "**/.*", ".aexp/**/*", ".runs/**/*", ".git/config", ".git/hooks/*"], { cwd: root })
    .filter((name) => statSync(join(root, name)).isFile())
    .toSorted()
    .map((name) => `${name} ${statSync(join(root, name)).mtimeMs} ${readFileSync(join(root, name), "utf8")}`);
}
