import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { writeFile } from "../helpers/clones.ts";
import { initRepo } from "../helpers/git-repo.ts";
import { addSweep } from "../helpers/sweep.ts";
import { tempDir } from "../helpers/temp-dir.ts";

async function installed(): Promise<string> {
  const root = initRepo(join(tempDir(), "project"));
  await runCli(root, ["install", "--machine-label", "laptop"]);
  return root;
}

/** A thread, two hypotheses, experiments with nine runs and none, findings, reviews, literature, and what went wrong. */
async function research(): Promise<string> {
  const root = await installed();
  const ids = await addSweep(root);
  const notes: Readonly<Record<string, string>> = {
    "research/threads/T001-speed.md": "---\nstatus: exploring\n---\n# T001: What limits speed?\n",
    "research/hypotheses/H001-rate.md":
      '---\nstatus: TESTING\nthread: "[[T001]]"\n---\n# H001: A larger rate is `faster`\n',
    "research/hypotheses/H002-free.md": "---\nstatus: REJECTED\n---\n# H002: Warm-up helps\n",
    "research/experiments/E001-sweep.md": "---\nstatus: COMPLETED\nhypothesis: H001\n---\n# E001: Learning rates\n",
    "research/experiments/E002-lost.md": "---\nstatus: DESIGNED\nhypothesis: H009\n---\n# E002: Lost\n",
    "research/experiments/E003-warm.md": "---\nstatus: DESIGNED\nhypothesis: H002\n---\n# E003: Warm-up\n",
    "research/findings/F001-loss.md": `---\nimpact: HIGH\nhypothesis: H001\nexperiment: E001\nsupporting_runs:\n  - {type: job, id: "${ids[0]}"}\n  - {type: batch, experiment_id: E001, selector: {lr: 0.1}}\n  - {type: batch, experiment_id: E001, selector: {seed: 0}}\n---\n# F001: Lower loss\n`,
    "research/findings/F002-odd.md": "---\nimpact: LOW\n# F002: Odd\n",
    "research/findings/F003-old.md":
      "---\nimpact: LOW\nhypothesis: H001\nexperiment: E008\n---\n# F003: From an experiment that is gone\n",
    "research/literature/L001-book.md": "---\nrelevance: much\n---\n# L001: A book\n",
    "reports/CR001-doubt.md": "---\ntarget_id: F001\n---\n# CR001: Is it the \u001b[31mseed\u001b[0m?\n",
    "reports/SR001-answer.md": "---\nchallenge_review: CR001\n---\n# SR001: More seeds\n",
  };
  for (const [path, text] of Object.entries(notes)) writeFile(root, `kb/${path}`, text);
  return root;
}

describe("aexp graph", () => {
  it("draws the notes as a tree", async () => {
    expect((await runCli(await research(), ["graph"])).stdout).toMatchInlineSnapshot(`
      "T001  EXPLORING  What limits speed?
      └─ H001  TESTING  A larger rate is \`faster\`
         ├─ E001  COMPLETED  Learning rates  9 runs: 8 complete, 1 failed
         │  └─ F001  HIGH  Lower loss  cites 5 runs
         │     └─ CR001  Is it the seed?
         │        └─ SR001  More seeds
         └─ F003  LOW  From an experiment that is gone  cites no run  (E008 is missing)
      H002  REJECTED  Warm-up helps
      └─ E003  DESIGNED  Warm-up  no runs
      E002  DESIGNED  Lost  no runs  (H009 is missing)
      F002  cannot be read: the frontmatter that begins here has no closing "---"
      L001  A book
      "
    `);
  });

  it("cuts titles where the terminal ends, and colours words on it", async () => {
    const root = await research();
    const { stdout } = await runCli(root, ["graph"], { isTTY: true, columns: 48 });
    expect(stdout).toMatchInlineSnapshot(`
      "T001  EXPLORING  What limits speed?
      └─ H001  TESTING  A larger rate is \`faster\`
         ├─ E001  COMPLETED  Learning rates  9 runs: …
         │  └─ F001  HIGH  Lower loss  cites 5 runs
         │     └─ CR001  Is it the seed?
         │        └─ SR001  More seeds
         └─ F003  LOW  From an experim…  cites no run…
      H002  REJECTED  Warm-up helps
      └─ E003  DESIGNED  Warm-up  no runs
      E002  DESIGNED  Lost  no runs  (H009 is missing)
      F002  cannot be read: the frontmatter that begi…
      L001  A book
      "
    `);
    const colored = await runCli(root, ["graph", "T001"], { env: { FORCE_COLOR: "1" } });
    expect(colored.stdout.split("\n")[1]).toBe(
      "└─ \u001b[33mH001\u001b[39m  \u001b[34mTESTING\u001b[39m  A larger rate is `faster`",
    );
  });

  it("shows one note with what is above and below it, and hides what was given up", async () => {
    const root = await research();
    expect((await runCli(root, ["graph", "e001"])).stdout).toMatchInlineSnapshot(`
      "T001  EXPLORING  What limits speed?
      └─ H001  TESTING  A larger rate is \`faster\`
         └─ E001  COMPLETED  Learning rates  9 runs: 8 complete, 1 failed
            └─ F001  HIGH  Lower loss  cites 5 runs
               └─ CR001  Is it the seed?
                  └─ SR001  More seeds
      "
    `);
    const { stdout } = await runCli(root, ["graph", "--open"]);
    expect(stdout).not.toMatch(/H002|E003/);
    expect(stdout).toContain("E001");
    expect((await runCli(root, ["graph", "H002", "--open"])).stdout).toBe("Nothing is open.\n");
  });

  it("shows both notes of one id, and children below one of them", async () => {
    const root = await research();
    writeFile(root, "kb/research/hypotheses/H002-warm.md", "---\nstatus: TESTING\n---\n# H002: Other\n");
    const { stdout } = await runCli(root, ["graph"]);
    expect(stdout.split("\n").filter((line) => /H002|E003/.test(line))).toEqual([
      "H002  REJECTED  Warm-up helps  (one of 2 notes with this id: H002-free.md)",
      "└─ E003  DESIGNED  Warm-up  no runs",
      "H002  TESTING  Other  (one of 2 notes with this id: H002-warm.md)",
    ]);
    expect((await runCli(root, ["graph", "H002"])).stderr).toMatch(/2 notes have the id H002/);
    expect((await runCli(root, ["graph", "kb/research/hypotheses/H002-free.md"])).stdout).toContain("E003");
  });

  it("prints JSON, the same with --format json", async () => {
    const root = await research();
    const json = await runCliJson(root, ["graph", "E001"]);
    expect(json).toEqual({
      nodes: [
        expect.objectContaining({ id: "T001", kind: "thread", title: "What limits speed?", status: "EXPLORING" }),
        expect.objectContaining({ id: "H001" }),
        {
          id: "E001",
          kind: "experiment",
          title: "Learning rates",
          path: "kb/research/experiments/E001-sweep.md",
          status: "COMPLETED",
          runs: { total: 9, by_status: { complete: 8, failed: 1 } },
        },
        {
          id: "F001",
          kind: "finding",
          title: "Lower loss",
          path: "kb/research/findings/F001-loss.md",
          impact: "HIGH",
          cites: 5,
        },
        expect.objectContaining({ id: "CR001" }),
        expect.objectContaining({ id: "SR001" }),
      ],
      edges: [
        { from: "T001", to: "H001", type: "thread" },
        { from: "H001", to: "E001", type: "hypothesis" },
        { from: "E001", to: "F001", type: "experiment" },
        { from: "F001", to: "CR001", type: "target_id" },
        { from: "CR001", to: "SR001", type: "challenge_review" },
      ],
    });
    expect(JSON.parse((await runCli(root, ["graph", "E001", "--format", "json"])).stdout)).toEqual(json);
    expect(await runCliJson(root, ["graph", "E002", "--format", "dot"])).toMatchObject({
      nodes: [{ id: "E002", missing_parent: "H009" }],
      edges: [],
    });
  });

  it("prints diagrams", async () => {
    const root = await research();
    expect((await runCli(root, ["graph", "F001", "--format", "mermaid"])).stdout).toMatchInlineSnapshot(`
      "flowchart TD
        T001["T001 What limits speed#63;<br/>EXPLORING"]:::thread
        H001["H001 A larger rate is #96;faster#96;<br/>TESTING"]:::hypothesis
        E001["E001 Learning rates<br/>COMPLETED, 9 runs#58; 8 complete, 1 failed"]:::experiment
        F001["F001 Lower loss<br/>HIGH, cites 5 runs"]:::finding
        CR001["CR001 Is it the seed#63;"]:::challengeReview
        SR001["SR001 More seeds"]:::strategicReview
        T001 --> H001
        H001 --> E001
        E001 --> F001
        F001 --> CR001
        CR001 --> SR001
        classDef thread fill:#ede7f6,stroke:#5e35b1,color:#212121
        classDef hypothesis fill:#e3f2fd,stroke:#1e88e5,color:#212121
        classDef experiment fill:#fff8e1,stroke:#c77800,color:#212121
        classDef finding fill:#e8f5e9,stroke:#2e7d32,color:#212121
        classDef challengeReview fill:#fce4ec,stroke:#c2185b,color:#212121
        classDef strategicReview fill:#fbe9e7,stroke:#d84315,color:#212121
      "
    `);
    expect((await runCli(root, ["graph", "F002", "--format", "dot"])).stdout).toMatchInlineSnapshot(`
      "digraph research {
        graph [rankdir="TB", charset="UTF-8"];
        node [shape="box", style="rounded,filled", fontname="Helvetica"];
        "F002" [label="F002 odd\\ncannot be read", fillcolor="#e8f5e9", color="#2e7d32"];
      }
      "
    `);
  });

  it("warns when mermaid would refuse the diagram", async () => {
    const root = await installed();
    const title = "long ".repeat(20);
    for (let number = 100; number < 700; number += 1) {
      writeFile(root, `kb/research/hypotheses/H${number}-x.md`, `---\nstatus: TESTING\n---\n# H${number}: ${title}\n`);
    }
    const { stderr, exitCode } = await runCli(root, ["graph", "--format", "mermaid"]);
    expect({ stderr, exitCode }).toEqual({
      stderr: expect.stringMatching(/^warning: mermaid does not draw/),
      exitCode: 0,
    });
    expect((await runCli(root, ["graph", "H100", "--format", "mermaid"])).stderr).toBe("");
  });

  it("says what to do where there are no notes yet", async () => {
    const root = await installed();
    expect((await runCli(root, ["graph"])).stdout).toBe(
      'No notes yet. `aexp hypothesis new --title "…"` writes the first.\n',
    );
    expect(await runCliJson(root, ["graph"])).toEqual({ nodes: [], edges: [] });
  });

  it("refuses an unknown note, naming the nearest", async () => {
    const { stderr, exitCode } = await runCli(await research(), ["graph", "H004"]);
    expect({ stderr, exitCode }).toEqual({
      stderr: 'error: there is no hypothesis H004. Did you mean "H001"?\n  `aexp hypothesis list` shows all.\n',
      exitCode: 2,
    });
  });
});
