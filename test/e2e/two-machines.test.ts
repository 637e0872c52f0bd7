import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { configureRepo, git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

/** A bare remote and two clones of it, both installed. */
async function makeMachines(): Promise<{ cluster: string; laptop: string }> {
  const place = tempDir();
  git(place, "init", "--quiet", "--bare", "--initial-branch=main", "remote.git");
  const cluster = initRepo(join(place, "cluster"));
  git(cluster, "remote", "add", "origin", join(place, "remote.git"));
  git(cluster, "commit", "--quiet", "--allow-empty", "--message", "Start");
  git(cluster, "push", "--quiet", "--set-upstream", "origin", "main");
  git(place, "clone", "--quiet", "remote.git", "laptop");
  const laptop = join(place, "laptop");
  configureRepo(laptop);
  await succeed(cluster, "install", "--machine-label", "cluster");
  await succeed(cluster, "hypothesis", "new", "--title", "Small steps");
  await succeed(cluster, "experiment", "new", "--title", "Sweep", "--hypothesis", "H001");
  await succeed(cluster, "sync");
  await succeed(laptop, "sync");
  await succeed(laptop, "install", "--machine-label", "laptop");
  return { cluster, laptop };
}

async function succeed(root: string, ...argv: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCli(root, argv);
  if (exitCode !== 0) throw new Error(`aexp ${argv.join(" ")} ended with exit code ${exitCode}: ${stderr}${stdout}`);
  return stdout;
}

async function execute(root: string, lr: string, script = "true"): Promise<string> {
  const argv = ["run", "--no-commit", "--experiment", "E001", "--hypothesis", "H001", "--sp", `lr=${lr}`];
  await runCli(root, [...argv, "--", "sh", "-c", script]);
  const { stdout } = await runCli(root, [...argv, "--name-only"]);
  return stdout.trim();
}

describe("two machines", () => {
  it("prove on one that the runs of the other exist", async () => {
    const { cluster, laptop } = await makeMachines();
    const runs = [await execute(cluster, "0.1"), await execute(cluster, "1.0")];
    await succeed(cluster, "sync");

    git(laptop, "pull", "--quiet");
    const cite = runs.flatMap((id) => ["--cite", id]);
    await succeed(laptop, "finding", "new", "--title", "It works", "--experiment", "E001", ...cite);

    expect(await succeed(laptop, "validate")).toMatch(
      /^0 errors, 0 warnings \(0 runs, 2 ledger entries, 1 finding, \d notes checked\)\n$/,
    );
    const finding = join(laptop, "kb/research/findings/F001-it-works.md");
    writeFileSync(finding, readFileSync(finding, "utf8").replace(runs[0] ?? "", "0123456789abcdef0123456789abcdef"));
    expect((await runCli(laptop, ["validate"])).exitCode).toBe(1);
    expect(await succeed(laptop, "validate", "--strict-runs", "warn")).toContain("0 errors, 1 warning");
  });

  it("keep both outcomes of a run that both of them finished, whoever syncs first", async () => {
    const { cluster, laptop } = await makeMachines();
    const id = await execute(cluster, "0.1", "exit 3");
    expect(await execute(laptop, "0.1", "true")).toBe(id);

    await succeed(cluster, "sync");
    await succeed(laptop, "sync");
    await succeed(cluster, "sync");

    const here = await runCliJson(cluster, ["ledger", "show", id]);
    expect(await runCliJson(laptop, ["ledger", "show", id])).toEqual(here);
    const text = JSON.stringify(here);
    for (const word of ["cluster", "laptop", "failed", "complete", "other_attempts"]) expect(text).toContain(word);
    expect(git(cluster, "status", "--porcelain")).toBe("");
    expect(git(laptop, "rev-parse", "HEAD")).toBe(git(cluster, "rev-parse", "HEAD"));
  });
});
