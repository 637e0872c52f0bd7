import { appendFileSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { writeFile } from "../helpers/clones.ts";
import { configureRepo, git, initRepo } from "../helpers/git-repo.ts";
import { addEntry, addRun, addSweep } from "../helpers/sweep.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const H001 = "kb/research/hypotheses/H001-rate.md";
const E001 = "kb/research/experiments/E001-sweep.md";
const F001 = "kb/research/findings/F001-loss.md";

async function installed(place = tempDir(), folder = "."): Promise<string> {
  const root = join(initRepo(join(place, "project")), folder);
  writeFile(root, "README.md", "");
  await runCli(root, ["install", "--repo", root, "--machine-label", "laptop"]);
  return root;
}

function hypothesis(root: string, status: string, title = "A larger rate is faster", path = H001): void {
  writeFile(root, path, `---\nstatus: ${status}\n---\n# ${title}\n`);
}

function experiment(root: string): void {
  writeFile(root, E001, "---\nstatus: DESIGNED\nhypothesis: H001\n---\n# E001: Learning rates\n");
}

function replaceIn(root: string, path: string, from: string, to: string): void {
  writeFileSync(join(root, path), readFileSync(join(root, path), "utf8").replace(from, to));
}

function commit(root: string, date: string, author = "Ada"): void {
  git(root, "add", "--all", ".");
  git(root, "-c", `user.name=${author}`, "commit", "--quiet", "--date", date, "--message", "Work");
}

/** The timeline, with what differs from test to test made alike. */
async function timeline(root: string, ...argv: string[]): Promise<string> {
  const { stdout, stderr } = await runCli(root, ["history", ...argv]);
  return (stdout + stderr).replaceAll(/\b[0-9a-f]{8}\b/g, "COMMIT__");
}

/** A claim from the first word to the finding, with nine runs on 1 March. */
async function claim(root: string): Promise<void> {
  hypothesis(root, "PROPOSED");
  experiment(root);
  commit(root, "2026-02-27T09:00:00+0200");
  hypothesis(root, "TESTING");
  commit(root, "2026-02-28T12:00:00Z", "Grace");
  await addSweep(root);
  writeFile(
    root,
    F001,
    "---\nimpact: LOW\nhypothesis: H001\nexperiment: E001\nsupporting_runs:\n  - {type: batch, experiment_id: E001}\n---\n# F001: Lower loss\n",
  );
  commit(root, "2026-03-02T12:00:00Z");
  hypothesis(root, "CONFIRMED", "A larger rate is much faster");
  replaceIn(root, F001, "LOW", "HIGH");
  replaceIn(root, F001, "---\n#", `  - {type: job, id: ${"0a".repeat(16)}}\n---\n#`);
  commit(root, "2026-03-03T12:00:00Z");
}

describe("aexp history", () => {
  it("tells the life of a claim", async () => {
    const root = await installed();
    await claim(root);
    expect(await timeline(root, "H001")).toMatchInlineSnapshot(`
      "when                  note  what happened                                                 commit    author
      2026-02-27T07:00:00Z  H001  created: A larger rate is faster (PROPOSED)                   COMMIT__  Ada
      2026-02-27T07:00:00Z  E001  created: Learning rates (DESIGNED)                            COMMIT__  Ada
      2026-02-28T12:00:00Z  H001  status PROPOSED → TESTING                                     COMMIT__  Grace
      2026-03-01T10:08:59Z  E001  9 runs finished (8 complete, 1 failed)
      2026-03-02T12:00:00Z  F001  created: Lower loss (LOW, cites a batch of E001)              COMMIT__  Ada
      2026-03-03T12:00:00Z  H001  title A larger rate is faster → A larger rate is much faster  COMMIT__  Ada
      2026-03-03T12:00:00Z  H001  status TESTING → CONFIRMED                                    COMMIT__  Ada
      2026-03-03T12:00:00Z  F001  impact LOW → HIGH                                             COMMIT__  Ada
      2026-03-03T12:00:00Z  F001  cites 1 run and a batch of E001 now                           COMMIT__  Ada
      "
    `);
    expect(await timeline(root, "F001", "--limit", "2")).toMatchInlineSnapshot(`
      "when                  note  what happened                        commit    author
      2026-03-03T12:00:00Z  F001  impact LOW → HIGH                    COMMIT__  Ada
      2026-03-03T12:00:00Z  F001  cites 1 run and a batch of E001 now  COMMIT__  Ada
      the newest 2 of 3
      "
    `);
  });

  it("shows times as ages on a terminal and keeps to its width", async () => {
    const root = await installed();
    await claim(root);
    const { stdout } = await runCli(root, ["history", "H001"], { isTTY: true, columns: 60 });
    expect(stdout.replaceAll(/\b[0-9a-f]{8}\b/g, "COMMIT__")).toMatchInlineSnapshot(`
      "when        note  what happened             commit    author
      2026-02-27  H001  created: A larger rate …  COMMIT__  Ada
      2026-02-27  E001  created: Learning rates…  COMMIT__  Ada
      2026-02-28  H001  status PROPOSED → TESTI…  COMMIT__  Grace
      2026-03-01  E001  9 runs finished (8 comp…
      2026-03-02  F001  created: Lower loss (LO…  COMMIT__  Ada
      2026-03-03  H001  title A larger rate is …  COMMIT__  Ada
      2026-03-03  H001  status TESTING → CONFIR…  COMMIT__  Ada
      2026-03-03  F001  impact LOW → HIGH         COMMIT__  Ada
      2026-03-03  F001  cites 1 run and a batch…  COMMIT__  Ada
      "
    `);
  });

  it("prints JSON", async () => {
    const root = await installed();
    await claim(root);
    expect(await runCliJson(root, ["history", "E001"])).toEqual([
      {
        at: "2026-02-27T07:00:00Z",
        type: "created",
        id: "E001",
        path: E001,
        title: "Learning rates",
        status: "DESIGNED",
        commit: git(root, "rev-parse", "HEAD~3"),
        author: "Ada",
      },
      {
        at: "2026-03-01T10:08:59Z",
        type: "runs_finished",
        id: "E001",
        since: "2026-03-01T10:00:59Z",
        runs: { total: 9, by_status: { complete: 8, failed: 1 } },
      },
      expect.objectContaining({ type: "created", id: "F001", impact: "LOW", cites: { runs: 0, batches: ["E001"] } }),
      expect.objectContaining({ type: "impact_changed", id: "F001", before: "LOW", after: "HIGH" }),
      expect.objectContaining({
        type: "citations_changed",
        before: { runs: 0, batches: ["E001"] },
        after: { runs: 1, batches: ["E001"] },
      }),
    ]);
  });

  it("follows a note through other file names, deletion and a second life", async () => {
    const root = await installed();
    hypothesis(root, "PROPOSED");
    commit(root, "2026-01-01T00:00:00Z");
    renameSync(join(root, H001), join(root, "kb/research/hypotheses/H001.md"));
    replaceIn(root, "kb/research/hypotheses/H001.md", "PROPOSED", "TESTING");
    commit(root, "2026-01-02T00:00:00Z");
    rmSync(join(root, "kb/research/hypotheses/H001.md"));
    commit(root, "2026-01-03T00:00:00Z");
    expect(await timeline(root, "h001")).toMatchInlineSnapshot(`
      "when                  note  what happened                                commit    author
      2026-01-01T00:00:00Z  H001  created: A larger rate is faster (PROPOSED)  COMMIT__  Ada
      2026-01-02T00:00:00Z  H001  renamed: H001-rate.md → H001.md              COMMIT__  Ada
      2026-01-02T00:00:00Z  H001  status PROPOSED → TESTING                    COMMIT__  Ada
      2026-01-03T00:00:00Z  H001  deleted: A larger rate is faster             COMMIT__  Ada
      "
    `);
    hypothesis(root, "REJECTED", "Again", "kb/research/hypotheses/H001-again.md");
    expect((await timeline(root, "H001")).split("\n").slice(-2)).toEqual([
      "not committed yet     H001  created: Again (REJECTED)",
      "",
    ]);
  });

  it("tells that a note got another id, in the history of both", async () => {
    const root = await installed();
    const other = "kb/research/hypotheses/H001-other.md";
    hypothesis(root, "PROPOSED");
    hypothesis(root, "TESTING", "Other", other);
    commit(root, "2026-01-01T00:00:00Z");
    await runCli(root, ["renumber", "H001", other]);
    const open = await timeline(root, "H002");
    expect(open).toMatch(/^not committed yet +H002 +renumbered: was H001 before$/m);
    commit(root, "2026-01-02T00:00:00Z");
    expect(await timeline(root, "H001")).toMatchInlineSnapshot(`
      "when                  note  what happened                                commit    author
      2026-01-01T00:00:00Z  H001  created: Other (TESTING)                     COMMIT__  Ada
      2026-01-01T00:00:00Z  H001  created: A larger rate is faster (PROPOSED)  COMMIT__  Ada
      2026-01-02T00:00:00Z  H002  renumbered: was H001 before                  COMMIT__  Ada
      "
    `);
    expect((await timeline(root, "H002")).split("\n")).toHaveLength(3);

    hypothesis(root, "PROPOSED", "Third", "kb/research/hypotheses/H003-other.md");
    hypothesis(root, "PROPOSED", "Fourth", "kb/research/hypotheses/H004-other.md");
    commit(root, "2026-01-03T00:00:00Z");
    expect((await timeline(root, "H003")).split("\n")).toHaveLength(3);
  });

  it("tells of notes below that are gone, and of runs between other events", async () => {
    const root = await installed();
    hypothesis(root, "PROPOSED");
    experiment(root);
    commit(root, "2026-01-01T00:00:00Z");
    const finished = { aexp: { experiment_id: "E001" }, status: "complete" };
    await addRun(root, '{"a": 1}', { ...finished, ended_at: "2026-01-02T08:00:00Z" });
    await addRun(root, '{"a": 2}', { ...finished, status: "failed", ended_at: "2026-01-02T09:00:00Z" });
    await addRun(root, '{"a": 3}', { ...finished, ended_at: "2026-01-02T11:00:00Z" });
    await addRun(root, '{"a": 4}', { ...finished, status: "running", ended_at: "2026-01-02T11:00:00Z" });
    await addRun(root, '{"a": 5}', { ...finished, aexp: { experiment_id: "E002" }, ended_at: "2026-01-02T11:00:00Z" });
    replaceIn(root, E001, "DESIGNED", "RUNNING");
    commit(root, "2026-01-02T10:00:00Z");
    rmSync(join(root, E001));
    commit(root, "2026-01-03T00:00:00Z");
    expect(await timeline(root, "H001")).toMatchInlineSnapshot(`
      "when                  note  what happened                                commit    author
      2026-01-01T00:00:00Z  H001  created: A larger rate is faster (PROPOSED)  COMMIT__  Ada
      2026-01-01T00:00:00Z  E001  created: Learning rates (DESIGNED)           COMMIT__  Ada
      2026-01-02T09:00:00Z  E001  2 runs finished (1 complete, 1 failed)
      2026-01-02T10:00:00Z  E001  status DESIGNED → RUNNING                    COMMIT__  Ada
      2026-01-02T11:00:00Z  E001  1 run finished (complete)
      2026-01-03T00:00:00Z  E001  deleted: Learning rates                      COMMIT__  Ada
      "
    `);
  });

  it("counts runs of other machines", async () => {
    const root = await installed();
    experiment(root);
    commit(root, "2026-01-01T00:00:00Z");
    const jobId = await addRun(tempDir(), '{"experiment_id": "E001", "a": 1}');
    addEntry(root, jobId, '{"experiment_id": "E001", "a": 1}');
    expect(await timeline(root, "E001")).toMatch(/E001 {2}1 run finished \(complete\)/);
  });

  it("shows what is not committed yet last", async () => {
    const root = await installed();
    hypothesis(root, "PROPOSED");
    expect(await timeline(root, "H001")).toMatch(
      /not committed yet +H001 +created: A larger rate is faster \(PROPOSED\)/,
    );
    experiment(root);
    commit(root, "2026-01-01T00:00:00Z");
    hypothesis(root, "TESTING");
    appendFileSync(join(root, E001), "\nOnly the body.\n");
    writeFile(
      root,
      "kb/research/experiments/E002-new.md",
      "---\nstatus: DESIGNED\nhypothesis: H001\n---\n# E002: New\n",
    );
    expect(await timeline(root, "H001")).toMatchInlineSnapshot(`
      "when                  note  what happened                                commit    author
      2026-01-01T00:00:00Z  H001  created: A larger rate is faster (PROPOSED)  COMMIT__  Ada
      2026-01-01T00:00:00Z  E001  created: Learning rates (DESIGNED)           COMMIT__  Ada
      not committed yet     H001  status PROPOSED → TESTING
      not committed yet     E002  created: New (DESIGNED)
      "
    `);
    rmSync(join(root, E001));
    expect(await timeline(root, "H001")).toContain("not committed yet     E001  deleted: Learning rates\n");
  });

  it("compares each commit with its own parents, and a merge with all of them", async () => {
    const root = await installed();
    hypothesis(root, "PROPOSED");
    commit(root, "2026-01-01T00:00:00Z");
    git(root, "checkout", "--quiet", "-b", "side");
    hypothesis(root, "TESTING");
    commit(root, "2026-01-02T00:00:00Z", "Grace");
    git(root, "checkout", "--quiet", "main");
    hypothesis(root, "PROPOSED", "Another title");
    commit(root, "2026-01-03T00:00:00Z");
    git(root, "-c", "merge.conflictStyle=merge", "merge", "--quiet", "--no-ff", "--no-commit", "-s", "ours", "side");
    hypothesis(root, "CONFIRMED", "Another title");
    commit(root, "2026-01-04T00:00:00Z");
    expect(await timeline(root, "H001")).toMatchInlineSnapshot(`
      "when                  note  what happened                                  commit    author
      2026-01-01T00:00:00Z  H001  created: A larger rate is faster (PROPOSED)    COMMIT__  Ada
      2026-01-02T00:00:00Z  H001  status PROPOSED → TESTING                      COMMIT__  Grace
      2026-01-03T00:00:00Z  H001  title A larger rate is faster → Another title  COMMIT__  Ada
      2026-01-04T00:00:00Z  H001  status PROPOSED → CONFIRMED                    COMMIT__  Ada
      "
    `);
  });

  it("passes over versions that nobody can read, and says so", async () => {
    const root = await installed();
    hypothesis(root, "PROPOSED");
    commit(root, "2026-01-01T00:00:00Z");
    writeFile(root, H001, "---\nstatus: TESTING\n");
    commit(root, "2026-01-02T00:00:00Z");
    hypothesis(root, "TESTING");
    commit(root, "2026-01-03T00:00:00Z");
    expect(await timeline(root, "H001")).toMatchInlineSnapshot(`
      "when                  note  what happened                                                                         commit    author
      2026-01-01T00:00:00Z  H001  created: A larger rate is faster (PROPOSED)                                           COMMIT__  Ada
      2026-01-02T00:00:00Z  H001  could not be read at COMMIT__: the frontmatter that begins here has no closing "---"  COMMIT__  Ada
      2026-01-03T00:00:00Z  H001  status PROPOSED → TESTING                                                             COMMIT__  Ada
      "
    `);
  });

  it("lets nothing from git or notes control the terminal", async () => {
    const root = await installed();
    hypothesis(root, "ODD", "Title \u001b]0;owned\u0007 here");
    commit(root, "2026-01-01T00:00:00Z", "E\u001b[31mve\u202e");
    const out = await timeline(root, "H001");
    expect(out).not.toMatch(/[\u001b\u0007\u202e]/);
    expect(out).toMatch(/Title {2}here \(ODD\) .* Eve$/m);
  });

  it("works where the repository of git begins further up, under odd settings", async () => {
    const root = await installed(tempDir(), "sub/räum");
    git(root, "config", "log.showRoot", "false");
    git(root, "config", "diff.relative", "true");
    git(root, "config", "log.showSignature", "true");
    hypothesis(root, "PROPOSED");
    commit(root, "2026-01-01T00:00:00Z");
    hypothesis(root, "TESTING");
    commit(root, "2026-01-02T00:00:00Z");
    expect(await runCliJson(root, ["history", "H001"])).toMatchObject([
      { type: "created", path: H001 },
      { type: "status_changed", after: "TESTING" },
    ]);
  });

  it("says that a shallow clone does not know the beginning", async () => {
    const place = tempDir();
    const root = await installed(place);
    for (const [day, status] of ["PROPOSED", "TESTING", "CONFIRMED"].entries()) {
      hypothesis(root, status);
      commit(root, `2026-01-0${day + 1}T00:00:00Z`);
    }
    git(place, "clone", "--quiet", "--depth", "2", `file://${root}`, "shallow");
    configureRepo(join(place, "shallow"));
    await runCli(join(place, "shallow"), ["install"]);
    expect(await timeline(join(place, "shallow"), "H001")).toMatchInlineSnapshot(`
      "when                  note  what happened                                         commit    author
      2026-01-02T00:00:00Z  H001  was there already: A larger rate is faster (TESTING)  COMMIT__  Ada
      2026-01-03T00:00:00Z  H001  status TESTING → CONFIRMED                            COMMIT__  Ada
      warning: this clone is shallow, so that its history is cut; \`git fetch --unshallow\` brings the rest
      "
    `);
  });

  it("refuses a note that never was, and a folder without git", async () => {
    const root = await installed();
    hypothesis(root, "PROPOSED");
    commit(root, "2026-01-01T00:00:00Z");
    const unknown = await runCli(root, ["history", "H002"]);
    expect(unknown.stderr).toBe(
      'error: there is no hypothesis H002. Did you mean "H001"?\n  `aexp hypothesis list` shows all.\n',
    );
    expect(unknown.exitCode).toBe(2);
    rmSync(join(root, ".git"), { recursive: true });
    const { stderr, exitCode } = await runCli(root, ["history", "H001"]);
    expect(stderr.replace(root, "ROOT")).toMatchInlineSnapshot(`
      "error: "ROOT" is in no git repository: only git knows what happened to a note
        Run \`git init\` and commit the notes; from then on their history is kept.
      "
    `);
    expect(exitCode).toBe(2);
  });
});
