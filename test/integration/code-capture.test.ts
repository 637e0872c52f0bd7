import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";

import type { CodeIdentity } from "../../src/code/code-identity.ts";
import type { CaptureOptions } from "../../src/code/code-store.ts";
import { GitCodeStore } from "../../src/code/program/git-code-store.ts";
import { IndexFile } from "../../src/code/program/index-file.ts";
import { captureWorkTree } from "../../src/code/program/work-tree-capture.ts";
import { writeFile } from "../helpers/clones.ts";
import { configureRepo, git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const OWN = [".aexp", "kb", ".runs"];
/** What names of files may hold beside letters. */
const NAMES = ["a b.py", "q\"'.py", "ü.py", "new\nline.py", "*.py", ":(top)x.py", "tab\t.py"];

async function capture(root: string, options: CaptureOptions = {}): Promise<CodeIdentity> {
  const code = await new GitCodeStore(root, OWN).captureCode(options);
  if ("unkeyed" in code) throw new Error(`unkeyed: ${code.unkeyed}`);
  return code;
}

async function refusal(root: string, options: CaptureOptions = {}): Promise<string> {
  const code = await new GitCodeStore(root, OWN).captureCode(options);
  return "unkeyed" in code ? code.unkeyed : `tree ${code.tree}`;
}

/** A repository with committed code, ignored data, and a folder for aexp. */
function makeRepo(files: Readonly<Record<string, string>> = { "train.py": "print(1)\n" }): string {
  const root = initRepo(join(tempDir(), "repo"));
  writeFile(root, ".gitignore", "data/\n.aexp/*\n!.aexp/ledger/\n/.runs/\n");
  for (const [path, text] of Object.entries(files)) writeFile(root, path, text);
  commitAll(root);
  return root;
}

function commitAll(root: string): void {
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--allow-empty", "--message", "Work");
}

/** Writes a file, also where a folder is. */
function writeOver(root: string, path: string, text: string): void {
  rmSync(join(root, path), { recursive: true, force: true });
  writeFile(root, path, text);
}

function filesOf(root: string, tree: string): string[] {
  const names = execFileSync("git", ["ls-tree", "-r", "-z", "--name-only", tree], { cwd: root, encoding: "utf8" });
  return names.split("\0").slice(0, -1).toSorted();
}

function textIn(root: string, tree: string, path: string): string {
  return execFileSync("git", ["cat-file", "blob", `${tree}:${path}`], { cwd: root, encoding: "utf8" });
}

describe("captureCode", () => {
  it("is the tree of HEAD while nothing has changed", async () => {
    const root = makeRepo();

    const code = await capture(root);

    expect(code).toEqual({
      tree: git(root, "rev-parse", "HEAD^{tree}"),
      commit: git(root, "rev-parse", "HEAD"),
      dirty: false,
    });
  });

  it("counts edits and new files, wherever they stand on their way into a commit", async () => {
    const root = makeRepo();
    writeFile(root, "train.py", "print(2)\n");
    writeFile(root, "lib/new.py", "x = 1\n");

    const loose = await capture(root);
    git(root, "add", "train.py");
    const half = await capture(root);
    git(root, "add", "--intent-to-add", "lib/new.py");
    const intended = await capture(root);
    commitAll(root);
    const committed = await capture(root);

    expect([half.tree, intended.tree, committed.tree]).toEqual([loose.tree, loose.tree, loose.tree]);
    expect([loose.dirty, committed.dirty]).toEqual([true, false]);
    expect(filesOf(root, loose.tree)).toEqual([".gitignore", "lib/new.py", "train.py"]);
    expect(committed.tree).toBe(git(root, "rev-parse", "HEAD^{tree}"));
  });

  it("takes what is on disk, not what is staged", async () => {
    const root = makeRepo();
    writeFile(root, "train.py", "staged\n");
    git(root, "add", "--all");
    writeFile(root, "train.py", "on disk\n");
    writeFile(root, "gone.py", "x\n");
    git(root, "add", "--all");
    rmSync(join(root, "gone.py"));

    const { tree } = await capture(root);

    expect(filesOf(root, tree)).toEqual([".gitignore", "train.py"]);
    expect(textIn(root, tree, "train.py")).toBe("on disk\n");
  });

  it("does not count what git ignores, nor what aexp writes", async () => {
    const root = makeRepo({ "train.py": "x", "kb/E001.md": "note", ".aexp/ledger/a.json": "{}", "lib/.aexp/x": "y" });
    git(root, "add", "--force", "lib/.aexp/x");
    commitAll(root);
    const before = await capture(root);
    for (const path of [
      "data/big",
      "kb/E002.md",
      "kb/E001.md",
      ".aexp/ledger/b.json",
      ".aexp/installed.json",
      ".runs/x/y",
    ]) {
      writeFile(root, path, "changed");
    }

    expect(await capture(root)).toEqual(before);
    expect(filesOf(root, before.tree)).toEqual([".gitignore", "train.py"]);
    expect(before.dirty).toBe(false);
  });

  it("leaves index, work tree, stash and refs alone, also while another git holds the index", async () => {
    const root = makeRepo();
    writeFile(root, "train.py", "staged\n");
    git(root, "add", "--all");
    writeFile(root, "train.py", "edited\n");
    writeFile(root, "new.py", "new\n");
    writeFileSync(join(root, ".git", "index.lock"), "");
    const index = readFileSync(join(root, ".git", "index"));
    const before = [statSync(join(root, ".git", "index")).mtimeMs, readdirSync(join(root, ".git")).toSorted()];

    await capture(root);

    expect(readFileSync(join(root, ".git", "index"))).toEqual(index);
    expect([statSync(join(root, ".git", "index")).mtimeMs, readdirSync(join(root, ".git")).toSorted()]).toEqual(before);
    expect(git(root, "for-each-ref", "--format=%(refname)")).toBe("refs/heads/main");
    expect(git(root, "stash", "list")).toBe("");
  });

  it("removes what a killed call left, and not what a living one has", async () => {
    const root = makeRepo();
    const folder = join(root, ".git");
    const dead = pidOfEnded();
    const mine = ownIndexName(root);
    writeFileSync(join(folder, mine.replace(/-\d+-/, `-${dead}-`)), "");
    writeFileSync(join(folder, `${mine.replace(/-\d+-/, `-${dead}-`)}.lock`), "");
    writeFileSync(join(folder, mine.replace(/-\d+-/, `-${process.pid}-`)), "");

    await capture(root);

    expect(readdirSync(folder).filter((name) => name.startsWith("aexp-index-"))).toEqual([
      mine.replace(/-\d+-/, `-${process.pid}-`),
    ]);
  });

  it("works before the first commit, in a subfolder, in a worktree, and with names of any bytes", async () => {
    const root = initRepo(join(tempDir(), "repo"));
    expect(await capture(root)).toMatchObject({ commit: undefined, dirty: false });
    for (const name of NAMES) writeFile(root, name, "x\n");
    writeFileSync(Buffer.concat([Buffer.from(`${root}/latin-`), Buffer.from([0xe9])]), "x\n");
    symlinkSync("a b.py", join(root, "link"));
    chmodSync(join(root, "ü.py"), 0o755);
    const unborn = await capture(root);
    expect(unborn).toMatchObject({ commit: undefined, dirty: true });

    commitAll(root);
    expect(git(root, "rev-parse", "HEAD^{tree}")).toBe(unborn.tree);
    git(root, "worktree", "add", "--quiet", join(root, "..", "other"));
    expect((await capture(join(root, "..", "other"))).tree).toBe(unborn.tree);
    expect(await capture(root)).toMatchObject({ tree: unborn.tree, dirty: false });
  });

  it("captures the whole repository around a root that is a subfolder of it", async () => {
    const root = makeRepo({ "lib/a.py": "a", "part/train.py": "b", "part/kb/E001.md": "c", "kb/other.md": "d" });
    const part = join(root, "part");

    const { tree } = await capture(part);
    writeFile(root, "part/kb/E001.md", "changed");
    const same = await capture(part);
    writeFile(root, "lib/a.py", "changed");

    expect(filesOf(root, tree)).toEqual([".gitignore", "kb/other.md", "lib/a.py", "part/train.py"]);
    expect(same.tree).toBe(tree);
    expect((await capture(part)).tree).not.toBe(tree);
  });

  it("narrows to files and folders, and refuses those that name nothing or lie outside", async () => {
    const root = makeRepo({ "src/a.py": "a", "src/b/c.py": "c", "train.py": "t", "docs/x.md": "x", "srcs.py": "s" });
    const paths = ["train.py", "src/", "./src"];

    const narrowed = await capture(root, { paths });
    writeFile(root, "docs/x.md", "changed");
    const same = await capture(root, { paths });
    writeFile(root, "src/b/c.py", "changed");
    const changed = await capture(root, { paths });

    expect(filesOf(root, narrowed.tree)).toEqual(["src/a.py", "src/b/c.py", "train.py"]);
    expect(narrowed).toMatchObject({ paths: ["src", "train.py"], dirty: false });
    expect(same).toEqual(narrowed);
    expect(changed.tree).not.toBe(narrowed.tree);
    expect(changed.dirty).toBe(true);
    expect(await refusal(root, { paths: ["srcx"] })).toBe('the code is narrowed to "srcx", where git knows no file');
    expect(await refusal(root, { paths: ["../x"] })).toContain("lies outside of the repository");
    expect(await refusal(root, { paths: ["/etc"] })).toContain("lies outside of the repository");
  });

  it("sees an edit of the same size in the same moment as the staging", async () => {
    const root = makeRepo();
    for (let round = 0; round < 20; round += 1) {
      writeFile(root, "train.py", `print(${round % 10})\n`);
      git(root, "add", "--all");
      writeFile(root, "train.py", `PRINT(${round % 10})\n`);
      const { tree } = await capture(root);
      expect(textIn(root, tree, "train.py")).toBe(`PRINT(${round % 10})\n`);
    }
  });

  it("looks at files that the user told git not to look at", async () => {
    const root = makeRepo({ "a.py": "a", "b.py": "b", "c.py": "c" });
    git(root, "update-index", "--assume-unchanged", "a.py");
    git(root, "update-index", "--skip-worktree", "b.py");
    writeFile(root, "a.py", "A!");
    writeFile(root, "b.py", "B!");

    const { tree, dirty } = await capture(root);

    expect([textIn(root, tree, "a.py"), textIn(root, tree, "b.py"), dirty]).toEqual(["A!", "B!", true]);
  });

  it.each([{ index: "true" }, { index: "false" }])(
    "keeps the files that a sparse checkout leaves out (sparse index $index)",
    async ({ index }) => {
      const root = makeRepo({ "in/a.py": "a", "out/b.py": "b", "out/deep/c.py": "c" });
      const before = await capture(root);
      git(root, "sparse-checkout", "set", "--cone", "in");
      git(root, "config", "index.sparse", index);
      git(root, "sparse-checkout", "reapply");
      expect(existsSync(join(root, "out", "b.py"))).toBe(false);

      expect(await capture(root)).toEqual(before);
      writeFile(root, "in/a.py", "changed");
      writeFile(root, "out/new.py", "new");
      const { tree } = await capture(root);
      expect(filesOf(root, tree)).toEqual([".gitignore", "in/a.py", "out/b.py", "out/deep/c.py", "out/new.py"]);
    },
  );

  it("captures a merge with conflicts as it is on disk", async () => {
    const root = makeRepo();
    git(root, "checkout", "--quiet", "-b", "other");
    writeFile(root, "train.py", "theirs\n");
    commitAll(root);
    git(root, "checkout", "--quiet", "main");
    writeFile(root, "train.py", "ours\n");
    commitAll(root);
    expect(() => git(root, "merge", "other")).toThrow(/CONFLICT|Command failed/);

    const { tree } = await capture(root);

    expect(textIn(root, tree, "train.py")).toBe(readFileSync(join(root, "train.py"), "utf8"));
  });

  it("follows a file that becomes a folder, and a folder that becomes a file", async () => {
    const root = makeRepo({ a: "file", "b/c": "folder" });
    rmSync(join(root, "a"));
    rmSync(join(root, "b"), { recursive: true });
    writeFile(root, "a/x", "now a folder");
    writeFile(root, "b", "now a file");

    const { tree } = await capture(root);

    expect(filesOf(root, tree)).toEqual([".gitignore", "a/x", "b"]);
  });

  it("holds the files of submodules, with edits, and of repositories inside that git knows nothing of", async () => {
    const library = makeRepo({ "lib.py": "one" });
    const root = makeRepo();
    git(root, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library, "vendor/lib");
    configureRepo(join(root, "vendor", "lib"));
    commitAll(root);
    const clean = await capture(root);
    writeFile(root, "vendor/lib/lib.py", "two");
    const edited = await capture(root);
    commitAll(join(root, "vendor", "lib"));
    const committedInside = await capture(root);
    commitAll(root);
    const committed = await capture(root);
    initRepo(join(root, "extra"));
    writeFile(root, "extra/x.py", "x");
    const extra = await capture(root);

    expect(clean.dirty).toBe(false);
    expect(textIn(root, clean.tree, "vendor/lib/lib.py")).toBe("one");
    expect(edited.dirty).toBe(true);
    expect(textIn(root, edited.tree, "vendor/lib/lib.py")).toBe("two");
    expect([committedInside.tree, committed.tree]).toEqual([edited.tree, edited.tree]);
    expect([committedInside.dirty, committed.dirty]).toEqual([true, false]);
    expect(textIn(root, extra.tree, "extra/x.py")).toBe("x");
    expect(extra.dirty).toBe(true);
  });

  it("stores what a filter makes of a file, and refuses when a filter that is needed fails", async () => {
    const root = makeRepo();
    git(root, "config", "filter.upper.clean", "tr a-z A-Z");
    git(root, "config", "filter.upper.required", "true");
    writeFile(root, ".gitattributes", "*.txt filter=upper\n");
    writeFile(root, "a.txt", "abc\n");
    expect(textIn(root, (await capture(root)).tree, "a.txt")).toBe("ABC\n");

    git(root, "config", "filter.upper.clean", "false");
    writeFile(root, "a.txt", "abcd\n");
    expect(await refusal(root)).toMatch(/^git update-index failed with exit code 128: .*a\.txt/);
  });

  it("refuses to put data into git that somebody forgot to ignore", async () => {
    const root = makeRepo();
    writeFile(root, "weights.bin", "x".repeat(3 * 1024 ** 2));

    const code = await captureWorkTree(root, { ownFolders: OWN, maxNewBytes: 1024 ** 2 });

    expect(code).toEqual({
      unkeyed:
        'files that are not committed have 3 MiB, "weights.bin" alone 3 MiB, and git would store them all: let .gitignore name data, or narrow the code by paths',
    });
    expect(git(root, "count-objects")).toMatch(/^[0-9]{1,2} objects/);
  });

  it("says why there is no identity outside a repository, in a bare one, and in a damaged one", async () => {
    const outside = tempDir();
    const bare = tempDir();
    git(bare, "init", "--quiet", "--bare");
    const damaged = makeRepo();
    writeFileSync(join(damaged, ".git", "index"), "nonsense");

    expect(await refusal(outside)).toMatch(/^git rev-parse failed with exit code 128: fatal: not a git repository/);
    expect(await refusal(bare)).toMatch(/is in no work tree|must be run in a work tree/);
    expect(await refusal(damaged)).toMatch(/^git ls-files failed with exit code 128: /);
  });

  it("survives the user's own settings", async () => {
    const root = makeRepo();
    const plain = await capture(root);
    const hook = join(root, ".git", "hooks", "post-index-change");
    mkdirSync(join(root, ".git", "hooks"), { recursive: true });
    writeFileSync(hook, `#!/bin/sh\ntouch '${root}/hook-ran'\n`, { mode: 0o755 });
    for (const [key, value] of Object.entries({
      "core.fsmonitor": "false-program",
      "core.splitIndex": "true",
      "core.untrackedCache": "true",
      "core.trustctime": "false",
      "core.checkStat": "minimal",
      "submodule.recurse": "true",
      "diff.noprefix": "true",
      "status.showUntrackedFiles": "no",
      "core.quotePath": "true",
      "color.ui": "always",
    })) {
      git(root, "config", key, value);
    }
    git(root, "-c", "core.hooksPath=/dev/null", "-c", "core.fsmonitor=false", "update-index", "--split-index");

    expect(await capture(root)).toEqual(plain);
    expect(existsSync(join(root, "hook-ran"))).toBe(false);
    const { mtime } = statSync(join(root, "train.py"));
    writeFile(root, "train.py", "PRINT(1)\n");
    utimesSync(join(root, "train.py"), mtime, mtime);
    expect((await capture(root)).tree).not.toBe(plain.tree);
  });

  it("is what a commit of everything would hold, whatever was done before", async () => {
    const path = fc.constantFrom("a", "b", "d/a", "d/b", "d/e/a", "kb2/x", "data/x");
    const act = fc.record({ path, what: fc.constantFrom("write", "remove", "stage", "unstage", "commit") });
    await fc.assert(
      fc.asyncProperty(fc.array(act, { maxLength: 12 }), async (acts) => {
        const root = makeRepo();
        for (const [index, { path: name, what }] of acts.entries()) {
          if (what === "write") writeOver(root, name, `${index}\n`);
          if (what === "remove") rmSync(join(root, name), { recursive: true, force: true });
          if (what === "stage") git(root, "add", "--all");
          if (what === "unstage") git(root, "reset", "--quiet");
          if (what === "commit") git(root, "commit", "--quiet", "--allow-empty", "--message", "Some");
        }

        const before = await capture(root);
        commitAll(root);

        expect(before.tree).toBe(git(root, "rev-parse", "HEAD^{tree}"));
        expect(await capture(root)).toEqual({ ...before, commit: git(root, "rev-parse", "HEAD"), dirty: false });
      }),
      { numRuns: 15 },
    );
  });

  it("gives the same tree to many that ask at once", async () => {
    const root = makeRepo();
    for (let index = 0; index < 50; index += 1) writeFile(root, `new/${index}.py`, `${index}`);

    const trees = await Promise.all(Array.from({ length: 6 }, async () => (await capture(root)).tree));

    expect(new Set(trees).size).toBe(1);
    expect(readdirSync(join(root, ".git")).some((name) => name.startsWith("aexp-index-"))).toBe(false);
  });
});

/** The number of a process that has ended. */
function pidOfEnded(): number {
  return Number(execFileSync("sh", ["-c", "echo $$"], { encoding: "utf8" }));
}

/** The name that an index of this process would have. */
function ownIndexName(root: string): string {
  using index = new IndexFile(join(root, ".git"));
  return index.path.slice(join(root, ".git").length + 1);
}
