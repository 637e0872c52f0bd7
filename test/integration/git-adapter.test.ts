import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { GitProgram } from "../../src/git/program/git-adapter.ts";
import { writeFile } from "../helpers/clones.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

/** Names that break tools which split lines, quote, or expand patterns. */
const NAMES = ["a b.py", "q\"'.py", "ü.py", "new\nline.py", "*.py", ":(top)x.py"];

describe("GitProgram", () => {
  it("has no answers outside a repository, and before the first commit", async () => {
    const folder = tempDir();
    for (const adapter of [new GitProgram(folder), new GitProgram(initRepo(tempDir()))]) {
      expect(await adapter.headCommit()).toBeUndefined();
      expect(await adapter.origin()).toBeUndefined();
      expect(await adapter.changedTrackedFiles([])).toEqual([]);
      expect(await adapter.patchOfChanges([])).toHaveLength(0);
    }
    expect(await new GitProgram(folder).isRepository()).toBe(false);
  });

  it("knows with which commit a branch began, in every clone that has it", async () => {
    const root = repoWith(NAMES);
    const firstCommit = git(root, "rev-parse", "HEAD");
    git(root, "commit", "--quiet", "--allow-empty", "--message", "More");
    git(root, "checkout", "--quiet", "--orphan", "other");
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Another beginning");
    git(root, "checkout", "--quiet", "main");
    git(root, "merge", "--quiet", "--allow-unrelated-histories", "--strategy=ours", "--no-edit", "other");
    const clones = tempDir();
    git(clones, "clone", "--quiet", root, "whole");
    git(clones, "clone", "--quiet", "--depth=1", `file://${root}`, "shallow");
    mkdirSync(join(root, "part"));

    expect(await new GitProgram(root).origin()).toEqual({ firstCommit, prefix: "" });
    expect(await new GitProgram(join(clones, "whole")).origin()).toEqual({ firstCommit, prefix: "" });
    expect(await new GitProgram(join(root, "part")).origin()).toEqual({ firstCommit, prefix: "part/" });
    expect(await new GitProgram(join(clones, "shallow")).origin()).toBeUndefined();
  });

  it("names tracked files that differ from HEAD, whatever their names", async () => {
    const root = repoWith(NAMES);
    const adapter = new GitProgram(root);
    expect(await adapter.headCommit()).toBe(git(root, "rev-parse", "HEAD"));
    expect(await adapter.changedTrackedFiles([])).toEqual([]);

    for (const name of NAMES) writeFile(root, name, "changed\n");
    writeFile(root, "untracked.py", "x");
    expect([...(await adapter.changedTrackedFiles([]))].toSorted()).toEqual(NAMES.toSorted());
    git(root, "add", "--all");
    expect(await adapter.changedTrackedFiles([])).toContain("untracked.py");
  });

  it("leaves out the folders that aexp itself writes", async () => {
    const root = repoWith(["code.py", "kb/note.md", ".aexp/ledger/x.json", "kb2/y", "my [runs]/z"]);
    const adapter = new GitProgram(root);
    for (const name of ["kb/note.md", ".aexp/ledger/x.json", "my [runs]/z"]) writeFile(root, name, "changed\n");
    expect(await adapter.changedTrackedFiles([".aexp", "kb", "my [runs]"])).toEqual([]);
    writeFile(root, "kb2/y", "changed\n");
    expect(await adapter.changedTrackedFiles([".aexp", "kb", "my [runs]"])).toEqual(["kb2/y"]);
    expect(Buffer.from(await adapter.patchOfChanges(["kb2", ".aexp", "kb", "my [runs]"]))).toHaveLength(0);
  });

  it("gives a patch that brings every byte back, whatever the user has set for diffs", async () => {
    const root = repoWith(["latin.txt", "binary", "text"]);
    const contents = {
      "latin.txt": Buffer.from("caf\xe9\n", "latin1"),
      binary: Buffer.from([0, 255, 10, 13, 0]),
      text: Buffer.from("x\r\n"),
    };
    for (const [name, bytes] of Object.entries(contents)) writeFileSync(join(root, name), bytes);
    git(root, "config", "diff.noprefix", "true");
    git(root, "config", "diff.external", "false");
    git(root, "config", "color.ui", "always");
    const patch = await new GitProgram(root).patchOfChanges([]);

    git(root, "checkout", "--quiet", "--", ".");
    execFileSync("git", ["apply"], { cwd: root, input: patch });
    for (const [name, bytes] of Object.entries(contents)) expect(readFileSync(join(root, name))).toEqual(bytes);
  });

  it("names files below some folders that are not committed", async () => {
    const root = repoWith(["kb/old.md", "code.py"]);
    for (const name of ["kb/old.md", "kb/n\new.md", "code.py", ".gitignore"]) writeFile(root, name, "changed\n");
    const adapter = new GitProgram(root);
    expect([...(await adapter.uncommittedFiles(["kb", ".gitignore", "missing"]))].toSorted()).toEqual([
      ".gitignore",
      "kb/n\new.md",
      "kb/old.md",
    ]);
    expect(await new GitProgram(join(root, "kb")).uncommittedFiles(["old.md"])).toEqual(["old.md"]);
  });

  it("counts the commits that the upstream lacks", async () => {
    const root = repoWith(["kb/old.md", "code.py"]);
    const adapter = new GitProgram(root);
    expect(await adapter.unpushedCommitCount(["kb"])).toBeUndefined();
    git(root, "branch", "up");
    git(root, "branch", "--quiet", "--set-upstream-to=up");
    for (const name of ["kb/old.md", "code.py"]) {
      writeFile(root, name, "changed\n");
      git(root, "commit", "--quiet", "--all", "--message", name);
    }
    expect(await adapter.unpushedCommitCount(["kb"])).toBe(1);
  });

  it("reads and sets configuration, values with line ends included", async () => {
    const adapter = new GitProgram(initRepo(tempDir()));
    expect(await adapter.configValue("aexp.test")).toBeUndefined();
    await adapter.setConfigValue("aexp.test", "a\n'b\" ü");
    expect(await adapter.configValue("aexp.test")).toBe("a\n'b\" ü");
  });

  it("asks git what is ignored", async () => {
    const root = repoWith(["x"]);
    writeFile(root, ".gitignore", "a*\n");
    const adapter = new GitProgram(root);
    expect([await adapter.isIgnored("ab"), await adapter.isIgnored("b")]).toEqual([true, false]);
  });

  it("says what git said when it fails", async () => {
    const root = repoWith(["x"]);
    writeFile(root, ".git/index", "broken");
    await expect(new GitProgram(root).changedTrackedFiles([])).rejects.toMatchObject({
      code: "git.failed",
      message: expect.stringMatching(/^git diff failed with exit code 128: fatal: /),
    });
  });
});

function repoWith(names: readonly string[]): string {
  const root = initRepo(tempDir("aexp 'git\" "));
  mkdirSync(root, { recursive: true });
  for (const name of names) writeFile(root, name, "first\n");
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "first");
  return root;
}
