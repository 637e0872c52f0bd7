import fc from "fast-check";
import { execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";

import { type HashOptions, hashTree, TreeHasher } from "../../src/output/fs/hash-tree.ts";
import { anyTree, createTree, neighboursOf, stepsOf, type TreeNode, type TreeSpec } from "../helpers/output-trees.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const PROGRAM = join(import.meta.dirname, "..", "fixtures", "programs", "hash-tree.ts");
const MIB = 1024 * 1024;

describe("the digest of content", () => {
  it("tells apart what differs in one name, type or bit only", async () => {
    const file: TreeNode = { type: "file", content: "x", isExecutable: false };
    const trees: readonly TreeSpec[] = [
      new Map([["a\tb", file]]),
      new Map([["a\nb", file]]),
      new Map([["a\u00ffb", file]]),
      new Map([["a\u00feb", file]]),
      new Map([["a b", file]]),
      new Map<string, TreeNode>([["a b", { ...file, isExecutable: true }]]),
      new Map<string, TreeNode>([["a b", { type: "link", target: "x" }]]),
      new Map<string, TreeNode>([["a b", { type: "folder", entries: new Map() }]]),
      new Map<string, TreeNode>([["a b", { type: "folder", entries: new Map([["x", file]]) }]]),
      new Map(),
    ];
    const place = tempDir();

    const digests = await Promise.all(trees.map((tree, index) => digestOf(tree, join(place, String(index)))));

    expect(new Set(digests).size).toBe(trees.length);
  });

  it("tells a file from a folder with that one file", async () => {
    const place = tempDir();
    mkdirSync(join(place, "folder"));
    writeFileSync(join(place, "folder", "file"), "x");
    writeFileSync(join(place, "file"), "x");

    const file = await hashTree(join(place, "file"));
    const folder = await hashTree(join(place, "folder"));

    expect(file).toMatchObject({ bytes: 1, files: 1 });
    expect(folder).toMatchObject({ bytes: 1, files: 1 });
    expect(folder.digest).not.toBe(file.digest);
  });

  it("stays the same in a copy, in an archive, under another name, and when times and permissions change", async () => {
    const place = tempDir();
    const tree = join(place, "tree");
    createTree(tree, stepsOf(ODD_TREE));
    const { digest } = await hashTree(tree);

    execFileSync("cp", ["-a", tree, join(place, "copy")]);
    mkdirSync(join(place, "unpacked"));
    execFileSync("tar", ["-cf", join(place, "tree.tar"), "-C", place, "tree"]);
    execFileSync("tar", ["-xf", join(place, "tree.tar"), "-C", join(place, "unpacked")]);
    renameSync(tree, join(place, "renamed"));
    chmodSync(join(place, "renamed", "plain"), 0o600);
    utimesSync(join(place, "renamed", "plain"), 1, 1);

    for (const copy of ["copy", "unpacked/tree", "renamed"])
      expect({ copy, digest: (await hashTree(join(place, copy))).digest }).toEqual({ copy, digest });
  });

  it("stays the same in a clone by git, which knows no empty folders", async () => {
    const place = tempDir();
    const repo = initRepo(join(place, "repo"));
    const tree = new Map(ODD_TREE);
    tree.delete("empty");
    createTree(join(repo, "tree"), stepsOf(tree));
    git(repo, "add", "--all");
    git(repo, "commit", "--quiet", "--message", "A tree");
    git(place, "clone", "--quiet", repo, "clone");

    const original = await hashTree(join(repo, "tree"));
    const clone = await hashTree(join(place, "clone", "tree"));

    expect(clone.digest).toBe(original.digest);
  });

  it("is what the program in the documentation computes", async () => {
    const place = tempDir();
    const page = readFileSync(join(import.meta.dirname, "..", "..", "docs", "outputs.md"), "utf8");
    const program = /```python\n([^]*?)```/.exec(page)?.[1] ?? "";
    writeFileSync(join(place, "digest.py"), program);
    createTree(join(place, "tree"), stepsOf(ODD_TREE));
    mkdirSync(join(place, "nothing"));

    for (const path of ["tree", "tree/plain", "nothing"]) {
      const printed = execFileSync("python3", [join(place, "digest.py"), join(place, path)], { encoding: "utf8" });
      expect(printed).toBe(`${(await hashTree(join(place, path))).digest}\n`);
    }
  });

  it("does not depend on the order in which things are created", async () => {
    const place = tempDir();
    const orders = anyTree().chain((tree) => {
      const steps = stepsOf(tree);
      const shuffled = fc.shuffledSubarray([...steps], { minLength: steps.length });
      return fc.tuple(fc.constant(steps), shuffled);
    });

    await fc.assert(
      fc.asyncProperty(orders, async ([steps, shuffled]) => {
        const folder = mkdtempSync(join(place, "order-"));
        createTree(join(folder, "left"), steps);
        createTree(join(folder, "right"), shuffled);

        const left = await hashTree(join(folder, "left"));
        const right = await hashTree(join(folder, "right"));
        rmSync(folder, { recursive: true });

        expect(right.digest).toBe(left.digest);
      }),
      { numRuns: 40 },
    );
  });

  it("changes with any single change", async () => {
    const place = tempDir();

    await fc.assert(
      fc.asyncProperty(anyTree(), fc.nat(100), async (tree, offset) => {
        const folder = mkdtempSync(join(place, "change-"));
        const neighbours = neighboursOf(tree);
        const start = offset % neighbours.length;
        const trees = [tree, ...neighbours.slice(start, start + 8)];
        const digests = await Promise.all(trees.map((other, index) => digestOf(other, join(folder, String(index)))));
        rmSync(folder, { recursive: true });

        expect(digests.slice(1)).not.toContain(digests[0]);
      }),
      { numRuns: 40 },
    );
  });

  it("does not depend on the number of threads", async () => {
    const place = tempDir();
    const sizes = fc.array(fc.integer({ min: 0, max: 6 * MIB }), { minLength: 2, maxLength: 8 });

    await fc.assert(
      fc.asyncProperty(sizes, anyTree(), async (extra, tree) => {
        const folder = join(mkdtempSync(join(place, "threads-")), "tree");
        createTree(folder, stepsOf(tree));
        // Enough for threads to be worth while. What is not written takes no room on the disk.
        for (const [index, size] of [33 * MIB, ...extra].entries()) {
          writeFileSync(join(folder, `large ${index}`), String(index));
          truncateSync(join(folder, `large ${index}`), size);
        }
        const identities = [];
        for (const threads of [0, 1, 3]) {
          await using hasher = new TreeHasher(threads);
          identities.push(await hasher.hash(folder));
        }
        rmSync(folder, { recursive: true });

        expect(new Set(identities.map((identity) => JSON.stringify(identity))).size).toBe(1);
      }),
      { numRuns: 5 },
    );
  });
});

describe("the digest of places, sizes and times", () => {
  it("is of another kind than one of content, and differs between two copies", async () => {
    const place = tempDir();
    createTree(join(place, "tree"), stepsOf(ODD_TREE));
    execFileSync("cp", ["-a", join(place, "tree"), join(place, "copy")]);

    const original = await hashTree(join(place, "tree"), { hash: "stat" });
    const again = await hashTree(join(place, "tree"), { hash: "stat" });
    const copy = await hashTree(join(place, "copy"), { hash: "stat" });
    const content = await hashTree(join(place, "tree"));

    expect(original.digest).toMatch(/^stat:[0-9a-f]{64}$/);
    expect(again).toEqual(original);
    expect(copy.digest).not.toBe(original.digest);
    expect(copy.stats).toBe(original.stats);
    expect(content).toEqual({ ...original, digest: content.digest });
    expect(content.digest).toMatch(/^sha256:[0-9a-f]{64}$/);
  });

  it("changes when a file is written in place or made executable, and when a link is turned", async () => {
    const place = tempDir();
    const tree = join(place, "tree");
    createTree(tree, stepsOf(ODD_TREE));
    const seen = new Set<string>();
    const look = async (): Promise<unknown> => seen.add((await hashTree(tree, { hash: "stat" })).stats);

    await look();
    utimesSync(join(tree, "plain"), 1000, 1000);
    await look();
    chmodSync(join(tree, "plain"), 0o700);
    await look();
    rmSync(join(tree, "link"));
    symlinkSync("empty", join(tree, "link"));
    await look();

    expect(seen.size).toBe(4);
  });
});

describe("links", () => {
  it.each([
    ["to a parent", "deep/link", "../../elsewhere"],
    ["that is absolute", "link", "/etc/passwd"],
    ["to a folder whose name only begins in the same way", "link", "../tree-of-others"],
  ])("refuses one %s", async (_, path, target) => {
    const tree = join(tempDir(), "tree");
    mkdirSync(join(tree, "deep"), { recursive: true });
    symlinkSync(target, join(tree, path));

    await expect(hashTree(tree)).rejects.toThrow(
      expect.objectContaining({ code: "output.link_outside", message: expect.stringContaining(join(tree, path)) }),
    );
    await expect(hashTree(tree, { hash: "stat" })).rejects.toThrow(
      expect.objectContaining({ code: "output.link_outside" }),
    );
  });

  it("refuses one that leaves by way of another link, though its text does not", async () => {
    const tree = join(tempDir(), "tree");
    mkdirSync(tree);
    writeFileSync(join(tree, "..", "secret"), "x");
    symlinkSync(".", join(tree, "here"));
    symlinkSync("here/../secret", join(tree, "secret"));

    await expect(hashTree(tree)).rejects.toThrow(expect.objectContaining({ code: "output.link_outside" }));
  });

  it("accepts those that stay inside, lead to nothing or in circles, and does not follow them", async () => {
    const tree = join(tempDir(), "tree");
    mkdirSync(join(tree, "deep"), { recursive: true });
    writeFileSync(join(tree, "file"), "x");
    symlinkSync("../file", join(tree, "deep", "up"));
    symlinkSync("nothing", join(tree, "broken"));
    symlinkSync("circle", join(tree, "circle"));
    symlinkSync(".", join(tree, "self"));
    symlinkSync(join(tree, "file"), join(tree, "absolute"));

    expect(await hashTree(tree)).toMatchObject({ files: 1, bytes: 1 });
  });

  it("follows the path that is asked for", async () => {
    const place = tempDir();
    writeFileSync(join(place, "file"), "x");
    symlinkSync("file", join(place, "link"));

    expect(await hashTree(join(place, "link"))).toEqual(await hashTree(join(place, "file")));
  });
});

describe("what cannot be hashed", () => {
  it("refuses a pipe and a socket, by name", async () => {
    const place = tempDir();
    const [pipe, socket] = [join(place, "with-pipe"), join(place, "with-socket")];
    mkdirSync(pipe);
    mkdirSync(socket);
    execFileSync("mkfifo", [join(pipe, "a pipe")]);
    const server = createServer();
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(join(socket, "a socket"), resolve));

    await expect(hashTree(pipe)).rejects.toThrow(/a pipe" is a pipe/);
    await expect(hashTree(socket)).rejects.toThrow(/a socket" is a socket/);
    await expect(hashTree("/dev/null")).rejects.toThrow(
      expect.objectContaining({ code: "output.special_file", message: expect.stringContaining("a device") }),
    );
  });

  it("says that there is nothing", async () => {
    await expect(hashTree(join(tempDir(), "nothing"))).rejects.toThrow(
      expect.objectContaining({ code: "output.not_found" }),
    );
  });

  it.each([
    ["file", "secret"],
    ["folder", "closed"],
  ])("names the %s that may not be read", (_, name) => {
    const place = tempDir();
    chmodSync(place, 0o755);
    writeFileSync(join(place, "a"), "x");
    writeFileSync(join(place, "secret"), "x");
    mkdirSync(join(place, "closed"));
    chmodSync(join(place, name), 0o000);

    expect(hashAsNobody(place)).toMatchObject({
      code: "output.unreadable",
      message: expect.stringMatching(new RegExp(`/${name}" cannot be read: EACCES: permission denied$`)),
    });
  });
});

describe("a change during the work", () => {
  it("is noticed in the file that is read, which is then read once more", async () => {
    const path = join(tempDir(), "file");
    writeFileSync(path, Buffer.alloc(MIB));
    let changes = 0;

    const identity = await hashHere(path, () => {
      if (changes++ === 0) appendFileSync(path, "more");
    });

    expect(identity).toEqual(await hashTree(path));
    expect(identity.bytes).toBe(MIB + 4);
  });

  it("is an error when it goes on, and the reading of a file that grows has an end", async () => {
    const path = join(tempDir(), "file");
    writeFileSync(path, Buffer.alloc(MIB));

    await expect(hashHere(path, () => appendFileSync(path, Buffer.alloc(MIB)))).rejects.toThrow(
      expect.objectContaining({ code: "output.changed_while_hashing", message: expect.stringContaining(path) }),
    );
  });

  it("is noticed in a file that was read before, and in one that goes or comes", async () => {
    const place = tempDir();
    for (const change of [
      (tree: string) => appendFileSync(join(tree, "1"), "more"),
      (tree: string) => rmSync(join(tree, "1")),
      (tree: string) => rmSync(join(tree, "3")),
      (tree: string) => writeFileSync(join(tree, "0"), "new"),
      (tree: string) => chmodSync(join(tree, "1"), 0o755),
      (tree: string) => renameSync(join(tree, "3"), join(tree, "4")),
    ]) {
      const tree = mkdtempSync(join(place, "tree-"));
      for (const name of ["1", "2", "3"]) writeFileSync(join(tree, name), name);
      let reads = 0;

      const identity = await hashHere(tree, () => {
        reads += 1;
        if (reads === 2) change(tree);
      });

      expect(identity).toEqual(await hashTree(tree));
      expect(reads).toBeGreaterThan(3);
    }
  });

  it("is an error when the tree never rests", async () => {
    const tree = tempDir();
    for (const name of ["1", "2", "3"]) writeFileSync(join(tree, name), name);
    let reads = 0;

    const hashing = hashHere(tree, () => writeFileSync(join(tree, `new-${(reads += 1)}`), "x"));

    await expect(hashing).rejects.toThrow(expect.objectContaining({ code: "output.changed_while_hashing" }));
  });
});

describe("a long piece of work", () => {
  it("ends as soon as it is no longer wanted, with threads and without", async () => {
    const path = join(tempDir(), "large");
    writeFileSync(path, "");
    truncateSync(path, 1024 * MIB);
    for (const threads of [0, 2]) {
      await using hasher = new TreeHasher(threads);
      const controller = new AbortController();
      let read = 0;

      const hashing = hasher.hash(path, {
        signal: controller.signal,
        onProgress: ({ bytes: count }) => {
          read = count;
          controller.abort(new Error("enough"));
        },
      });

      await expect(hashing).rejects.toThrow("enough");
      expect(read).toBeGreaterThan(0);
      expect(read).toBeLessThan(1024 * MIB);
      await expect(hasher.hash(path, { signal: controller.signal })).rejects.toThrow("enough");
    }
  });

  it("lets other things have their turn", async () => {
    const path = join(tempDir(), "large");
    writeFileSync(path, "");
    truncateSync(path, 256 * MIB);
    let turns = 0;
    const timer = setInterval(() => (turns += 1), 1);

    await hashHere(path, () => undefined);
    clearInterval(timer);

    expect(turns).toBeGreaterThan(0);
  });

  it("needs few descriptors and little memory for many files", { timeout: 240_000 }, () => {
    const place = tempDir();
    const many = join(place, "many");
    for (let folder = 0; folder < 20; folder++) {
      const path = join(many, String(folder));
      mkdirSync(path, { recursive: true });
      for (let file = 0; file < 500; file++) writeFileSync(join(path, `file-${file}`), String(file));
    }
    mkdirSync(join(place, "none"));

    const full = hashWithFewDescriptors(many);
    const none = hashWithFewDescriptors(join(place, "none"));

    expect(full.result).toMatchObject({ files: 10_000 });
    expect((full.peakKiB - none.peakKiB) / 1024).toBeLessThan(200);
  });
});

/** All that makes digests differ between programs that are not careful. */
const ODD_TREE: TreeSpec = new Map<string, TreeNode>([
  ["plain", { type: "file", content: "plain\n", isExecutable: false }],
  ["run.sh", { type: "file", content: "#!/bin/sh\n", isExecutable: true }],
  ["run", { type: "folder", entries: new Map([["x", { type: "file", content: "", isExecutable: false }]]) }],
  ["run-1", { type: "file", content: "1", isExecutable: false }],
  ["tab\tand\nline", { type: "file", content: "\u0000\u00ff", isExecutable: false }],
  ["no utf-8 \u00ff\u00fe", { type: "file", content: "x", isExecutable: false }],
  ["\u00c3\u00a9", { type: "file", content: "x", isExecutable: false }],
  ["empty", { type: "folder", entries: new Map() }],
  ["link", { type: "link", target: "run/x" }],
  ["link to nothing", { type: "link", target: "\u00ff" }],
]);

async function digestOf(tree: TreeSpec, root: string): Promise<string> {
  createTree(root, stepsOf(tree));
  return (await hashTree(root)).digest;
}

/** In this thread, so that what is done at each progress is done in the middle of the work. */
async function hashHere(path: string, onProgress: HashOptions["onProgress"] & {}): ReturnType<typeof hashTree> {
  await using hasher = new TreeHasher(0);
  return await hasher.hash(path, { onProgress });
}

/** Root may read everything, so there it is done as nobody. */
function hashAsNobody(path: string): unknown {
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const { stdout, stderr } = spawnSync(process.execPath, [PROGRAM, path], { ...nobody, encoding: "utf8" });
  expect(stderr).toBe("");
  const { result }: { result: unknown } = JSON.parse(stdout);
  return result;
}

function hashWithFewDescriptors(path: string): { readonly result: unknown; readonly peakKiB: number } {
  const line = 'ulimit -n 100; exec "$0" "$@"';
  const output = execFileSync("sh", ["-c", line, process.execPath, PROGRAM, path], { encoding: "utf8" });
  const measured: { readonly result: unknown; readonly peakKiB: number } = JSON.parse(output);
  return measured;
}
