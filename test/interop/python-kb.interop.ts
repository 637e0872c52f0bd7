import { execFileSync } from "node:child_process";
import { globSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import type { JsonValue } from "../../src/model/json.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const FIXTURE = join(import.meta.dirname, "..", "fixtures", "python-kb");

function python(script: string, args: readonly string[], input = ""): string {
  const program = process.env["SIGNAC_PYTHON"];
  if (program === undefined) throw new Error("run these checks with `npm run test:interop`");
  return execFileSync(program, ["-W", "ignore", join(import.meta.dirname, script), ...args], {
    input,
    encoding: "utf8",
    stdio: ["pipe", "pipe", "inherit"],
  });
}

function agentic(root: string, request: Record<string, JsonValue>): unknown {
  return JSON.parse(python("agentic_side.py", [], JSON.stringify({ root, ...request })));
}

async function ok(root: string, ...argv: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await runCli(root, argv);
  expect({ argv, stderr, exitCode }).toEqual({ argv, stderr: "", exitCode: 0 });
  return stdout;
}

/** A repository with every kind of note, all made and changed by commands of aexp. */
async function aexpRepo(): Promise<string> {
  const root = initRepo(join(tempDir(), "project"));
  await ok(root, "install", "--machine-label", "lab");
  await ok(root, "thread", "new", "--title", 'What limits "speed": the rate — or the batch? \\ {DATE}');
  await ok(root, "hypothesis", "new", "--title", "Größere Schritte: schneller", "--thread", "T001");
  await ok(root, "hypothesis", "new", "--title", "Warm-up helps");
  await ok(root, "experiment", "new", "--title", "'Quoted' & [bracketed] #1", "--hypothesis", "H001");
  await ok(root, "literature", "new", "--title", "On steps", "--url", "https://example.org/?a=b#c");
  await ok(root, "hypothesis", "set-status", "H001", "testing");
  const [experiment = ""] = globSync("kb/research/experiments/E001-*.md", { cwd: root });
  const text = readFileSync(join(root, experiment), "utf8");
  const conditions = "conditions:\n  base: &base {tags: [a, b], lr: 1}\n  high: {<<: *base, lr: 1.0e-2, clip: null}\n";
  writeFileSync(join(root, experiment), text.replace("conditions: {}\n", conditions));
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "Plan");
  const run = ["run", "--experiment", "E001", "--hypothesis", "H001", "--no-commit"];
  await runCli(root, [...run, "--sp", "condition=high,seed=0", "--", "true"]);
  await runCli(root, [...run, "--sp", "condition=high,seed=1", "--", "false"]);
  const id = await runWith(root, "complete");
  await ok(root, "finding", "new", "--title", "It is so", "--experiment", "E001", "--impact", "HIGH", "--cite", id);
  await ok(root, "review", "new", "--target", "F001", "--reviewer", 'Grace "Amazing" Hopper');
  await ok(root, "review", "new", "--challenge-review", "CR001", "--scope", "Steps: all of 2026 # so far");
  return root;
}

/** The id of the only run with a status. */
async function runWith(root: string, status: string): Promise<string> {
  const csv = await ok(root, "runs", "list", "--status", status, "--columns", "id", "--csv");
  const [, id = ""] = csv.split(/\r?\n/);
  return id;
}

function filesOf(root: string): Record<string, string> {
  const paths = globSync(["**/*", "**/.*/**/*"], { cwd: root }).filter((path) => statSync(join(root, path)).isFile());
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(root, path), "utf8")]));
}

describe("the Python package agentic-experiments", () => {
  it("still makes the repository that test/fixtures/python-kb keeps", () => {
    const made = join(tempDir(), "made");
    python("make-python-kb.py", [made]);

    expect(filesOf(made)).toEqual(filesOf(FIXTURE));
  });

  it("finds nothing wrong with notes, runs and citations that aexp made", async () => {
    expect(agentic(await aexpRepo(), { do: "validate" })).toEqual({ notes: [], repo: [] });
  });

  it("reads ids, titles and metadata of notes that aexp made", async () => {
    const root = await aexpRepo();
    const id = await runWith(root, "complete");

    expect(agentic(root, { do: "load" })).toMatchObject({
      T001: {
        kind: "T",
        title: 'What limits "speed": the rate — or the batch? \\ {DATE}',
        metadata: { status: "PROPOSED" },
      },
      H001: { kind: "H", title: "Größere Schritte: schneller", metadata: { status: "TESTING", thread: "T001" } },
      H002: { metadata: { thread: "" } },
      E001: { kind: "E", title: "'Quoted' & [bracketed] #1", metadata: { hypothesis: "H001", aliases: ["E001"] } },
      F001: {
        kind: "F",
        title: "It is so",
        metadata: { experiment: "E001", hypothesis: "H001", impact: "HIGH", supporting_runs: [{ type: "job", id }] },
      },
      L001: { metadata: { source_url: "https://example.org/?a=b#c" } },
      CR001: { metadata: { target_id: "F001", reviewer: 'Grace "Amazing" Hopper' } },
      SR001: { metadata: { challenge_review: "CR001", scope: "Steps: all of 2026 # so far" } },
    });
  });

  it("takes the parameters of a condition as aexp does", async () => {
    const root = await aexpRepo();
    const id = await runWith(root, "complete");
    const run: unknown = await runCliJson(root, ["runs", "show", id]);
    const resolved = agentic(root, { do: "resolve", experiment: "E001", condition: "high" });

    expect(resolved).toEqual({ condition: "high", lr: 0.01, tags: ["a", "b"], clip: null });
    expect(run).toMatchObject({ statepoint: resolved });
  });

  it("reads the ledger that aexp wrote", async () => {
    const root = await aexpRepo();
    const entries = agentic(root, { do: "ledger" });

    expect(typeof entries === "object" && entries !== null ? Object.values(entries) : []).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ status: "complete", registered_machine: "lab" }),
        expect.objectContaining({ status: "failed" }),
      ]),
    );
  });

  it("adds notes below those of aexp, and both validators are content", async () => {
    const root = await aexpRepo();

    expect(agentic(root, { do: "extend", thread: "T001" })).toEqual(["H003", "E002", "F002"]);
    expect(await ok(root, "validate", "--kb-only")).toMatch(/^warning finding\.uncited .*F002.*\n0 errors, 1 warning/);
    expect(agentic(root, { do: "validate" })).toEqual({ notes: [], repo: [] });
  });

  it("is content with what aexp closed, renumbered and repaired", async () => {
    const root = await aexpRepo();
    await ok(root, "thread", "close", "T001", "--promoted", "--conclusion", "Carried on by [[H001]].\n\n- twice");
    const [hypothesis = ""] = globSync("kb/research/hypotheses/H002-*.md", { cwd: root });
    writeFileSync(join(root, hypothesis), readFileSync(join(root, hypothesis), "utf8").replace('["H002"]', "[]"));
    expect((await runCli(root, ["validate", "--fix"])).stdout).toContain("fixed kb.missing_alias");
    await ok(root, "renumber", "H002", hypothesis);

    expect(agentic(root, { do: "validate" })).toEqual({ notes: [], repo: [] });
    expect(agentic(root, { do: "load" })).toMatchObject({ T001: { metadata: { status: "PROMOTED" } } });
  });
});
