import { existsSync, mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { GitWorkTrees } from "../../src/git/program/git-work-trees.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeClones, writeFile } from "../helpers/clones.ts";
import { git } from "../helpers/git-repo.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";
import { startWorker } from "../helpers/worker-process.ts";

/** Two clones, of which the first has one commit more, and the work trees of the second. */
async function makeTwo() {
  const { clones } = await makeClones("one", "two");
  const [one = "", two = ""] = clones;
  writeFile(one, "word", "old\n");
  git(one, "add", "word");
  git(one, "commit", "--quiet", "--message", "Old");
  git(one, "push", "--quiet", "origin", "HEAD:main");
  git(two, "pull", "--quiet", "origin", "main");
  writeFile(one, "word", "new\n");
  git(one, "commit", "--quiet", "--all", "--message", "New");
  const folder = join(two, ".aexp", "checkouts");
  return {
    one,
    two,
    folder,
    commit: git(one, "rev-parse", "HEAD").trim(),
    workTrees: new GitWorkTrees(two, folder),
  };
}

describe("work trees of commits", () => {
  it("hold a commit that is fetched when it is missing, and leave the user's work tree alone", async () => {
    const { one, two, commit, workTrees } = await makeTwo();
    await expect(workTrees.open(commit)).rejects.toMatchObject({ code: "git.commit_missing" });
    git(one, "push", "--quiet", "origin", "HEAD:topic");

    const folder = await workTrees.open(commit);

    expect(readFileSync(join(folder, "word"), "utf8")).toBe("new\n");
    expect(readFileSync(join(two, "word"), "utf8")).toBe("old\n");
    expect(git(two, "status", "--porcelain", "--", "word", ".aexp/checkouts")).toBe("");
  });

  it("are made once, however many want them at once, and again after one was left half made", async () => {
    const { one, two, folder, commit, workTrees } = await makeTwo();
    git(one, "push", "--quiet", "origin", "HEAD:topic");
    mkdirSync(join(folder, `commit-${commit}`), { recursive: true });
    writeFileSync(join(folder, `commit-${commit}`, "word"), "half\n");

    const places = await Promise.all([1, 2, 3].map(async () => new GitWorkTrees(two, folder).open(commit)));

    expect(new Set(places).size).toBe(1);
    expect(readFileSync(join(places[0] ?? "", "word"), "utf8")).toBe("new\n");
    writeFileSync(join(places[0] ?? "", "made"), "by a run\n");
    expect(existsSync(join(await workTrees.open(commit), "made"))).toBe(true);
    rmSync(places[0] ?? "", { recursive: true });
    expect(existsSync(join(await workTrees.open(commit), "word"))).toBe(true);
  });

  it("go when they are old and nobody wants them", async () => {
    const { one, two, commit, workTrees } = await makeTwo();
    git(one, "push", "--quiet", "origin", "HEAD:topic");
    const folder = await workTrees.open(commit);
    const [keep, none] = [new Set([commit]), new Set<string>()];

    expect(await workTrees.prune({ keep: none, beforeMs: 0, dryRun: false })).toEqual([]);
    expect(await workTrees.prune({ keep, beforeMs: Infinity, dryRun: false })).toEqual([]);
    expect(await workTrees.prune({ keep: none, beforeMs: Infinity, dryRun: true })).toEqual([commit]);
    expect(existsSync(folder)).toBe(true);
    expect(await workTrees.prune({ keep: none, beforeMs: Infinity, dryRun: false })).toEqual([commit]);
    expect(existsSync(folder)).toBe(false);
    expect(git(two, "worktree", "list").trim().split("\n")).toHaveLength(1);
  });

  it.each(["--upload-pack=touch /tmp/x", "../../etc", "HEAD", "", "abc"])("refuse %j as a commit", async (commit) => {
    const { workTrees } = await makeTwo();

    await expect(workTrees.open(commit)).rejects.toMatchObject({ code: "git.commit_missing" });
  });
});

describe("aexp queue purge", () => {
  it("says which work trees of commits it removes, and nothing where there are none", async () => {
    const { root, add } = await makeQueueProject();
    const [id] = await add("--sp", "n=1", "--command", "true");
    await runCli(root, ["queue", "remove", `${id}`]);
    const commit = git(root, "rev-parse", "HEAD").trim();
    const purge = ["queue", "purge", "--older-than", "30d"];
    const nothing = (await runCli(root, purge)).stdout;
    const folder = join(root, ".aexp", "checkouts");
    await new GitWorkTrees(root, folder).open(commit);
    utimesSync(join(folder, `commit-${commit}.ready`), 0, 0);

    const dry = await runCli(root, [...purge, "--dry-run"]);
    const dryJson = await runCliJson(root, [...purge, "--dry-run"]);
    expect(existsSync(join(folder, `commit-${commit}`))).toBe(true);
    const done = await runCli(root, purge);

    expect(nothing).toBe("forgot 0 runs\n");
    expect(dry.stdout).toBe(`would forget 0 runs\nwould remove the work tree of commit ${commit.slice(0, 12)}\n`);
    expect(dryJson).toEqual({ dry_run: true, runs: [], freed_bytes: 0, work_trees: [commit] });
    expect(done.stdout).toBe(`forgot 0 runs\nremoved the work tree of commit ${commit.slice(0, 12)}\n`);
    expect(existsSync(join(folder, `commit-${commit}`))).toBe(false);
    expect(await runCliJson(root, purge)).toMatchObject({ work_trees: [] });
  });
});

describe("a worker with --checkout", () => {
  it("executes the code that was queued, whatever becomes of the work tree", async () => {
    const { root, repo, add } = await makeQueueProject();
    writeFile(root, "say.sh", 'echo committed > "$1/out.txt"; pwd >> "$1/out.txt"\n');
    git(root, "add", "say.sh");
    git(root, "commit", "--quiet", "--message", "Say");
    const [id] = await add("--sp", "n=1", "--command", "sh say.sh {workspace}");
    writeFile(root, "say.sh", "exit 1\n");
    if (id === undefined) throw new Error("nothing was queued");

    const worker = startWorker(root, { id: "worker", env: { TEST_CHECKOUT: "1" } });

    expect((await worker.ended).exitCode).toBe(0);
    const [word, folder] = readFileSync(join(repo.runs.workspaceOf(id), "out.txt"), "utf8").split("\n");
    expect(word).toBe("committed");
    expect(folder).toBe(join(root, ".aexp", "checkouts", `commit-${git(root, "rev-parse", "HEAD").trim()}`));
    expect(repo.runs.read(id).document.facts).toMatchObject({ status: "complete" });
    expect(repo.runs.read(id).document.facts.queue?.code_diff_summary).toBeUndefined();
  });
});
