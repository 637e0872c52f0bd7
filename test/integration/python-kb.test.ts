import { cpSync, globSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { NOTE_KINDS } from "../../src/kb/artifact.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

/** What the Python package made, frozen: see test/interop/make-python-kb.py. */
const FIXTURE = join(import.meta.dirname, "..", "fixtures", "python-kb");

/** A clone of the repository on the machine that made it, with everything committed. */
function pythonRepo(): string {
  const root = join(tempDir(), "project");
  cpSync(FIXTURE, root, { recursive: true });
  renameSync(join(root, "gitignore"), join(root, ".gitignore"));
  initRepo(root);
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "Made in Python");
  return root;
}

const notesOf = (root: string): Record<string, string> =>
  Object.fromEntries(
    globSync("kb/**/*.md", { cwd: root }).map((path) => [path, readFileSync(join(root, path), "utf8")]),
  );

describe("a repository of the Python package", () => {
  it("validates, but for a finding that cites nothing", async () => {
    const { stdout, stderr, exitCode } = await runCli(pythonRepo(), ["validate"]);

    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toMatchInlineSnapshot(`
      "warning finding.uncited kb/research/findings/F003-nothing-can-be-said-about-batches-yet.md the finding cites no run: add supporting_runs to its frontmatter
      0 errors, 1 warning (7 runs, 5 ledger entries, 3 findings, 16 notes checked)
      "
    `);
  });

  it("validates where only what is committed has arrived", async () => {
    const clone = join(tempDir(), "clone");
    git(tempDir(), "clone", "--quiet", pythonRepo(), clone);

    expect((await runCli(clone, ["validate"])).stdout).toMatch(/\n0 errors, 1 warning \(0 runs, 5 ledger entries/);
  });

  it("is listed whole: notes with their parents, runs with their links", async () => {
    const root = pythonRepo();
    const lists = ["thread", "hypothesis", "experiment", "finding", "literature", "review"];
    const notes: string[] = [];
    for (const list of lists) notes.push((await runCli(root, [list, "list"])).stdout);
    expect(notes.join("\n")).toMatchInlineSnapshot(`
      "id    status     title                               created
      T001  EXPLORING  What limits the speed of training?  2026-03-02
      T002  CLOSED     Is a larger model worth it?         2026-03-02

      id    status    title                                           parent  created
      H001  TESTING   A higher learning rate converges faster         T001    2026-03-02
      H002  PROPOSED  Batch size does not matter: naïve "rule" & all          2026-03-02
      H003  TESTING   Warm-up removes the gap                         T001    2026-03-02

      id    status    title                parent  runs                                    created
      E001  RUNNING   Learning rate sweep  H001    5 runs: 1 queued, 3 complete, 1 failed  2026-03-02
      E002  DESIGNED  Batch size pilot     H002    2 runs: 1 created, 1 abandoned          2026-03-02

      id    impact  title                                         parent     created
      F001  HIGH    0.03 reaches a loss of 0.2 in half the steps  H001 E001  2026-03-02
      F002  MEDIUM  High learning rates are stable                H001 E001  2026-03-02
      F003  LOW     Nothing can be said about batches yet         H002 E002  2026-03-02

      id    title
      L001  On warm-up

      id     title                          parent  created
      CR001  Challenge Review: F001         F001    2026-03-02
      SR001  Strategic Review: spring 2026  CR001   2026-03-02
      "
    `);

    const { stdout } = await runCli(root, ["runs", "list"]);
    expect(stdout).toMatchInlineSnapshot(`
      "id        experiment  lr     steps  tags        condition  seed  schedule.warmup  schedule.decay  clip   batch  note   status       started               duration     loss
      076b142b  E001        0.01   200    ["a", "b"]  baseline   1                                                           ◷ queued
      0b19ce27  E001        0.03   200                high       0     0                null            false                ✓ complete   2026-03-02T10:00:00Z     0.0 s      0.2
      39cfcf38  E002                                                                                           64            ∅ abandoned
      3ee1e081  E001        0.03   200                high       1     0                null            false                ✓ complete   2026-03-02T10:00:00Z     0.0 s  0.18438
      719ac637  E001        0.01   300    ["a", "b"]  baseline   0                                                           ✗ failed     2026-03-02T10:00:00Z     0.0 s
      83aceb5f  E002        1e-05                                                                              32     naïve  ○ created
      cc0fed4f  E001        0.03   200                high       2     0                null            false                ✓ complete   2026-03-02T10:00:00Z     0.0 s  0.16875

      7 runs
      "
    `);
    expect((await runCli(root, ["ledger", "verify"])).stdout).toBe("5 entries checked, 0 with problems\n");
  });

  it("shows what a claim rests on", async () => {
    const root = pythonRepo();

    expect((await runCli(root, ["graph"])).stdout).toMatchInlineSnapshot(`
      "T001  EXPLORING  What limits the speed of training?
      ├─ H001  TESTING  A higher learning rate converges faster
      │  └─ E001  RUNNING  Learning rate sweep  5 runs: 1 queued, 3 complete, 1 failed
      │     ├─ F001  HIGH  0.03 reaches a loss of 0.2 in half the steps  cites 2 runs
      │     │  └─ CR001  Challenge Review: F001
      │     │     └─ SR001  Strategic Review: spring 2026
      │     └─ F002  MEDIUM  High learning rates are stable  cites 3 runs
      └─ H003  TESTING  Warm-up removes the gap
      T002  CLOSED  Is a larger model worth it?
      H002  PROPOSED  Batch size does not matter: naïve "rule" & all
      └─ E002  DESIGNED  Batch size pilot  2 runs: 1 created, 1 abandoned
         └─ F003  LOW  Nothing can be said about batches yet  cites no run
      L001  On warm-up
      "
    `);
    expect(await runCliJson(root, ["finding", "show", "F001"])).toMatchObject({ id: "F001" });
    expect((await runCli(root, ["ledger", "backfill", "--overwrite"])).exitCode).toBe(0);
    expect((await runCli(root, ["ledger", "list"])).stdout).toMatchInlineSnapshot(`
      "run       experiment  status     ended                 duration  machine
      0b19ce27  E001        complete   2026-03-02T10:00:00Z     0.0 s  lab
      39cfcf38  E002        abandoned  2026-03-02T10:00:00Z            lab
      3ee1e081  E001        complete   2026-03-02T10:00:00Z     0.0 s  lab
      719ac637  E001        failed     2026-03-02T10:00:00Z     0.0 s  lab
      cc0fed4f  E001        complete   2026-03-02T10:00:00Z     0.0 s  lab
      "
    `);
  });

  it("reads a run link under its old key", async () => {
    const root = pythonRepo();
    const [failed = ""] = globSync("*/signac_job_document.json", { cwd: join(root, ".runs/workspace") }).filter(
      (path) => readFileSync(join(root, ".runs/workspace", path), "utf8").includes('"limina"'),
    );

    expect(await runCliJson(root, ["runs", "show", failed.slice(0, 8)])).toMatchObject({
      experiment_id: "E001",
      hypothesis_id: "H001",
      status: "failed",
    });
  });

  it("gets new notes of every kind from its own templates, and still validates", async () => {
    const root = pythonRepo();
    const before = notesOf(root);
    for (const args of [
      ["thread", "new", "--title", "What limits memory?"],
      ["hypothesis", "new", "--title", "Recomputing is cheap", "--thread", "T003"],
      ["experiment", "new", "--title", "Recompute all", "--hypothesis", "H004"],
      ["finding", "new", "--title", "It is", "--experiment", "E003", "--impact", "LOW"],
      ["literature", "new", "--title", "On recomputing"],
      ["review", "new", "--target", "F004", "--reviewer", "Ada"],
      ["review", "new", "--challenge-review", "CR002", "--scope", "memory"],
    ]) {
      const { stderr, exitCode } = await runCli(root, args);
      expect({ args, stderr, exitCode }).toEqual({ args, stderr: "", exitCode: 0 });
    }

    expect((await runCli(root, ["validate", "--kb-only"])).stdout).toMatch(
      /^(?:warning finding\.uncited .*\n)*0 errors/,
    );
    const after = notesOf(root);
    expect(Object.keys(after)).toHaveLength(Object.keys(before).length + NOTE_KINDS.length);
    expect(Object.fromEntries(Object.keys(before).map((path) => [path, after[path]]))).toEqual(before);
  });

  it("takes aexp in: installing touches no note and no template, and can be repeated", async () => {
    const root = pythonRepo();
    expect((await runCli(root, ["install"])).exitCode).toBe(0);

    expect(git(root, "status", "--porcelain")).toBe(" M .gitignore\n?? .gitattributes");
    expect(await runCliJson(root, ["install"])).toMatchObject({ unchanged: true, machine_label: "lab" });
    expect((await runCli(root, ["validate", "--fix"])).stdout).not.toContain("fixed ");
    expect(JSON.parse(readFileSync(join(root, ".aexp/installed.json"), "utf8"))).toMatchObject({
      python_exe: "python",
    });
  });
});
