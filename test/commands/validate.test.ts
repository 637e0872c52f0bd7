import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { buildDataset } from "../../bench/dataset.ts";
import { identifyProcess } from "../../src/executor/local/process-identity.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { tempDir } from "../helpers/temp-dir.ts";

describe("aexp validate", () => {
  it("finds nothing wrong in a sound repository, at any size", async () => {
    const root = dataset({ runs: 30, entries: 30, findings: 5, citations: 4 });

    expect(await runCli(root, ["validate"])).toEqual({
      stdout: "0 errors, 0 warnings (30 runs, 30 ledger entries, 5 findings, 7 notes checked)\n",
      stderr: "",
      exitCode: 0,
    });
  });

  it("prints the same under --json and --format json", async () => {
    const root = dataset({ runs: 2, entries: 1, findings: 1, citations: 1 });
    const plain = await runCli(root, ["validate", "--json"]);

    expect(JSON.parse(plain.stdout)).toMatchObject({ ok: true, counts: { errors: 0, warnings: 1, runs: 2 } });
    expect((await runCli(root, ["validate", "--format", "json"])).stdout).toBe(plain.stdout);
    expect((await runCli(root, ["validate", "--json", "--format", "sarif"])).stdout).toBe(plain.stdout);
  });

  it("prints SARIF", async () => {
    const root = dataset({ runs: 1, entries: 0, findings: 0, citations: 0 });
    const { stdout } = await runCli(root, ["validate", "--format", "sarif"], { isTTY: true });

    expect(JSON.parse(stdout)).toMatchObject({ version: "2.1.0", runs: [{ results: [{ ruleId: "run.unpromoted" }] }] });
  });

  it("counts entries that are not committed", async () => {
    const root = dataset({ runs: 3, entries: 3, findings: 0, citations: 0 });
    git(root, "rm", "--cached", "--quiet", "-r", ".aexp/ledger");
    configure(root);
    git(root, "commit", "--quiet", "--message", "Forget the ledger");

    expect((await runCli(root, ["validate"])).stdout).toMatchInlineSnapshot(`
      "warning ledger.uncommitted .aexp/ledger 3 entries are not committed, so other machines cannot see them: run \`aexp sync\`
      0 errors, 1 warning (3 runs, 3 ledger entries, 0 findings, 2 notes checked)
      "
    `);
    expect((await runCli(root, ["validate", "--kb-only"])).stdout).not.toContain("uncommitted");
  });

  it("takes a running run for alive while its heartbeat is young or its process is there", async () => {
    const root = dataset({ runs: 3, entries: 0, findings: 0, citations: 0 });
    const [young = "", alive = "", dead = ""] = await jobIds(root);
    const old = new Date(Date.now() - 3_600_000).toISOString();
    makeRunning(root, young, { at: new Date().toISOString(), pid: 999_999_999 });
    makeRunning(root, alive, { at: old, pid: process.pid });
    makeRunning(root, dead, { at: old, pid: 999_999_999 });

    const { stdout } = await runCli(root, ["validate"]);
    expect(stdout.match(/run\.stale_running \S+/g)).toEqual([`run.stale_running .runs/workspace/${dead}`]);
    // With heartbeats once a day, none of them is late.
    for (const day of ["86400", "1d"]) {
      expect((await runCli(root, ["validate"], { env: { AEXP_HEARTBEAT_S: day } })).stdout).not.toContain("stale");
    }
  });

  it("refuses a time between heartbeats that is none, as `aexp run` does", async () => {
    const root = dataset({ runs: 1, entries: 0, findings: 0, citations: 0 });

    const { exitCode, stderr } = await runCli(root, ["validate"], { env: { AEXP_HEARTBEAT_S: "soon" } });

    expect(exitCode).toBe(2);
    expect(stderr).toContain('AEXP_HEARTBEAT_S="soon" is not a duration');
  });

  it.each([
    { args: ["--strict-runs=loud"], message: 'unknown strictness "loud".' },
    { args: ["--strict-runs", "warning"], message: 'unknown strictness "warning". Did you mean "warn"?' },
    { args: ["--kb-only", "--runs-only"], message: "--runs-only" },
    { args: ["--format", "xml"], message: "xml" },
    { args: ["../elsewhere"], message: "is outside the repository" },
  ])("refuses $args", async ({ args, message }) => {
    const root = dataset({ runs: 0, entries: 0, findings: 0, citations: 0 });
    const { stdout, stderr, exitCode } = await runCli(root, ["validate", ...args]);

    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).toContain(message);
  });

  it("limits the issues to the named paths, from any folder, and says when one names nothing", async () => {
    const root = dataset({ runs: 1, entries: 1, findings: 3, citations: 0 });

    const one = await runCli(join(root, "kb"), ["validate", "research/findings/F002-claim.md"]);
    expect(one.stdout).toMatchInlineSnapshot(`
      "warning finding.uncited kb/research/findings/F002-claim.md the finding cites no run: add supporting_runs to its frontmatter
      0 errors, 1 warning (1 run, 1 ledger entry, 1 finding, 1 note checked)
      "
    `);
    expect(await runCli(root, ["validate", "."])).toMatchObject({
      stdout: expect.stringContaining("3 warnings"),
      stderr: "",
    });
    expect(await runCli(root, ["validate", ".aexp/ledger"])).toMatchObject({
      stdout: expect.stringContaining("1 ledger"),
      stderr: "",
    });
    expect((await runCli(root, ["validate", "kb/typo.md"])).stderr).toContain('"kb/typo.md"');
  });
});

describe("aexp validate on hostile input", () => {
  it("follows symbolic links only inside the repository", async () => {
    const root = dataset({ runs: 1, entries: 1, findings: 1, citations: 1 });
    const findings = join(root, "kb/research/findings");
    writeFileSync(join(tempDir(), "outside.md"), "---\na: 1\n---\n");
    const text = readFileSync(join(findings, "F001-claim.md"), "utf8");
    mkdirSync(join(root, "drafts"));
    writeFileSync(join(root, "drafts/claim.md"), text.replaceAll("F001", "F002"));
    symlinkSync("../../../drafts/claim.md", join(findings, "F002-inside.md"));
    symlinkSync("/etc/hostname", join(findings, "F003-outside.md"));
    symlinkSync("nowhere.md", join(findings, "F004-dangling.md"));
    mkdirSync(join(findings, "F005-folder.md"));

    await runCli(root, ["validate", "--fix"]);
    expect((await runCli(root, ["validate"])).stdout).toMatchInlineSnapshot(`
      "error finding.unreadable kb/research/findings/F003-outside.md the file is a symbolic link that leads out of the repository
      error finding.unreadable kb/research/findings/F004-dangling.md the file is a symbolic link to nothing
      error finding.unreadable kb/research/findings/F005-folder.md it is a folder
      3 errors, 0 warnings (1 run, 1 ledger entry, 5 findings, 7 notes checked)
      "
    `);
  });

  it("reports folders that lead out of the repository, and judges no citation by half the evidence", async () => {
    const root = dataset({ runs: 2, entries: 2, findings: 2, citations: 1 });
    const outside = tempDir();
    for (const path of [".aexp/ledger", "kb/research/experiments"]) {
      const target = join(outside, path.replaceAll("/", "-"));
      renameSync(join(root, path), target);
      symlinkSync(target, join(root, path));
    }
    rmSync(join(root, ".runs"), { recursive: true });

    const { stdout, exitCode } = await runCli(root, ["validate"]);
    expect(stdout.replaceAll(root, "/repo")).toMatchInlineSnapshot(`
      "error validate.check_failed .aexp/ledger reading the ledger failed: "/repo/.aexp/ledger" is a symbolic link; the ledger is neither read nor written through it
      error kb.filesystem kb/research/experiments the folder leads out of the repository; the notes there are not read
      2 errors, 0 warnings (0 runs, 0 ledger entries, 2 findings, 3 notes checked)
      "
    `);
    expect(exitCode).toBe(1);
  });

  it("reports a findings folder that leads out of the repository, and a store of another version", async () => {
    const root = dataset({ runs: 1, entries: 1, findings: 1, citations: 1 });
    renameSync(join(root, "kb/research/findings"), join(tempDir(), "findings"));
    symlinkSync(tempDir(), join(root, "kb/research/findings"));
    writeFileSync(join(root, ".runs/.signac/config"), "schema_version = 1\n");

    const { stdout } = await runCli(root, ["validate"]);
    expect(stdout.match(/^error \S+ \S+/gm)).toEqual([
      "error validate.check_failed .runs",
      "error kb.filesystem kb/research/findings",
    ]);
  });

  it("reports notes that are too large, or no UTF-8", async () => {
    const root = dataset({ runs: 1, entries: 1, findings: 0, citations: 0 });
    const findings = join(root, "kb/research/findings");
    mkdirSync(findings);
    writeFileSync(join(findings, "F001-large.md"), "---\na: 1\n---\n");
    truncateSync(join(findings, "F001-large.md"), 50 * 1024 * 1024);
    writeFileSync(join(findings, "F002-bytes.md"), Buffer.from([0x2d, 0x2d, 0x2d, 0x0a, 0xff, 0xfe, 0x0a]));

    expect((await runCli(root, ["validate"])).stdout).toMatchInlineSnapshot(`
      "error finding.unreadable kb/research/findings/F001-large.md the file is larger than 4 MiB
      error finding.unreadable kb/research/findings/F002-bytes.md the file is not UTF-8 text
      2 errors, 0 warnings (1 run, 1 ledger entry, 2 findings, 4 notes checked)
      "
    `);
  });

  it("reports an index that is a symbolic link, and entries with control characters, without passing these on", async () => {
    const root = dataset({ runs: 0, entries: 0, findings: 0, citations: 0 });
    mkdirSync(join(root, ".aexp/runs-index"));
    symlinkSync("/etc/hostname", join(root, ".aexp/runs-index/link.json"));
    mkdirSync(join(root, "kb/research/findings"), { recursive: true });
    writeFileSync(join(root, "kb/research/findings/F001-x.md"), '---\nsupporting_runs: "\\e[31mred"\n---\n');

    const { stdout } = await runCli(root, ["validate"]);
    expect(stdout).toContain("index.malformed .aexp/runs-index/link.json the file is a symbolic link");
    expect(stdout).not.toContain("\u001b");
  });
});

function dataset(size: Parameters<typeof buildDataset>[1]): string {
  const root = join(tempDir(), "repo with ' space");
  buildDataset(root, size);
  return root;
}

function configure(root: string): void {
  initRepo(root);
}

async function jobIds(root: string): Promise<string[]> {
  const report = await runCliJson(root, ["validate"]);
  return [...JSON.stringify(report).matchAll(/workspace\/([0-9a-f]{32})/g)].map(([, id = ""]) => id);
}

function makeRunning(root: string, jobId: string, heartbeat: { at: string; pid: number }): void {
  const folder = join(root, ".runs/workspace", jobId);
  mkdirSync(join(folder, ".aexp/attempt-1"), { recursive: true });
  writeFileSync(join(folder, ".aexp/attempt-1/heartbeat.json"), JSON.stringify(heartbeat));
  const document = {
    aexp: { experiment_id: "E001" },
    status: "running",
    attempt: 1,
    started_at: "2026-01-01T00:00:00Z",
    queue: { proc: identifyProcess(heartbeat.pid, heartbeat.pid) },
  };
  writeFileSync(join(folder, "signac_job_document.json"), JSON.stringify(document));
}
