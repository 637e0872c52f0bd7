import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { ledgerIds, makeClones, readEntry, shimFolder, writeEntry, writeFile } from "../helpers/clones.ts";
import { configureRepo, git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

describe("aexp sync", () => {
  it("carries entries from one clone to the other and back", async () => {
    const { a, b } = await pair();
    const first = writeEntry(a, 1);
    const second = writeEntry(b, 2);

    expect((await runCli(a, ["sync"])).exitCode).toBe(0);
    expect(await runCli(b, ["sync"])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(await runCliJson(a, ["sync"])).toMatchObject({ received: [{ kind: "added", path: entryPath(second) }] });

    expect(ledgerIds(a)).toEqual([first, second].toSorted());
    expect(ledgerIds(b)).toEqual(ledgerIds(a));
    for (const clone of [a, b]) expect(git(clone, "status", "--porcelain")).toBe("");
    expect(git(a, "log", "--format=%H")).toBe(git(b, "log", "--format=%H"));
  });

  it("says in the commit's message what is in it", async () => {
    const { a } = await pair();
    const id = writeEntry(a, 1, { run_link: new Map([["experiment_id", "E001"]]) });
    writeFile(a, "kb/lessons/L.md", "x\n");
    await runCli(a, ["sync"]);

    expect(git(a, "log", "-1", "--format=%B").split("\n")).toEqual([
      "aexp sync: 1 entry, 1 note, 2 other files from a",
      "",
      `added entry ${id} complete E001`,
      "added .gitattributes",
      "added .gitignore",
      "added kb/lessons/L.md",
    ]);
    writeEntry(a, 2);
    await runCli(a, ["sync", "--message", "Sweep"]);
    expect(git(a, "log", "-1", "--format=%s")).toBe("Sweep");
  });

  it.each([
    { driver: "with the merge driver", isOnPath: true },
    { driver: "without the program on the PATH", isOnPath: false },
    { driver: "without a configured driver", isOnPath: false, unset: true },
  ])("keeps both outcomes of one run, $driver", async ({ isOnPath, unset }) => {
    const { a, b } = await pair();
    const env = isOnPath ? { PATH: `${shimFolder()}:${process.env["PATH"]}` } : {};
    if (unset === true) git(b, "config", "--remove-section", "merge.aexp-ledger");
    const id = writeEntry(a, 1, { registered_machine: "a", status: "failed", ended_at: "2026-11-21T09:00:00Z" });
    writeEntry(b, 1, { registered_machine: "b", ended_at: "2026-11-21T08:00:00Z" });

    await runCli(a, ["sync"], { env });
    expect((await runCli(b, ["sync"], { env })).exitCode).toBe(0);
    await runCli(a, ["sync"], { env });

    for (const clone of [a, b]) {
      expect(readEntry(clone, id)).toMatchObject({
        registered_machine: "a",
        other_attempts: [{ registered_machine: "b", status: "complete", ended_at: "2026-11-21T08:00:00Z" }],
      });
    }
  });

  it("leaves what is staged and changed elsewhere as it is", async () => {
    const { a, b } = await pair();
    writeFile(a, "staged.py", "1\n");
    writeFile(a, "both.py", "1\n");
    git(a, "add", "--all");
    git(a, "commit", "--quiet", "--message", "code");
    await runCli(a, ["sync"]);
    writeEntry(b, 2);
    await runCli(b, ["sync"]);

    writeFile(a, "staged.py", "2\n");
    writeFile(a, "both.py", "2\n");
    writeFile(a, "new file.py", "new\n");
    git(a, "add", "--all");
    writeFile(a, "both.py", "3\n");
    writeFile(a, "untracked.py", "x\n");
    writeEntry(a, 1);
    const before = [git(a, "status", "--porcelain", "--", "*.py"), git(a, "diff", "--cached", "--", "*.py")];
    const result = await runCli(a, ["sync"]);

    expect(result).toMatchObject({ exitCode: 0 });
    expect([git(a, "status", "--porcelain"), git(a, "diff", "--cached")]).toEqual(before);
    expect(ledgerIds(a)).toHaveLength(2);
    expect(git(a, "ls-tree", "-r", "--name-only", "HEAD")).not.toContain("new file.py");
  });

  it("stops at a conflict in a note: files named, everything committed here, repository usable", async () => {
    const { a, b } = await pair();
    writeFile(a, 'kb/lessons/ünï "q".md', "one\n");
    await runCli(a, ["sync"]);
    await runCli(b, ["sync"]);
    writeFile(a, 'kb/lessons/ünï "q".md', "two\n");
    writeFile(b, 'kb/lessons/ünï "q".md', "three\n");
    await runCli(a, ["sync"]);
    const result = await runCli(b, ["sync"]);

    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('kb/lessons/ünï "q".md');
    expect(git(b, "status", "--porcelain")).toBe("");
    expect(git(b, "rev-list", "--count", "@{upstream}..HEAD")).toBe("1");
    expect(readFileSync(join(b, 'kb/lessons/ünï "q".md'), "utf8")).toBe("three\n");

    writeFile(b, 'kb/lessons/ünï "q".md', "two\n");
    expect((await runCli(b, ["sync"])).exitCode).toBe(1);
  });

  it("merges notes that were changed in different places, also when one was renamed", async () => {
    const { a, b } = await pair();
    const lines = Array.from({ length: 20 }, (_, index) => `line ${index}`);
    writeFile(a, "kb/n.md", lines.join("\n"));
    await runCli(a, ["sync"]);
    await runCli(b, ["sync"]);
    git(a, "mv", "kb/n.md", "kb/renamed.md");
    writeFile(b, "kb/n.md", ["changed", ...lines.slice(1)].join("\n"));
    await runCli(a, ["sync"]);

    expect(await runCli(b, ["sync"])).toMatchObject({ exitCode: 0 });
    expect(readFileSync(join(b, "kb/renamed.md"), "utf8")).toMatch(/^changed\n/);
    expect(existsSync(join(b, "kb/n.md"))).toBe(false);
  });

  it("refuses when the user's own changes are in the way, and moves nothing", async () => {
    const { a, b } = await pair();
    writeFile(a, "code.py", "1\n");
    git(a, "add", "code.py");
    git(a, "commit", "--quiet", "--message", "code");
    await runCli(a, ["sync"]);
    writeFile(b, "code.py", "mine\n");
    const result = await runCli(b, ["sync"]);

    expect(result).toMatchObject({ exitCode: 1, stderr: expect.stringContaining("code.py") });
    expect(readFileSync(join(b, "code.py"), "utf8")).toBe("mine\n");
    rmSync(join(b, "code.py"));
    expect(await runCli(b, ["sync"])).toMatchObject({ exitCode: 0 });
  });

  it("makes a merge when the user's commits have merges, so that nothing of them is lost", async () => {
    const { a, b } = await pair();
    await runCli(a, ["sync"]);
    await runCli(b, ["sync"]);
    git(b, "switch", "--quiet", "--create", "side");
    git(b, "commit", "--quiet", "--allow-empty", "--message", "side");
    git(b, "switch", "--quiet", "main");
    git(b, "commit", "--quiet", "--allow-empty", "--message", "main");
    git(b, "merge", "--quiet", "--no-ff", "--message", "joined", "side");
    writeEntry(a, 1);
    await runCli(a, ["sync"]);
    writeEntry(b, 2);

    expect(await runCli(b, ["sync"])).toMatchObject({ exitCode: 0 });
    expect(git(b, "log", "--format=%s")).toContain("joined");
    expect(ledgerIds(b)).toHaveLength(2);
    expect(git(b, "status", "--porcelain")).toBe("");
  });

  it("runs the user's hooks and fails with them", async () => {
    const { a } = await pair();
    writeFileSync(join(a, ".git/hooks/commit-msg"), '#!/bin/sh\nread -r line\necho "hook" >> "$1"\n', { mode: 0o755 });
    writeEntry(a, 1);
    expect(await runCli(a, ["sync"])).toMatchObject({ exitCode: 0 });
    expect(git(a, "log", "-1", "--format=%B")).toMatch(/hook$/);

    writeFileSync(join(a, ".git/hooks/pre-push"), "#!/bin/sh\necho no way >&2\nexit 1\n", { mode: 0o755 });
    writeEntry(a, 2);
    expect(await runCli(a, ["sync"])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("pre-push hook") });
    expect(git(a, "rev-list", "--count", "@{upstream}..HEAD")).toBe("1");
  });

  it("commits only where there is no remote", async () => {
    const root = initRepo(tempDir());
    await runCli(root, ["install", "--no-kb"]);
    expect(await runCli(root, ["sync"])).toMatchObject({ exitCode: 0, stdout: expect.stringContaining("no upstream") });
    expect(await runCli(root, ["sync"])).toMatchObject({ stdout: "nothing to commit\n" });
  });

  it("with a remote but no upstream, names the command and commits nothing", async () => {
    const { a } = await pair();
    git(a, "switch", "--quiet", "--create", "topic");
    expect(await runCli(a, ["sync"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("git push --set-upstream origin topic"),
    });
    expect(await runCli(a, ["sync", "--no-push"])).toMatchObject({ exitCode: 0 });
  });

  it("commits but does not push with --no-push, and only looks with --dry-run", async () => {
    const { a, place } = await pair();
    writeEntry(a, 1);
    expect(await runCli(a, ["sync", "--dry-run"])).toMatchObject({
      stdout: expect.stringMatching(/^would commit 1 entry/),
    });
    expect(git(a, "status", "--porcelain")).not.toBe("");
    expect(await runCli(a, ["sync", "--no-push"])).toMatchObject({
      stdout: expect.stringContaining("not pushed, as asked"),
    });
    expect(git(join(place, "remote.git"), "for-each-ref")).toBe("");
  });

  it("refuses a detached HEAD and an operation in progress", async () => {
    const { a, b } = await pair();
    writeFile(a, "x.py", "1\n");
    git(a, "add", "x.py");
    await runCli(a, ["sync"]);
    git(a, "commit", "--quiet", "--message", "x");
    git(a, "switch", "--quiet", "--detach");
    expect(await runCli(a, ["sync"])).toMatchObject({ exitCode: 2, stderr: expect.stringContaining("detached") });
    git(a, "switch", "--quiet", "--create", "one", "HEAD~1");
    writeFile(a, "x.py", "2\n");
    git(a, "add", "x.py");
    git(a, "commit", "--quiet", "--message", "y");
    expect(() => git(a, "merge", "main")).toThrow("Command failed");
    expect(await runCli(a, ["sync"])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining("middle of a merge"),
    });
    expect(await runCli(tempDir(), ["sync"])).toMatchObject({ exitCode: 2 });
    expect(existsSync(b)).toBe(true);
  });

  it("does not commit temporary files, deleted entries or ignored files", async () => {
    const { a } = await pair();
    const id = writeEntry(a, 1);
    await runCli(a, ["sync"]);
    rmSync(join(a, entryPath(id)));
    writeFile(a, ".aexp/ledger/.tmp-1", "half");
    writeFile(a, `${entryPath(id)}.123`, "half");
    writeFile(a, ".runs/workspace/x/y", "local");
    expect(await runCliJson(a, ["sync"])).toMatchObject({ commit: null, changes: [] });
    expect(git(a, "ls-tree", "-r", "--name-only", "HEAD")).toContain(entryPath(id));
  });

  it("works in a worktree, a submodule and a shallow clone", async () => {
    const { a, b, place } = await pair();
    await runCli(a, ["sync"]);
    writeEntry(a, 1);
    await runCli(a, ["sync"]);

    git(place, "clone", "--quiet", "--depth=1", `file://${join(place, "remote.git")}`, "shallow");
    configureRepo(join(place, "shallow"));
    writeEntry(b, 2);
    await runCli(b, ["sync"]);
    writeEntry(join(place, "shallow"), 3);
    expect(await runCli(join(place, "shallow"), ["sync"])).toMatchObject({ exitCode: 0 });

    git(a, "fetch", "--quiet");
    git(a, "worktree", "add", "--quiet", "-b", "wt", "--track", join(place, "wt"), "origin/main");
    writeEntry(join(place, "wt"), 4);
    expect(await runCli(join(place, "wt"), ["sync"])).toMatchObject({ exitCode: 0 });

    const outer = initRepo(join(place, "outer"));
    git(
      outer,
      "-c",
      "protocol.file.allow=always",
      "submodule",
      "--quiet",
      "add",
      "--branch",
      "main",
      join(place, "remote.git"),
      "sub",
    );
    configureRepo(join(outer, "sub"));
    writeEntry(join(outer, "sub"), 5);
    expect(await runCli(join(outer, "sub"), ["sync"])).toMatchObject({ exitCode: 0 });

    await runCli(a, ["sync"]);
    expect(ledgerIds(a)).toHaveLength(5);
  });

  it("works in a folder below the top of the work tree", async () => {
    const { a, b } = await pair();
    for (const clone of [a, b]) await runCli(clone, ["install", "--no-kb", "--repo", makeSub(clone)]);
    writeFile(a, "sub/.aexp/ledger/keep.txt", "");
    const id = writeEntry(join(a, "sub"), 1, { registered_machine: "a" });
    writeEntry(join(b, "sub"), 1, { registered_machine: "b" });
    expect(await runCli(join(a, "sub"), ["sync"])).toMatchObject({ exitCode: 0 });
    expect(await runCli(join(b, "sub"), ["sync"])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(readEntry(join(b, "sub"), id)).toMatchObject({
      registered_machine: "b",
      other_attempts: [{ registered_machine: "a" }],
    });
  });

  it("explains a missing git and a folder of another user", async () => {
    const { a } = await pair();
    process.env["GIT_TEST_ASSUME_DIFFERENT_OWNER"] = "1";
    try {
      expect(await runCli(a, ["sync"])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("git config --global --add safe.directory"),
      });
    } finally {
      delete process.env["GIT_TEST_ASSUME_DIFFERENT_OWNER"];
    }
    const path = process.env["PATH"];
    process.env["PATH"] = tempDir();
    try {
      expect(await runCli(a, ["sync"])).toMatchObject({
        exitCode: 2,
        stderr: expect.stringContaining("git is not installed"),
      });
    } finally {
      process.env["PATH"] = path;
    }
  });
});

describe("aexp ledger resolve", () => {
  it("merges entries that a plain git merge has left in conflict", async () => {
    const { a, b } = await pair();
    git(b, "config", "merge.aexp-ledger.driver", "false");
    const id = writeEntry(a, 1, { registered_machine: "a" });
    await runCli(a, ["sync"]);
    writeEntry(b, 1, { registered_machine: "b" });
    await runCli(b, ["sync", "--no-push"]);
    git(b, "update-ref", "refs/heads/other", "HEAD");
    const other = writeEntry(b, 1, { registered_machine: "c", status: "failed" });
    git(b, "commit", "--quiet", "--all", "--message", "c");
    git(b, "switch", "--quiet", "other");
    writeEntry(b, 1, { registered_machine: "d", status: "stopped" });
    git(b, "commit", "--quiet", "--all", "--message", "d");
    expect(() => git(b, "merge", "--quiet", "main")).toThrow("Command failed");

    expect(await runCliJson(b, ["ledger", "resolve"])).toEqual({ resolved: [other], unresolved: [] });
    expect(git(b, "ls-files", "--unmerged")).toBe("");
    expect(readEntry(b, id)).toMatchObject({ registered_machine: "d", other_attempts: [{ registered_machine: "c" }] });
    git(b, "commit", "--quiet", "--no-edit");
    expect(await runCli(b, ["ledger", "resolve"])).toMatchObject({ stdout: "no entry is in conflict\n" });
  });
});

describe("aexp ledger merge-driver", () => {
  it("merges when git asks it to", async () => {
    const { a } = await pair();
    const env = { ...process.env, PATH: `${shimFolder()}:${process.env["PATH"]}` };
    const id = writeEntry(a, 1, { registered_machine: "base" });
    git(a, "add", "--all");
    git(a, "commit", "--quiet", "--message", "base");
    git(a, "switch", "--quiet", "--create", "other");
    writeEntry(a, 1, { registered_machine: "x", ended_at: "2026-11-21T06:00:00Z" });
    git(a, "commit", "--quiet", "--all", "--message", "x");
    git(a, "switch", "--quiet", "main");
    writeEntry(a, 1, { registered_machine: "y", ended_at: "2026-11-21T05:00:00Z" });
    git(a, "commit", "--quiet", "--all", "--message", "y");
    execFileSync("git", ["merge", "--quiet", "other"], { cwd: a, env });
    expect(readEntry(a, id)).toMatchObject({ registered_machine: "x", other_attempts: [{ registered_machine: "y" }] });
  });

  it("exits with 1 when neither side is an entry", async () => {
    const folder = tempDir();
    for (const name of ["o", "a", "b"]) writeFileSync(join(folder, name), name);
    expect((await runCli(folder, ["ledger", "merge-driver", "o", "a", "b", "p.json"])).exitCode).toBe(1);
    expect(readFileSync(join(folder, "a"), "utf8")).toBe("a");
  });
});

async function pair(): Promise<{ a: string; b: string; place: string }> {
  const { clones, place } = await makeClones("a", "b");
  const [a = "", b = ""] = clones;
  return { a, b, place };
}

function entryPath(id: string): string {
  return `.aexp/ledger/${id}.json`;
}

function makeSub(clone: string): string {
  writeFile(clone, "sub/README", "x\n");
  return join(clone, "sub");
}

describe("after a kill", () => {
  it("removes its own lock on the index, and waits for nobody", async () => {
    const { a } = await pair();
    writeEntry(a, 1);
    writeFile(a, ".git/index.lock", "aexp sync\n");
    writeFile(a, ".git/aexp-index-old", "");
    utimesSync(join(a, ".git/aexp-index-old"), 0, 0);
    expect(await runCli(a, ["sync"])).toMatchObject({ exitCode: 0 });
    expect(existsSync(join(a, ".git/index.lock"))).toBe(false);
    expect(existsSync(join(a, ".git/aexp-index-old"))).toBe(false);
  });

  it.each([
    { arrived: "no file had arrived", files: [] },
    { arrived: "some files had arrived", files: ["kb/one.md", "code.py"] },
  ])("finishes a move of which $arrived", async ({ files }) => {
    const { a, b } = await pair();
    writeFile(a, "code.py", "old\n");
    writeFile(a, "kb/gone.md", "x\n");
    git(a, "add", "code.py");
    git(a, "commit", "--quiet", "--message", "code");
    await runCli(a, ["sync"]);
    await runCli(b, ["sync"]);
    for (const path of ["kb/one.md", "kb/two.md", "code.py"]) writeFile(a, path, "new\n");
    rmSync(join(a, "kb/gone.md"));
    git(a, "commit", "--quiet", "--message", "more", "code.py");
    await runCli(a, ["sync"]);

    git(b, "fetch", "--quiet");
    writeFile(b, "staged.py", "x\n");
    git(b, "add", "staged.py");
    const journal = { from: git(b, "rev-parse", "HEAD"), to: git(b, "rev-parse", "@{upstream}") };
    writeFile(b, ".git/aexp-sync.json", JSON.stringify(journal));
    for (const path of files) writeFile(b, path, "new\n");
    if (files.length > 0) rmSync(join(b, "kb/gone.md"));

    expect(await runCli(b, ["sync"])).toMatchObject({ exitCode: 0, stderr: "" });
    expect(git(b, "status", "--porcelain")).toBe("A  staged.py");
    expect(git(b, "rev-parse", "HEAD")).toBe(journal.to);
    expect(existsSync(join(b, ".git/aexp-sync.json"))).toBe(false);
  });

  it("brings the index along when the commit was made and nothing after it", async () => {
    const { a } = await pair();
    const id = writeEntry(a, 1);
    git(a, "add", "--all");
    git(a, "commit", "--quiet", "--message", "by hand");
    git(a, "rm", "--quiet", "--cached", entryPath(id));
    expect(await runCli(a, ["sync"])).toMatchObject({ exitCode: 0 });
    expect(git(a, "status", "--porcelain")).toBe("");
  });
});
