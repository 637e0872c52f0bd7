import { cpSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { runProcess } from "../helpers/clones.ts";
import { initRepo } from "../helpers/git-repo.ts";
import { addRun, addSweep } from "../helpers/sweep.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const F001 = "kb/research/findings/F001-larger-is-better.md";
const TEXT = `---
id: F001
hypothesis: H001 # the claim
experiment: "[[E001-sweep]]"
impact: HIGH
created: 2026-03-01
---

# F001 — Larger is better

## Evidence

See for yourself.

## Caveats

Few seeds.

## Links
`;

function write(root: string, path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function read(root: string, path = F001): string {
  return readFileSync(join(root, path), "utf8");
}

/** A repository with nine runs of E001, promoted, and a finding that cites none. */
async function sweepProject(text = TEXT): Promise<{ root: string; ids: readonly string[] }> {
  const root = initRepo(join(tempDir(), "project"));
  const ids = await addSweep(root);
  await runCli(root, ["ledger", "backfill", "--machine-label", "laptop"]);
  write(root, F001, text);
  return { root, ids };
}

/** What the validator says about findings. */
async function findingIssues(root: string): Promise<string> {
  const { stdout } = await runCli(root, ["validate"]);
  return stdout
    .split("\n")
    .filter((line) => /\sfinding\./.test(line))
    .join("\n");
}

describe("finding cite", () => {
  it("adds the runs and their results, and keeps every other byte", async () => {
    const { root, ids } = await sweepProject();

    const { stdout, stderr, exitCode } = await runCli(
      root,
      `finding cite F001 ${ids[0]} ${ids[1]?.slice(0, 8)} @last ${ids[0]}`.split(" "),
    );

    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toBe(`F001  ${F001}\n3 new citations; its results are of 3 runs\n`);
    expect(read(root)).toMatchInlineSnapshot(`
      "---
      id: F001
      hypothesis: H001 # the claim
      experiment: "[[E001-sweep]]"
      impact: HIGH
      created: 2026-03-01
      supporting_runs:
        - {type: job, id: "d1465224af44c633553c9e743232a278"}
        - {type: job, id: "c48bf6709a5719d51731b6e6a72e207b"}
        - {type: job, id: "1a177a456ca4e04157fdbe1359c6cb0d"}
      ---

      # F001 — Larger is better

      ## Evidence

      See for yourself.

      <!-- aexp:results:begin -->

      All runs: model.layers=2, model.name=mlp

      | lr   | runs |              accuracy |                  loss |
      | ---- | ---: | --------------------: | --------------------: |
      | 0.01 |    2 | 0.5050 ± 0.0071 (n=2) | 0.9224 ± 0.0071 (n=2) |
      | 1.0  |    1 |                  0.58 |                  0.12 |

      Runs that differ only in their seed are one row: mean ± standard deviation.

      Runs: \`1a177a45\`, \`c48bf670\`, \`d1465224\`. Renew with \`aexp finding refresh F001\`.

      <!-- aexp:results:end -->

      ## Caveats

      Few seeds.

      ## Links
      "
    `);
    expect(await findingIssues(root)).toBe("");
  });

  it("leaves a finding alone that cites the runs already", async () => {
    const { root, ids } = await sweepProject();
    const argv = ["finding", "cite", "f001", ids[0] ?? ""];
    await runCli(root, argv);
    const { mtimeMs, ino } = statSync(join(root, F001));

    const { stdout, exitCode } = await runCli(root, argv);

    expect({ stdout, exitCode }).toEqual({ stdout: "F001 cites this already; nothing was changed.\n", exitCode: 0 });
    expect(statSync(join(root, F001))).toMatchObject({ mtimeMs, ino });
    expect(await runCliJson(root, argv)).toEqual({ id: "F001", path: F001, changed: false, added: [], runs: 1 });
  });

  it("cites the finding's experiment, or a slice of it with typed values", async () => {
    const { root } = await sweepProject();

    expect(await runCliJson(root, ["finding", "cite", "F001", "--batch", "--sp", "lr=0.1,model.name=mlp"])).toEqual({
      id: "F001",
      path: F001,
      changed: true,
      added: [{ type: "batch", experiment_id: "E001", selector: { lr: 0.1, "model.name": "mlp" } }],
      runs: 3,
    });
    expect(await runCliJson(root, ["finding", "cite", "F001", "--batch"])).toMatchObject({ runs: 9 });
    expect(read(root)).toContain("{type: batch, experiment_id: E001, selector: {}}");
    expect(await findingIssues(root)).toMatch(
      /^warning finding.cites_unfinished .*\nwarning finding.cites_unfinished /,
    );
  });

  it.each([
    { argv: ["0123456789abcdef0123456789abcdef"], code: "run.not_found", message: "there is no run 0123" },
    { argv: ["zzzz"], code: "job_id.invalid", message: '"zzzz" names no run' },
    {
      argv: ["--batch", "--sp", "lr=1"],
      code: "finding.cites_nothing",
      message: 'run of E001 with the parameters {"lr": 1} here',
    },
    { argv: [], code: "cli.usage", message: "no run to cite was named" },
    { argv: ["@last", "--sp", "lr=1"], code: "cli.usage", message: "--batch" },
  ])("writes nothing for $argv: $code", async ({ argv, code, message }) => {
    const { root } = await sweepProject();

    const runs = code === "cli.usage" || argv.includes("--batch") ? argv : ["@last", ...argv];
    expect(await runCliJson(root, ["finding", "cite", "F001", ...runs])).toMatchObject({
      error: { code, message: expect.stringContaining(message) },
    });
    expect(read(root)).toBe(TEXT);
  });

  it.each([
    { name: "F002", code: "note.not_found", message: 'there is no finding F002. Did you mean "F001"?' },
    { name: "E001", code: "cli.usage", message: "not a finding" },
    { name: "F007", code: "note.ambiguous", message: "2 notes have the id F007" },
    { name: "F008", code: "note.unreadable", message: "conflict markers" },
  ])("refuses $name: $code", async ({ name, code, message }) => {
    const { root } = await sweepProject();
    for (const slug of ["a", "b"]) write(root, `kb/research/findings/F007-${slug}.md`, TEXT);
    write(root, "kb/research/findings/F008-x.md", "---\n<<<<<<< a\nx: 1\n>>>>>>> b\n---\n");

    expect(await runCliJson(root, ["finding", "cite", name, "@last"])).toMatchObject({
      error: { code, message: expect.stringContaining(message) },
    });
  });

  it("refuses a batch of a finding without an experiment", async () => {
    const { root } = await sweepProject("# F001\n");

    expect(await runCliJson(root, ["finding", "cite", "F001", "--batch"])).toMatchObject({
      error: { code: "cli.usage", message: "F001 names no experiment, so it has no batch of runs to cite" },
    });
  });

  it("warns of runs that have not ended, did not complete, or belong elsewhere", async () => {
    const { root, ids } = await sweepProject();
    const running = await addRun(root, '{"experiment_id": "E001", "lr": 3}', { status: "running" });
    const foreign = await addRun(root, '{"experiment_id": "E002", "lr": 3}', { status: "complete" });

    const { stderr, exitCode } = await runCli(root, ["finding", "cite", "F001", running, foreign, ids[4] ?? ""]);

    expect(exitCode).toBe(0);
    expect(stderr.split("\n")).toEqual([
      `warning: F001 cites a run that has not ended: ${running.slice(0, 8)} (running); \`aexp finding refresh F001\` adds the results later`,
      "warning: F001 cites a run that did not complete: 78cd0aa4 (failed)",
      `warning: F001 is about E001 and cites a run of other experiments: ${foreign.slice(0, 8)} (E002)`,
      "",
    ]);
    expect(read(root)).toContain(`Cited, but no finished run is known: \`${running.slice(0, 8)}\`.`);
  });

  it("keeps Windows line endings, and citations that were written by hand", async () => {
    const hand = `supporting_runs:\n  # the first one\n  - { type: batch, experiment_id: E001, selector: { lr: 0.01 } }\n`;
    const { root } = await sweepProject(TEXT.replace("impact:", `${hand}impact:`).replaceAll("\n", "\r\n"));

    const { exitCode } = await runCli(root, ["finding", "cite", "F001", "--batch", "--sp", "lr=1.0"]);

    expect(exitCode).toBe(0);
    expect(read(root).replaceAll("\r\n", "")).not.toContain("\n");
    const lines = read(root).split("\r\n");
    expect(lines.slice(4, 8)).toEqual([
      "supporting_runs:",
      "  # the first one",
      "  - { type: batch, experiment_id: E001, selector: { lr: 0.01 } }",
      "  - {type: batch, experiment_id: E001, selector: {lr: 1.0}}",
    ]);
    expect(lines.filter((line) => /^\| [01]/.test(line))).toHaveLength(2);
  });

  it("keeps the citations of both of two processes", async () => {
    const { root, ids } = await sweepProject();

    const ended = await Promise.all(ids.slice(0, 2).map((id) => runProcess(root, ["finding", "cite", "F001", id])));

    expect(ended.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
    for (const id of ids.slice(0, 2)) expect(read(root)).toContain(`{type: job, id: "${id}"}`);
    expect(read(root).match(/aexp:results:begin/g)).toHaveLength(1);
    expect((await runCli(root, ["finding", "refresh", "F001", "--check"])).exitCode).toBe(0);
  });
});

describe("finding refresh", () => {
  it("gives the same bytes on a machine that has the ledger only", async () => {
    const { root, ids } = await sweepProject();
    const clone = join(dirname(root), "clone");
    cpSync(root, clone, { recursive: true });
    rmSync(join(clone, ".runs"), { recursive: true });

    const argv = ["finding", "cite", "F001", ids[4] ?? "", "--batch"];
    for (const place of [root, clone]) expect((await runCli(place, argv)).exitCode).toBe(0);

    expect(read(clone)).toBe(read(root));
    expect(read(root)).toContain("| status ");
  });

  it("takes what the ledger says over what only this machine knows", async () => {
    const { root, ids } = await sweepProject();
    await runCli(root, ["finding", "cite", "F001", "--batch"]);
    const before = read(root);
    await addRun(root, '{"experiment_id": "E001", "lr": 3}', { status: "running", summary_metrics: { loss: 7 } });
    const document = `.runs/workspace/${ids[0]}/signac_job_document.json`;
    write(
      root,
      document,
      read(root, document)
        .replace('"complete"', '"running"')
        .replace(/"loss": *[0-9.]+/, '"loss": 7'),
    );

    expect(await runCli(root, ["finding", "refresh", "F001"])).toMatchObject({
      stdout: `${F001}: up to date (9 runs)\n`,
      exitCode: 0,
    });
    expect(read(root, document)).toMatch(/"running"[^]*"loss": 7/);
    expect(read(root)).toBe(before);
  });

  it("renews what has changed, and does not touch the rest", async () => {
    const { root } = await sweepProject();
    await runCli(root, ["finding", "cite", "F001", "--batch"]);
    const before = read(root);
    const { mtimeMs, ino } = statSync(join(root, F001));
    expect(await runCliJson(root, ["finding", "refresh", "F001"])).toEqual([
      { id: "F001", path: F001, changed: false, runs: 9 },
    ]);
    expect(statSync(join(root, F001))).toMatchObject({ mtimeMs, ino });

    await addRun(root, '{"experiment_id": "E001", "lr": 3}', { status: "complete", summary_metrics: { loss: 7 } });

    expect(await runCli(root, ["finding", "refresh", "--all", "--check"])).toMatchObject({
      stdout: `${F001}: out of date (10 runs)\n`,
      exitCode: 1,
    });
    expect(read(root)).toBe(before);
    expect(await runCli(root, ["finding", "refresh", "F001"])).toMatchObject({
      stdout: `${F001}: renewed (10 runs)\n`,
      exitCode: 0,
    });
    expect(read(root).replace(/<!-- aexp:results:begin -->.*<!-- aexp:results:end -->/s, "")).toBe(
      before.replace(/<!-- aexp:results:begin -->.*<!-- aexp:results:end -->/s, ""),
    );
  });

  it("empties the table of a finding that no longer cites anything", async () => {
    const { root, ids } = await sweepProject();
    await runCli(root, ["finding", "cite", "F001", ids[0] ?? ""]);
    writeFileSync(join(root, F001), read(root).replace(/^supporting_runs:\n.*\n/m, ""));

    await runCli(root, ["finding", "refresh", "--all"]);

    expect(read(root)).toContain("No cited run has finished.");
    expect(read(root)).not.toContain(ids[0]?.slice(0, 8));
  });

  it("goes on when one finding fails, and names it", async () => {
    const { root } = await sweepProject();
    await runCli(root, ["finding", "cite", "F001", "--batch"]);
    write(root, F001, read(root).replace("Runs that differ", "Runs that were edited"));
    write(root, "kb/research/findings/F002-broken.md", "---\nsupporting_runs: [\n---\n");
    write(root, "kb/research/findings/F003-uncited.md", TEXT);

    write(root, "kb/research/findings/F004-half.md", read(root).replace("<!-- aexp:results:end -->", ""));

    const all = await runCli(root, ["finding", "refresh", "--all"]);

    expect(all).toMatchObject({ stdout: `${F001}: renewed (9 runs)\n`, exitCode: 3 });
    expect(all.stderr).toMatch(
      /^error: kb\/research\/findings\/F002-broken.md:\d+:\d+ cannot be read: .*\nerror: kb\/research\/findings\/F004-half.md: the markers aexp:results do not make one pair /,
    );
    const named = await runCli(root, ["finding", "refresh", "F001", "F009", "F003", "--json"]);
    expect(named.exitCode).toBe(3);
    expect(JSON.parse(named.stdout)).toEqual([
      { id: "F001", path: F001, changed: false, runs: 9 },
      { id: "F009", changed: false, code: "note.not_found", message: expect.stringContaining("F009") },
      { id: "F003", path: "kb/research/findings/F003-uncited.md", changed: false, runs: 0 },
    ]);
    expect((await runCli(root, ["finding", "refresh", "F003"])).stdout).toMatch(/F003-uncited.md: cites no run\n$/);
  });

  it.each([
    { argv: [], message: "no finding to refresh was named" },
    { argv: ["F001", "--all"], message: "--all takes no findings" },
  ])("refuses $argv", async ({ argv, message }) => {
    const { root } = await sweepProject();

    const { stderr, exitCode } = await runCli(root, ["finding", "refresh", ...argv]);

    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  it("says that nothing cites a run", async () => {
    const { root } = await sweepProject();

    expect(await runCli(root, ["finding", "refresh", "--all"])).toMatchObject({
      stdout: "No finding cites a run.\n",
      exitCode: 0,
    });
  });
});
