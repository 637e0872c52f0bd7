import { cpSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { checkRecordedInputs } from "../../src/app/recorded-inputs.ts";
import { work } from "../../src/app/work.ts";
import { TreeHasher } from "../../src/output/fs/hash-tree.ts";
import { parseInputRecords } from "../../src/pipeline/resolved-inputs.ts";
import { parseJobId } from "../../src/run/job-id.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { makeClones, writeFile } from "../helpers/clones.ts";
import { git } from "../helpers/git-repo.ts";
import { makeQueueProject } from "../helpers/queue-project.ts";
import { commitAll, execute, makeTraining, placesOf, TRAIN } from "../helpers/training.ts";

describe("aexp reproduce, on another machine", () => {
  it("needs the command, fills in the parameters, and compares with the ledger", async () => {
    const { clones } = await makeClones("laptop", "cluster");
    const [laptop = "", cluster = ""] = clones;
    writeFile(laptop, "train.sh", TRAIN);
    commitAll(laptop);
    const jobId = await execute(laptop, ["sh", "train.sh", "0.5"], "--sp", "lr=0.5");
    git(laptop, "add", "--all");
    git(laptop, "commit", "--quiet", "--message", "Ledger");
    git(laptop, "push", "--quiet", "origin", "HEAD");
    git(cluster, "fetch", "--quiet", "origin");
    git(cluster, "reset", "--quiet", "--hard", "origin/main");

    const refused = await runCli(cluster, ["reproduce", jobId]);
    const wrong = await runCli(cluster, ["reproduce", jobId, "--command", "sh train.sh {l}"]);
    const done = await runCliJson(cluster, ["reproduce", jobId, "--command", "sh train.sh {lr}"]);

    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toBe(
      `error: nothing says which command run ${jobId} executed here; its files are on laptop\n` +
        "  Give it: --command 'python3 train.py --lr {lr}'; the run's parameters go where their names stand.\n",
    );
    expect(wrong.stderr).toContain("the command has {l}, and the run has no such parameter");
    expect(done).toMatchObject({
      verdict: "same",
      notes: ["it ran on laptop, of which only its ledger entry is here"],
      metrics: [
        { name: "loss", result: "same" },
        { name: "step", result: "same" },
      ],
    });
  });

  it("refuses code that is not here, and changes that stayed where they were", async () => {
    const { clones } = await makeClones("laptop", "cluster");
    const [laptop = "", cluster = ""] = clones;
    writeFile(laptop, "train.sh", TRAIN);
    commitAll(laptop);
    const unpushed = await execute(laptop, ["sh", "train.sh", "1"], "--sp", "lr=1");
    writeFile(laptop, "train.sh", `# changed\n${TRAIN}`);
    const dirty = await execute(laptop, ["sh", "train.sh", "2"], "--sp", "lr=2");
    cpSync(join(laptop, ".aexp", "ledger"), join(cluster, ".aexp", "ledger"), { recursive: true });
    writeFile(cluster, "other.sh", "true\n");
    commitAll(cluster);
    const commit = git(laptop, "rev-parse", "HEAD");

    const absent = await runCli(cluster, ["reproduce", unpushed, "--command", "sh train.sh {lr}"]);
    const elsewhere = await runCli(cluster, ["reproduce", dirty, "--command", "sh train.sh {lr}"]);

    expect([absent.exitCode, elsewhere.exitCode]).toEqual([2, 2]);
    expect(absent.stderr).toMatch(
      new RegExp(`^error: ${commit.slice(0, 12)} is not in the repository .*\\n  Run \`git fetch`),
    );
    expect(elsewhere.stderr).toContain("it ran with changes that were not committed, and they are only on laptop");
    expect(elsewhere.stderr).toContain(`--commit ${commit}`);
    expect(placesOf(cluster)).toEqual([]);
  });
});

describe("aexp reproduce, refused", () => {
  it("refuses runs without an end of their own, and names the nearest run", async () => {
    const { root, repo } = await makeTraining();
    const created = await runCli(root, ["runs", "new", "--experiment", "E001", "--sp", "a=1", "--no-resolve"]);
    const jobId = parseJobId(created.stdout.trim().split(/\s+/)[0] ?? "");
    const refusal = async (id: string) => (await runCli(root, ["reproduce", id])).stderr.split("\n")[0];

    expect(await refusal(jobId)).toBe(`error: run ${jobId} is created: it has no end of its own to compare with`);
    await repo.runs.updateDocument(jobId, () => ({
      status: "stopped",
      reason: { code: "operator_stop", message: "Ctrl-C" },
    }));
    expect(await refusal(jobId)).toContain("is stopped (Ctrl-C): it has no end of its own");
    const source = "0123456789abcdef0123456789abcdef";
    await repo.runs.updateDocument(jobId, () => ({
      status: "complete",
      reason: { code: "cache_hit", because: source },
    }));
    expect(await refusal(jobId)).toBe(`error: run ${jobId} was not executed: its outputs are those of run ${source}`);
    const typo = `${jobId.slice(0, 20)}${jobId[20] === "0" ? "1" : "0"}${jobId.slice(21)}`;
    expect(await refusal(typo)).toContain(`Did you mean "${jobId}"?`);
  });

  it("refuses a run without a commit unless one is named", async () => {
    const { root } = await makeTraining();
    const jobId = await execute(root, ["sh", "train.sh", "1"], "--sp", "a=1", "--no-commit");

    const { exitCode, stderr } = await runCli(root, ["reproduce", jobId]);

    expect(exitCode).toBe(2);
    expect(stderr).toContain("it records no commit\n  Add --commit HEAD");
    expect(await runCliJson(root, ["reproduce", jobId, "--commit", "HEAD"])).toMatchObject({ verdict: "same" });
    expect((await runCli(root, ["reproduce", jobId, "--commit", "--all"])).stderr).toContain(
      "is not in the repository",
    );
  });

  it("refuses a run that began with another commit than it was queued with", async () => {
    const { root, ports, add, workerOptions, repo } = await makeQueueProject();
    writeFile(root, "train.sh", TRAIN);
    commitAll(root);
    const [jobId] = await add("--sp", "lr=1", "--command", "sh train.sh 1");
    if (jobId === undefined) throw new Error("nothing was queued");
    git(root, "commit", "--quiet", "--allow-empty", "--message", "Later");
    await work(repo, ports, workerOptions());

    const { exitCode, stderr } = await runCli(root, ["reproduce", jobId]);

    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/it began with other code than it was queued with: HEAD is [0-9a-f]{8}, and was/);
  });

  it("refuses inputs that are gone, or are not what they were", async () => {
    const { root, repo } = await makeTraining();
    const hasher = new TreeHasher();
    writeFile(root, "data/raw.csv", "1\n");
    const { digest, stats } = await hasher.hash(join(root, "data", "raw.csv"));
    const inputs = parseInputRecords([{ name: "raw", kind: "one", place: { path: "data/raw.csv" }, digest, stats }]);
    const check = async () => await checkRecordedInputs(repo, hasher, parseJobId("0".repeat(32)), inputs ?? new Map());

    await expect(check()).resolves.toBeUndefined();
    writeFile(root, "data/raw.csv", "2\n");
    await expect(check()).rejects.toThrow(expect.objectContaining({ code: "reproduce.input_changed" }));
    rmSync(join(root, "data", "raw.csv"));
    await expect(check()).rejects.toThrow(expect.objectContaining({ code: "reproduce.input_missing" }));
    await hasher[Symbol.asyncDispose]();
  });

  it("leaves nothing when the place cannot be made", async () => {
    const { root } = await makeTraining();
    const jobId = await execute(root, ["sh", "train.sh", "1"], "--sp", "a=1");
    writeFileSync(join(root, ".aexp", "reproductions"), "a file");

    const { exitCode, stderr } = await runCli(root, ["reproduce", jobId]);

    expect([exitCode === 0, git(root, "worktree", "list").split("\n")]).toEqual([false, [expect.anything()]]);
    expect(stderr).toContain("reproductions");
  });
});
