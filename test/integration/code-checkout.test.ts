import { execFileSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { isTreeId, type TreeId } from "../../src/code/code-identity.ts";
import { GitCodeStore } from "../../src/code/program/git-code-store.ts";
import { GitReproductionPlaces } from "../../src/code/program/git-reproduction-places.ts";
import { parseJobId } from "../../src/run/job-id.ts";
import { writeFile } from "../helpers/clones.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { startNode } from "../helpers/node-process.ts";
import { tempDir } from "../helpers/temp-dir.ts";
import { waitUntil } from "../helpers/wait-until.ts";

const OWN = [".aexp", "kb", ".runs"];

function makeRepo(files: Readonly<Record<string, string>> = { "train.py": "print(1)\n", "lib/a.py": "a\n" }): string {
  const root = initRepo(join(tempDir(), "repo"));
  writeFile(root, ".gitignore", ".aexp/*\n");
  for (const [path, text] of Object.entries(files)) writeFile(root, path, text);
  return root;
}

/** The work tree as a tree, and where it is kept and checked out. */
async function capture(root: string): Promise<{ store: GitCodeStore; tree: TreeId }> {
  const store = new GitCodeStore(root, OWN);
  const code = await store.captureCode();
  if ("unkeyed" in code) throw new Error(code.unkeyed);
  return { store, tree: code.tree };
}

function checkouts(root: string): string[] {
  return readdirSync(join(root, ".aexp", "checkouts")).toSorted();
}

function isLock(name: string): boolean {
  return name.endsWith(".lock");
}

/** The number of a process that has ended. */
function pidOfEnded(): number {
  return Number(execFileSync("sh", ["-c", "echo $$"], { encoding: "utf8" }));
}

describe("kept trees", () => {
  it("survive git's clean-up until they are given up, and no push takes them along", async () => {
    const root = makeRepo();
    const remote = join(tempDir(), "remote.git");
    git(root, "init", "--quiet", "--bare", remote);
    git(root, "remote", "add", "origin", remote);
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Start");
    const { store, tree } = await capture(root);
    writeFile(root, "train.py", "print(2)\n");
    const { tree: other } = await capture(root);
    await store.keepTree(tree);
    await store.keepTree(tree);
    rmSync(join(root, "train.py"));

    git(root, "gc", "--quiet", "--prune=now");
    git(root, "push", "--quiet", "--all", "origin");

    expect(git(root, "cat-file", "-p", `${tree}:train.py`)).toBe("print(1)");
    expect(() => git(root, "cat-file", "-e", other)).toThrow(/Command failed/);
    expect(git(remote, "for-each-ref", "--format=%(refname)")).toBe("refs/heads/main");
    expect(git(root, "log", "--all", "--oneline").split("\n")).toHaveLength(1);
    expect(await store.keptTrees()).toEqual([tree]);
    expect(await store.pruneTrees(new Set([tree]))).toEqual([]);
    expect(await store.pruneTrees(new Set())).toEqual([tree]);
    git(root, "gc", "--quiet", "--prune=now");
    expect(() => git(root, "cat-file", "-e", tree)).toThrow(/Command failed/);
    await expect(store.keepTree(tree)).rejects.toThrow(expect.objectContaining({ code: "code.unavailable" }));
  });
});

describe("openCheckout", () => {
  it("holds exactly the tree, whatever became of the work tree", async () => {
    const root = makeRepo({ "a b/ü.py": "x\n", "run.sh": "#!/bin/sh\n" });
    chmodSync(join(root, "run.sh"), 0o755);
    symlinkSync("run.sh", join(root, "link"));
    const { store, tree } = await capture(root);
    writeFile(root, "run.sh", "changed\n");
    writeFile(root, "new.py", "new\n");

    const path = await store.openCheckout(tree);

    expect(path).toBe(join(root, ".aexp", "checkouts", tree));
    expect(readdirSync(path).toSorted()).toEqual([".gitignore", "a b", "link", "run.sh"]);
    expect(readFileSync(join(path, "run.sh"), "utf8")).toBe("#!/bin/sh\n");
    expect(readlinkSync(join(path, "link"))).toBe("run.sh");
    expect([lstatSync(path).mode & 0o777, statSync(join(path, "run.sh")).mode & 0o777]).toEqual([0o555, 0o555]);
    expect(statSync(join(path, "a b", "ü.py")).mode & 0o777).toBe(0o444);
    expect(git(root, "status", "--porcelain")).not.toContain(".aexp");
    await store.pruneCheckouts(new Set());
  });

  it("is made once, and not again as long as nobody changes it", async () => {
    const { store, tree } = await capture(makeRepo());
    const path = await store.openCheckout(tree);
    const { ino } = statSync(path);
    mkdirSync(join(path, "lib", "__pycache__"), { recursive: true });
    writeFileSync(join(path, "lib", "__pycache__", "a.pyc"), "compiled");

    await store.openCheckout(tree);

    expect(statSync(path).ino).toBe(ino);
    expect(store.verifyCheckout(tree)).toBe("sound");
    await store.pruneCheckouts(new Set());
  });

  it.each([
    { how: "edited", change: (path: string) => writeFileSync(join(path, "train.py"), "PRINT(1)\n") },
    { how: "given a new file", change: (path: string) => writeFileSync(join(path, "lib", "new.py"), "") },
    { how: "robbed of a file", change: (path: string) => rmSync(join(path, "train.py")) },
    { how: "made executable", change: (path: string) => chmodSync(join(path, "train.py"), 0o555) },
  ])("is made again before the next use when it was $how", async ({ change }) => {
    const { store, tree } = await capture(makeRepo());
    const path = await store.openCheckout(tree);
    // As root, who may write everywhere.
    for (const folder of [path, join(path, "lib")]) chmodSync(folder, 0o755);
    chmodSync(join(path, "train.py"), 0o644);
    change(path);
    for (const folder of [path, join(path, "lib")]) chmodSync(folder, 0o555);

    expect(store.verifyCheckout(tree)).toBe("changed");
    await store.openCheckout(tree);

    expect(store.verifyCheckout(tree)).toBe("sound");
    expect(readFileSync(join(path, "train.py"), "utf8")).toBe("print(1)\n");
    expect(existsSync(join(path, "lib", "new.py"))).toBe(false);
    await store.pruneCheckouts(new Set());
  });

  it("is one for many that ask at once, in one process and in several", async () => {
    const root = makeRepo(
      Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`f${index}.py`, `${index}\n`])),
    );
    const { store, tree } = await capture(root);
    const others = Array.from({ length: 3 }, () => startNode("open-checkout.ts", [root, tree]));

    const paths = await Promise.all(
      Array.from({ length: 3 }, async () => await new GitCodeStore(root, OWN).openCheckout(tree)),
    );
    await Promise.all(others.map(({ ended }) => ended));

    expect(new Set([...paths, ...others.map(({ printed }) => printed())])).toEqual(new Set([paths[0]]));
    expect(readdirSync(paths[0] ?? "")).toHaveLength(201);
    expect(checkouts(root)).toEqual([tree, `${tree}.json`]);
    expect(store.verifyCheckout(tree)).toBe("sound");
    await store.pruneCheckouts(new Set());
  });

  it("is whole or absent when its maker is killed, whose leavings the next one removes", async () => {
    const root = makeRepo(Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`f${index}.py`, `${index}\n`])));
    // The filter keeps git in the middle of its work for as long as it takes to be killed there.
    const gate = join(tempDir(), "gate");
    writeFile(root, ".gitattributes", "f30.py filter=slow\n");
    const { store, tree } = await capture(root);
    git(root, "config", "filter.slow.smudge", `touch '${gate}'; while test -e '${gate}'; do sleep 0.01; done; cat`);
    const maker = startNode("open-checkout.ts", [root, tree]);
    await waitUntil("git to reach the file in the middle", () => existsSync(gate));

    maker.child.kill("SIGKILL");
    await maker.ended;
    expect(store.verifyCheckout(tree)).toBe("absent");
    expect(checkouts(root).some((name) => name.startsWith("making-"))).toBe(true);
    rmSync(gate);
    git(root, "config", "filter.slow.smudge", "cat");
    await waitUntil("the git of the killed maker to end", () => !readdirSync(join(root, ".git")).some(isLock));
    await store.openCheckout(tree);

    expect(store.verifyCheckout(tree)).toBe("sound");
    expect(checkouts(root)).toEqual([tree, `${tree}.json`]);
    await store.pruneCheckouts(new Set());
  });

  it("is made again when its maker was killed before it wrote down what it made", async () => {
    const { store, tree } = await capture(makeRepo());
    const path = await store.openCheckout(tree);
    const { ino } = statSync(path);
    rmSync(`${path}.json`);

    await store.openCheckout(tree);

    expect(statSync(path).ino).not.toBe(ino);
    await store.pruneCheckouts(new Set());
  });

  it("goes by the attributes of the tree and the filters of this clone", async () => {
    const root = makeRepo({ "a.txt": "abc\n", "b.txt": "x\n" });
    git(root, "config", "filter.shout.clean", "tr A-Z a-z");
    git(root, "config", "filter.shout.smudge", "tr a-z A-Z");
    writeFile(root, ".gitattributes", "a.txt filter=shout\nb.txt eol=crlf\n");
    const { store, tree } = await capture(root);
    writeFile(root, ".gitattributes", "");

    const path = await store.openCheckout(tree);

    expect(readFileSync(join(path, "a.txt"), "utf8")).toBe("ABC\n");
    expect(readFileSync(join(path, "b.txt"), "utf8")).toBe("x\r\n");
    await store.pruneCheckouts(new Set());
  });

  it("writes all files in a sparse clone, and is the root's folder where the root is a subfolder", async () => {
    const root = makeRepo({ "part/train.py": "t", "lib/a.py": "a" });
    git(root, "add", "--all");
    git(root, "commit", "--quiet", "--message", "Work");
    git(root, "sparse-checkout", "set", "--cone", "part");
    const { store, tree } = await capture(join(root, "part"));

    const path = await store.openCheckout(tree);

    expect(path).toBe(join(root, "part", ".aexp", "checkouts", tree, "part"));
    expect(readFileSync(join(path, "..", "lib", "a.py"), "utf8")).toBe("a");
    await store.pruneCheckouts(new Set());
  });

  it("works with SHA-256 as the repository's hash", async () => {
    const root = join(tempDir(), "repo");
    git(tempDir(), "init", "--quiet", "--object-format=sha256", root);
    writeFile(root, "train.py", "print(1)\n");
    const { store, tree } = await capture(root);

    expect(tree).toMatch(/^[0-9a-f]{64}$/);
    await store.keepTree(tree);
    expect(readFileSync(join(await store.openCheckout(tree), "train.py"), "utf8")).toBe("print(1)\n");
    expect(await store.pruneTrees(new Set())).toEqual([tree]);
    await store.pruneCheckouts(new Set());
  });

  it("refuses a tree that is not here, and one whose filter fails", async () => {
    const root = makeRepo();
    const { store } = await capture(root);
    const unknown = "0123456789abcdef0123456789abcdef01234567";
    if (!isTreeId(unknown)) throw new Error("no tree id");
    await expect(store.openCheckout(unknown)).rejects.toThrow(
      expect.objectContaining({ code: "code.unavailable", message: expect.stringContaining("0123456789ab is not in") }),
    );

    writeFile(root, ".gitattributes", "train.py filter=broken\n");
    const { tree } = await capture(root);
    git(root, "config", "filter.broken.smudge", "false");
    git(root, "config", "filter.broken.required", "true");
    await expect(store.openCheckout(tree)).rejects.toThrow(expect.objectContaining({ code: "git.failed" }));
    expect(checkouts(root)).toEqual([]);
  });

  it("refuses what a program writes beside its code", async () => {
    const { store, tree } = await capture(makeRepo());
    const path = await store.openCheckout(tree);
    chmodSync(join(path, "..", "..", "..", ".."), 0o755); // the test's own folder is only its user's
    const nobody = process.getuid?.() === 0 ? { uid: 65534, gid: 65534 } : {};
    const write = (script: string) => () => execFileSync("sh", ["-c", script], { cwd: path, stdio: "pipe", ...nobody });

    expect(write("echo x > out.txt")).toThrow(/[Pp]ermission denied/);
    expect(write("echo x >> train.py")).toThrow(/[Pp]ermission denied/);
    await store.pruneCheckouts(new Set());
  });
});

describe("GitReproductionPlaces", () => {
  it("gives the files of a tree that no commit has, and goes without a trace", async () => {
    const root = makeRepo();
    const { tree } = await capture(root);
    rmSync(join(root, "train.py"));
    const places = new GitReproductionPlaces(root, async () => undefined);
    const jobId = parseJobId("0".repeat(32));
    const request = { jobId, startedAtMs: 0, code: { kind: "tree", tree }, statePoint: "{}" } as const;

    const [first, second] = await Promise.all([places.open(request), places.open(request)]);

    expect(readFileSync(join(first.root, "train.py"), "utf8")).toBe("print(1)\n");
    expect([first.has(join(second.root, "train.py")), first.folder === second.folder]).toEqual([true, false]);
    expect(git(first.root, "status", "--porcelain")).toBe("");
    writeFileSync(join(first.root, "made.txt"), "it may write there");
    await Promise.all([first.close("nothing"), second.close("nothing")]);
    expect(existsSync(join(root, ".aexp", "reproductions"))).toBe(false);
    expect(git(root, "worktree", "list").split("\n")).toHaveLength(1);
    expect(git(root, "for-each-ref")).toBe("");
  });
});

describe("pruneCheckouts", () => {
  it("deletes all but those that are kept, and what the killed left", async () => {
    const root = makeRepo();
    const { store, tree } = await capture(root);
    writeFile(root, "train.py", "print(2)\n");
    const { tree: other } = await capture(root);
    for (const one of [tree, other]) await store.openCheckout(one);
    const making = checkouts(root)[0] ?? "";
    mkdirSync(join(root, ".aexp", "checkouts", `making-00000000-${pidOfEnded()}-x`));
    expect(making).not.toBe("");

    expect(await store.pruneCheckouts(new Set([tree]))).toEqual([other]);

    expect(checkouts(root).filter((name) => !name.startsWith("making-"))).toEqual([tree, `${tree}.json`]);
    expect(await store.pruneCheckouts(new Set())).toEqual([tree]);
  });
});
