import { existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

async function installed(): Promise<string> {
  const root = initRepo(join(tempDir(), "project"));
  await runCli(root, ["install", "--machine-label", "laptop"]);
  return root;
}

/** Installed, with T001, H001 below it and E001 below that. */
async function withChain(): Promise<string> {
  const root = await installed();
  await ok(root, "thread", "new", "--title", "What limits speed?");
  await ok(root, "hypothesis", "new", "--title", "Larger batches converge slower", "--thread", "T001");
  await ok(root, "experiment", "new", "--title", "Batch size sweep", "--hypothesis", "H001");
  return root;
}

async function ok(root: string, ...argv: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCli(root, argv);
  expect({ argv, stderr, exitCode }).toEqual({ argv, stderr: "", exitCode: 0 });
  return stdout;
}

async function failure(root: string, ...argv: string[]): Promise<string> {
  const { stderr, exitCode } = await runCli(root, argv);
  expect({ argv, exitCode }).toEqual({ argv, exitCode: 2 });
  return stderr;
}

const H001 = "kb/research/hypotheses/H001-larger-batches-converge-slower.md";
const E001 = "kb/research/experiments/E001-batch-size-sweep.md";
const read = (root: string, path: string): string => readFileSync(join(root, path), "utf8");
const tree = (root: string): Record<string, string> =>
  Object.fromEntries(globSync("kb/**/*.md", { cwd: root }).map((path) => [path, read(root, path)]));

describe("new notes", () => {
  it("print id and path, and make a chain that validates untouched", async () => {
    const root = await installed();
    expect(await ok(root, "new-thread", "--title", "What limits speed?")).toBe(
      "T001  kb/research/threads/T001-what-limits-speed.md\n",
    );
    expect(await ok(root, "new-hypothesis", "--title", "Larger batches converge slower", "--thread", "t001")).toBe(
      `H001  ${H001}\nlinked from kb/research/threads/T001-what-limits-speed.md\n`,
    );
    expect(await ok(root, "new-experiment", "--title", "Batch size sweep", "--hypothesis", "H001")).toBe(
      `E001  ${E001}\nlinked from ${H001}\n`,
    );
    await ok(root, "literature", "new", "--title", "On large batches", "--url", "https://example.org/?a=b#c");
    await ok(root, "review", "new", "--target", "H001", "--reviewer", 'Grace "Amazing" Hopper');
    await ok(root, "review", "new", "--challenge-review", "CR001", "--scope", "Batches: all of 2026 # so far");
    expect(await ok(root, "validate", "--kb-only")).toMatch(/^0 errors, 0 warnings/);
    expect(read(root, H001)).toContain("- [[T001]]\n- [[ACTIVE]]\n- [[CHALLENGE]]\n- [[E001]]\n- [[CR001]]\n");
    expect(read(root, E001)).toContain('hypothesis: "H001"\n');
    expect(existsSync(join(root, ".aexp/note-journal.json"))).toBe(false);
  });

  it("print one JSON document", async () => {
    const root = await withChain();
    expect(await runCliJson(root, ["hypothesis", "new", "--title", "X", "--thread", "T001"])).toEqual({
      id: "H002",
      path: "kb/research/hypotheses/H002-x.md",
      linked: ["kb/research/threads/T001-what-limits-speed.md"],
    });
  });

  it("take the highest number plus one, whether notes were deleted, committed and deleted, or are on a fetched branch", async () => {
    const root = await withChain();
    git(root, "add", "--all");
    git(root, "commit", "--quiet", "--message", "Notes");
    const clone = join(root, "..", "clone");
    git(root, "clone", "--quiet", ".", clone);
    git(clone, "config", "user.name", "T");
    git(clone, "config", "user.email", "t@example.org");
    await runCli(clone, ["install"]);
    for (const title of ["a", "b"]) await ok(clone, "hypothesis", "new", "--title", title);
    git(clone, "checkout", "--quiet", "-b", "side");
    git(clone, "add", "--all");
    git(clone, "commit", "--quiet", "--message", "Two");
    git(clone, "rm", "--quiet", "kb/research/hypotheses/H003-b.md");
    git(clone, "commit", "--quiet", "--message", "One less");
    git(root, "fetch", "--quiet", clone, "side:refs/remotes/other/side");

    expect(await ok(root, "hypothesis", "new", "--title", "c")).toMatch(/^H004 /);
    rmSync(join(root, "kb/research/hypotheses/H004-c.md"));
    expect(await ok(root, "hypothesis", "new", "--title", "d")).toMatch(/^H005 /);
  });

  it("leave the tree as it was when a parent is missing, unreadable, or of another kind", async () => {
    const root = await withChain();
    writeFileSync(join(root, "kb/research/hypotheses/H007-odd.md"), "---\na: [\n---\n");
    const before = tree(root);
    const errors = [
      await failure(root, "experiment", "new", "--title", "x", "--hypothesis", "H002"),
      await failure(root, "experiment", "new", "--title", "x", "--hypothesis", "H007"),
      await failure(root, "experiment", "new", "--title", "x", "--hypothesis", "T001"),
      await failure(root, "experiment", "new", "--title", "x", "--hypothesis", "batch"),
      await failure(root, "experiment", "new", "--title", "x"),
      await failure(root, "thread", "new", "--title", "  "),
      await failure(root, "thread", "new", "--title", "a\nb"),
      await failure(root, "review", "new", "--target", "F009", "--reviewer", "G"),
      await failure(root, "review", "new", "--target", "H001"),
      await failure(root, "review", "new", "--reviewer", "G"),
    ];
    expect(errors.join("")).toMatchInlineSnapshot(`
      "error: there is no hypothesis H002. Did you mean "H001"?
        \`aexp hypothesis list\` shows all.
      error: kb/research/hypotheses/H007-odd.md:2:4 cannot be read: the list that begins here has no closing ], or its next line is not indented
        Repair the file; \`aexp validate\` names every fault.
      error: T001 is a thread, not a hypothesis
        Run \`aexp thread show T001\`.
      error: "batch" is no id of a note: expected one like H001
      error: Missing required flag hypothesis
        Add --help to see what this command takes.
      error: the title "" is empty
        Give one short line that says what the note is about.
      error: the title "a\\nb" holds line breaks or control characters
        Give one short line that says what the note is about.
      error: there is no finding F009.
        \`aexp finding list\` shows all.
      error: --reviewer is missing
        See \`aexp review new --help\`.
      error: All of the following must be provided when using --reviewer: --target; Exactly one of the following must be provided: --challenge-review, --target
        Add --help to see what this command takes.
      "
    `);
    expect(tree(root)).toEqual(before);
  });

  it("need an installed repository, whose own files git does not show", async () => {
    const root = initRepo(tempDir());
    expect(await failure(root, "thread", "new", "--title", "x")).toMatch(/no aexp repository.*\n.*aexp install/);
    expect(git(root, "status", "--porcelain")).toBe("");
  });

  it("begin as the repository's own template, with what it leaves out", async () => {
    const root = await withChain();
    mkdirSync(join(root, "templates"));
    writeFileSync(join(root, "templates/hypothesis.md"), "---\r\nowner: Ada\r\n---\r\n# {TITLE}\r\n## Why\r\n");
    await ok(root, "hypothesis", "new", "--title", "Mine", "--thread", "T001");
    expect(read(root, "kb/research/hypotheses/H002-mine.md").replace(/\d{4}-\d\d-\d\d/, "DATE")).toMatchInlineSnapshot(`
      "---
      owner: Ada
      id: H002
      aliases:
        - H002
      status: PROPOSED
      created: DATE
      thread: T001
      ---
      # Mine
      ## Why

      ## Links

      - [[T001]]
      - [[ACTIVE]]
      - [[CHALLENGE]]
      "
    `);
    expect(await ok(root, "validate", "kb/research/hypotheses/H002-mine.md")).toMatch(/^0 errors, 0 warnings/m);
    expect(await ok(root, "template", "hypothesis")).toContain("owner: Ada");

    writeFileSync(join(root, "templates/thread.md"), "---\n{TITLE}: [\n---\n");
    expect(await failure(root, "thread", "new", "--title", "x")).toMatch(/template templates\/thread\.md gives a note/);
  });
});

describe("lists of notes", () => {
  it("filter by status, tag and parent, and sort", async () => {
    const root = await withChain();
    await ok(root, "hypothesis", "new", "--title", "Warm-up helps");
    await ok(root, "hypothesis", "set-status", "H002", "testing");
    const h2 = join(root, "kb/research/hypotheses/H002-warm-up-helps.md");
    writeFileSync(h2, readFileSync(h2, "utf8").replace("tags: []", 'tags: ["#optim", batch]'));

    expect(await ok(root, "hypothesis", "list", "--columns", "id,status,title,parent,tags")).toMatchInlineSnapshot(`
      "id    status    title                           parent  tags
      H001  PROPOSED  Larger batches converge slower  T001
      H002  TESTING   Warm-up helps                           optim batch
      "
    `);
    expect(await ids(root, "--status", "Testing")).toEqual(["H002"]);
    expect(await ids(root, "--tag", "optim")).toEqual(["H002"]);
    expect(await ids(root, "--parent", "T001")).toEqual(["H001"]);
    expect(await ids(root, "--sort", "-id")).toEqual(["H002", "H001"]);
    expect(await ids(root, "--limit", "1")).toEqual(["H001"]);
    expect(await ok(root, "hypothesis", "list", "--csv", "--columns", "id,tags")).toBe(
      "id,tags\r\nH001,\r\nH002,optim batch\r\n",
    );
    expect(await failure(root, "hypothesis", "list", "--status", "tasting")).toMatch(/Did you mean "TESTING"/);
    expect(await failure(root, "hypothesis", "list", "--columns", "titel")).toMatch(/Did you mean "title"/);
  });

  it("say what to do when there is none, and what cannot be read", async () => {
    const root = await installed();
    expect(await ok(root, "list-threads")).toMatch(/^None yet\. `aexp thread new --help`/);
    expect(await ok(root, "finding", "list", "--status", "high")).toBe("None matches.\n");
    writeFileSync(join(root, "kb/research/threads/T001-x.md"), "---\n- a\n---\n");
    expect(await ok(root, "thread", "list")).toMatch(/T001 +cannot be read: /);
  });

  it("count the runs of experiments", async () => {
    const root = await withChain();
    await runCli(root, ["run", "--experiment", "E001", "--hypothesis", "H001", "--sp", "a=1", "--", "true"]);
    await runCli(root, ["run", "--experiment", "E001", "--hypothesis", "H001", "--sp", "a=2", "--", "false"]);
    expect(await ok(root, "experiment", "list", "--columns", "id,runs")).toContain(
      "E001  2 runs: 1 complete, 1 failed",
    );
    expect(await runCliJson(root, ["experiment", "list"])).toMatchObject([
      { id: "E001", kind: "experiment", parents: { hypothesis: "H001" }, runs: { total: 2, by_status: { failed: 1 } } },
    ]);
  });
});

async function ids(root: string, ...argv: string[]): Promise<unknown> {
  const rows = await runCliJson(root, ["hypothesis", "list", ...argv]);
  return Array.isArray(rows) ? rows.map(({ id }: { id: unknown }) => id) : rows;
}

describe("changing notes", () => {
  it("sets a status and its date, and nothing else", async () => {
    const root = await withChain();
    const before = read(root, E001);
    expect(await ok(root, "experiment", "set-status", "E001", "completed")).toBe("E001: DESIGNED → COMPLETED\n");
    const today = /created: "(.*)"/.exec(before)?.[1];
    expect(read(root, E001)).toBe(
      before.replace("status: DESIGNED", "status: COMPLETED").replace('completed: ""', `completed: "${today}"`),
    );
    expect(await ok(root, "experiment", "set-status", "E001", "COMPLETED")).toMatch(/already; nothing was changed/);
    await ok(root, "experiment", "set-status", "E001", "designed");
    expect(read(root, E001)).toBe(before);
    expect(await failure(root, "experiment", "set-status", "E001", "complete")).toMatch(/Did you mean "COMPLETED"/);
  });

  it("closes a thread with its conclusion", async () => {
    const root = await withChain();
    expect(await ok(root, "close-thread", "T001", "--promoted", "--conclusion", "Carried on by [[H001]].")).toBe(
      "T001: PROPOSED → PROMOTED\n",
    );
    const text = read(root, "kb/research/threads/T001-what-limits-speed.md");
    expect(text).toContain("status: PROMOTED\n");
    expect(text).toContain("## Conclusion\n\nCarried on by [[H001]].\n\n## Links\n");
    expect(await failure(root, "thread", "close", "H001")).toMatch(/H001 is a hypothesis, not a thread/);
    expect(await ok(root, "validate", "--kb-only")).toMatch(/^0 errors, 0 warnings/);
  });

  it("links two notes both ways, sets a parent where none is set, and is idempotent", async () => {
    const root = await withChain();
    await ok(root, "hypothesis", "new", "--title", "Warm-up helps");
    expect(await ok(root, "thread", "link", "T001", "H002")).toMatch(/^H002 has the thread T001 now\./);
    const once = tree(root);
    expect(await ok(root, "hypothesis", "link", "H002", "T001")).toMatch(/nothing was changed/);
    expect(tree(root)).toEqual(once);
    expect(await ok(root, "hypothesis", "link", "H002", "H001")).not.toMatch(/has the/);
    expect(await failure(root, "hypothesis", "link", "H002", "H002")).toMatch(/cannot be linked to itself/);
    expect(await ok(root, "validate", "--kb-only")).toMatch(/^0 errors, 0 warnings/);
  });
});

describe("renumber", () => {
  it("gives one of two notes with an id a new one, with everything that refers to it", async () => {
    const root = await withChain();
    const twin = "kb/research/hypotheses/H001-warm-up-helps.md";
    const thread = join(root, "kb/research/threads/T001-what-limits-speed.md");
    await ok(root, "hypothesis", "new", "--title", "Warm-up helps", "--thread", "T001");
    await ok(root, "experiment", "new", "--title", "Warm-up sweep", "--hypothesis", "H002");
    // As git leaves it after two clones minted the same id.
    const e2 = join(root, "kb/research/experiments/E002-warm-up-sweep.md");
    writeFileSync(
      join(root, twin),
      read(root, "kb/research/hypotheses/H002-warm-up-helps.md").replaceAll("H002", "H001"),
    );
    rmSync(join(root, "kb/research/hypotheses/H002-warm-up-helps.md"));
    writeFileSync(e2, `${readFileSync(e2, "utf8").replaceAll("H002", "H001")}- [[H001-warm-up-helps|the twin]]\n`);
    writeFileSync(thread, readFileSync(thread, "utf8").replaceAll("- [[H002]]\n", ""));
    writeFileSync(join(root, "kb/lessons/warm-up.md"), "See [[H001]] and [[H001-warm-up-helps]].\n");
    expect((await runCli(root, ["validate", "--kb-only"])).stdout).toContain("kb.duplicate_id");
    expect(await failure(root, "hypothesis", "set-status", "H001", "testing")).toMatch(
      /2 notes have the id H001.*\n.*aexp renumber/,
    );

    const { stdout, stderr } = await runCli(root, ["renumber", "H001", twin]);
    expect(stdout).toMatch(
      /^kb\/research\/hypotheses\/H001-warm-up-helps\.md is kb\/research\/hypotheses\/H003-warm-up-helps\.md now\.\n/,
    );
    expect(stderr).toBe(
      "warning: kb/lessons/warm-up.md:1 names H001, which may mean either note; it was left as it is\n",
    );
    expect(read(root, "kb/research/hypotheses/H003-warm-up-helps.md")).toContain("# H003 — Warm-up helps");
    expect(readFileSync(e2, "utf8")).toMatch(
      /hypothesis: "H003"[^]*- \[\[H003\]\][^]*- \[\[H003-warm-up-helps\|the twin\]\]/,
    );
    expect(read(root, "kb/lessons/warm-up.md")).toBe("See [[H001]] and [[H003-warm-up-helps]].\n");
    expect(read(root, E001)).toContain('hypothesis: "H001"');
    expect(await ok(root, "validate", "--kb-only")).toMatch(/^0 errors, 0 warnings/);
  });

  it("refuses a file that has another id, or is not there", async () => {
    const root = await withChain();
    expect(await failure(root, "renumber", "H001", E001)).toMatch(/has the id E001, not H001/);
    expect(await failure(root, "renumber", "H001", "kb/research/hypotheses/H009-x.md")).toMatch(
      /there is no hypothesis H009/,
    );
  });

  it("rewrites every reference when no other note has the id, and tells of runs", async () => {
    const root = await withChain();
    await runCli(root, ["run", "--experiment", "E001", "--hypothesis", "H001", "--sp", "a=1", "--", "true"]);
    const { stderr } = await runCli(root, ["renumber", "E001", "E001"]);
    expect(stderr).toMatch(/1 run is linked to E001/);
    expect(read(root, H001)).toContain("- [[E002]]");
    expect(await ok(root, "validate", "--kb-only")).toMatch(/^0 errors, 0 warnings/);
  });
});

describe("show", () => {
  it("gives a note with its chain, its runs by condition, and what is written in it", async () => {
    const root = await withChain();
    const e1 = join(root, E001);
    writeFileSync(
      e1,
      read(root, E001)
        .replace("conditions: {}", "conditions: {small: {batch: 16}}")
        .replace("## Setup\n", "## Setup\n\n<!-- hidden -->\nOne GPU.\n\n\n\n- \u001b[31mred\u001b[0m\n"),
    );
    await runCli(root, [
      "run",
      "--experiment",
      "E001",
      "--hypothesis",
      "H001",
      "--sp",
      "condition=small",
      "--",
      "true",
    ]);
    await runCli(root, ["run", "--experiment", "E001", "--hypothesis", "H001", "--sp", "batch=2", "--", "false"]);
    await ok(root, "finding", "new", "--title", "It is so", "--experiment", "E001", "--cite-batch", "--sp", "batch=16");
    const shown = await ok(root, "experiment", "show", "e001");
    expect(shown.replaceAll(/\d{4}-\d\d-\d\d(?:T[\d:]+Z)?/g, "TIME")).toMatchInlineSnapshot(`
      "E001 Batch size sweep
      DESIGNED
        created  TIME
        file     kb/research/experiments/E001-batch-size-sweep.md

      Chain
        T001  PROPOSED  What limits speed?
        └─ H001  PROPOSED  Larger batches converge slower
           └─ E001  DESIGNED  Batch size sweep  2 runs: 1 complete, 1 failed
              └─ F001  MEDIUM  It is so  cites 1 run

      Batches
        experiment  condition  runs  ✓ complete  ✗ failed  newest
        E001                      1           0         1  TIME
        E001        small         1           1         0  TIME

      Setup
        One GPU.

        - red

      Not written yet: Objective, Procedure, Caveats, Intent, Progress, Results, Outcome Summary, Decision. Edit kb/research/experiments/E001-batch-size-sweep.md.
      "
    `);
    expect(await ok(root, "finding", "show", "F001")).toMatch(
      /^F001 It is so\nMEDIUM\n[^]*Evidence\n {2}[^]*`aexp finding refresh F001`/,
    );
    expect(await runCliJson(root, ["hypothesis", "show", "H001"])).toMatchObject({
      id: "H001",
      status: "PROPOSED",
      chain: { nodes: [{ id: "T001" }, { id: "H001" }, { id: "E001" }, { id: "F001" }] },
      unwritten: expect.arrayContaining(["Statement"]),
    });
  });

  it("names the right command for a note of another kind, and the nearest id", async () => {
    const root = await withChain();
    expect(await failure(root, "thread", "show", "E001")).toBe(
      "error: E001 is an experiment, not a thread\n  Run `aexp experiment show E001`.\n",
    );
    expect(await failure(root, "review", "show", "E001")).toMatch(/not a challenge review or a strategic review/);
    expect(await failure(root, "show", "E001")).toMatch(/E001 is a note: `aexp experiment show E001` shows it/);
    expect(await failure(root, "thread", "show", "T002")).toMatch(/Did you mean "T001"/);
  });
});

describe("a note that no program can edit", () => {
  it("is named, and nothing is changed", async () => {
    const root = await withChain();
    writeFileSync(
      join(root, H001),
      "---\n{status: TESTING, created: 2026-01-01}\n---\n# H001\n\n## Links\n<!-- open\n",
    );
    const before = tree(root);
    expect(await failure(root, "hypothesis", "set-status", "H001", "confirmed")).toMatch(
      /^error: kb\/research\/hypotheses\/H001-\S+\.md: .*\. Nothing was changed\n {2}\S/,
    );
    expect(await failure(root, "experiment", "new", "--title", "x", "--hypothesis", "H001")).toMatch(
      /^error: kb\/research\/hypotheses\/H001/,
    );
    expect(await failure(root, "hypothesis", "link", "H001", "T001")).toMatch(/^error: kb\/research\/hypotheses\/H001/);
    expect(tree(root)).toEqual(before);
  });
});
