import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import { toJobId } from "../../src/run/job-id.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { git, initRepo } from "../helpers/git-repo.ts";
import { addEntry, addRun, addRunFile, addSweep } from "../helpers/sweep.ts";
import { tempDir } from "../helpers/temp-dir.ts";

async function sweepRepo() {
  const root = initRepo(tempDir());
  return { root, ids: await addSweep(root) };
}

/** The screen without what changes from test to test. */
async function screen(root: string, ...argv: string[]): Promise<string> {
  const { stdout } = await runCli(root, argv);
  return stdout.replaceAll(root, "ROOT").replaceAll(/^ {2}machine .*$/gm, "  machine     HOST");
}

describe("runs show", () => {
  it("tells how a run failed, and what to do", async () => {
    const { root, ids } = await sweepRepo();
    const [, , , , failed = ""] = ids;
    addRunFile(
      root,
      ids[4] ?? ids[0] ?? toJobId(new Map()),
      "attempt-1/stderr.log",
      "warming up\n\u001b[31mboom\u001b[0m\n",
    );

    expect(await screen(root, "runs", "show", failed.slice(0, 8))).toMatchInlineSnapshot(`
      "run 78cd0aa44d639f89f5d64f2b7f43a9f7
      ✗ failed: exit 137, killed by SIGKILL, after 54 s
        experiment  E001
        hypothesis  H001
        machine     HOST
        created     2026-03-01T10:04:00Z
        started     2026-03-01T10:04:05Z
        ended       2026-03-01T10:04:59Z
        duration    54 s
        ledger      not in the ledger
        where       ROOT/.runs/workspace/78cd0aa44d639f89f5d64f2b7f43a9f7

      Parameters
        lr            0.1
        seed          1
        model.name    mlp
        model.layers  2

      Metrics
        metric      last  min at step  max at step
        loss      0.5363  0.5363 at 9    1.01 at 0
        accuracy    0.54

      Code
        commit abababababababababababababababababababab

      End of stderr
        warming up
        boom

      Next
        aexp runs logs 78cd0aa4 --stderr  (read all that it said)
        aexp ledger promote 78cd0aa4  (put it in the ledger)
      "
    `);
  });

  it("tells of a run of another machine what its entry knows", async () => {
    const root = initRepo(tempDir());
    const statePoint = '{"experiment_id": "E001", "lr": 2.5}';
    const id = toJobId(parseExactObject(statePoint));
    addEntry(root, id, statePoint);

    expect(await screen(root, "show", id)).toMatchInlineSnapshot(`
      "run ac1bc4722ab862e78eb6bdcc047545ec
      ✓ complete after 30 m 00 s
        experiment  E001
        machine     HOST
        started     2026-03-01T09:00:00Z
        ended       2026-03-01T09:30:00Z
        duration    30 m 00 s
        ledger      promoted
        where       only in the ledger; its files are on cluster

      Parameters
        lr  2.5

      Metrics
        metric  last
        loss    0.25

      Outputs
        model  sha256:00  12 bytes

      Next
        aexp runs show ac1bc472  (on cluster: logs, files, curves)
        aexp runs compare --experiment E001  (see it among its siblings)
      "
    `);
    expect(await runCliJson(root, ["show", id])).toMatchObject({
      local: false,
      machine: "cluster",
      outputs: [{ name: "model" }],
    });
  });

  it("names attempts, last error, changed files and reasons", async () => {
    const root = initRepo(tempDir());
    const id = await addRun(root, '{"a": 1, "code_commit": "", "code_dirty": true}', {
      status: "failed",
      reason: { code: "exit_nonzero", message: "exit 3" },
      exit_code: 3,
      attempt: 2,
      attempts: [
        { n: 1, status: "failed" },
        { n: 2, status: "failed", host: "gpu03" },
      ],
      queue: { last_error: { returncode: 3, stderr_tail: "it broke\n", failed_at: "2026-03-01T10:00:00Z" } },
      tracker: { url: "https://tracker.example.org/1" },
    });
    addRunFile(
      root,
      id,
      "attempt-2/code.patch",
      "diff --git a/train.py b/train.py\n--- a/train.py\n+++ b/train.py\n@@ -1 +1 @@\n-a\n+b\n",
    );
    const text = await screen(root, "show-run", "@last");

    for (const part of [
      "failed: exit 3, on gpu03",
      "attempts    2",
      "it broke",
      "changed  train.py",
      "https://tracker",
    ]) {
      expect(text).toContain(part);
    }
    expect(text).toContain(`aexp runs link ${id.slice(0, 8)}`);
  });

  it("names the findings that rest on the run", async () => {
    const { root, ids } = await sweepRepo();
    const folder = join(root, "kb", "research", "findings");
    mkdirSync(folder, { recursive: true });
    const items = {
      "F001-one.md": `{ type: job, id: "${ids[0]}" }`,
      "F002-batch.md": "{ type: batch, experiment_id: E001, selector: { lr: 0.01 } }",
      "F003-other.md": "{ type: batch, experiment_id: E001, selector: { lr: 1.0 } }",
    };
    for (const [name, item] of Object.entries(items)) {
      writeFileSync(join(folder, name), `---\nsupporting_runs:\n  - ${item}\n---\n`);
    }

    expect(await runCliJson(root, ["show", ids[0] ?? ""])).toMatchObject({ cited_by: ["F001", "F002"] });
    expect(await screen(root, "show", ids[0] ?? "")).toContain("cited by    F001, F002");
  });

  it("refuses an unknown run", async () => {
    const { root } = await sweepRepo();

    expect(await runCli(root, ["show", "ffffffff"])).toMatchObject({ exitCode: 2, stdout: "" });
  });
});

describe("runs compare", () => {
  it("folds seeds and shows what differs", async () => {
    const { root } = await sweepRepo();

    expect(await screen(root, "compare", "--experiment", "E001", "--metric", "loss")).toMatchInlineSnapshot(`
      "                2b04dc9d +2           4568cb99 +2        1a177a45 +2
      lr                     0.01                   0.1                1.0
      status           3 complete  2 complete, 1 failed         3 complete
      loss    0.9274 ± 0.01 (n=3)   0.5363 ± 0.01 (n=3)  0.11 ± 0.01 (n=3)

      2 equal parameters not shown; --all shows them.

      Runs that differ only in their seed are folded: mean ± standard deviation (number of runs).
      "
    `);
  });

  it("shows more than four as lines, never a bare mean of one", async () => {
    const { root, ids } = await sweepRepo();
    for (const lr of ["3.0", "4.0"]) {
      await addRun(root, `{"experiment_id": "E001", "lr": ${lr}, "seed": 0, "model": {"name": "mlp", "layers": 2}}`, {
        status: "complete",
        summary_metrics: { loss: 0.5 },
      });
    }
    const text = await screen(root, "compare", "--experiment", "E001", "--metric", "loss", "--baseline", ids[0] ?? "");

    expect(text).toMatchInlineSnapshot(`
      "runs         lr    seed  status                                          loss
      2b04dc9d +2  0.01        3 complete            0.9274 ± 0.01 (n=3) (baseline)
      4568cb99 +2  0.1         2 complete, 1 failed   0.5363 ± 0.01 (n=3) (−0.3911)
      1a177a45 +2  1.0         3 complete               0.11 ± 0.01 (n=3) (−0.8174)
      0a18aee1     3.0   0     ✓ complete                             0.5 (−0.4274)
      2f8b2afa     4.0   0     ✓ complete                             0.5 (−0.4274)

      2 equal parameters not shown; --all shows them.

      Runs that differ only in their seed are folded: mean ± standard deviation (number of runs).
      "
    `);
    expect(text).not.toContain("n=1");
  });

  it("compares named runs in their order, against a baseline", async () => {
    const { root, ids } = await sweepRepo();
    const [a = "", , , b = ""] = ids;

    expect(await screen(root, "compare", b, a, "--baseline", a, "--all")).toMatchInlineSnapshot(`
      "                      4568cb99           d1465224
      lr                         0.1               0.01
      seed                         0                  0
      model.name                 mlp                mlp
      model.layers                 2                  2
      loss          0.5263 (−0.3911)  0.9174 (baseline)
      accuracy          0.53 (+0.03)     0.5 (baseline)
      "
    `);
    expect(await runCliJson(root, ["compare", b, a, "--baseline", a])).toMatchObject({
      differing: ["lr"],
      baseline: [a],
      groups: [
        { job_ids: [b], metrics: { loss: { n: 1 } } },
        { job_ids: [a], metrics: { loss: { delta: 0 } } },
      ],
    });
  });

  it("draws the curves", async () => {
    const { root } = await sweepRepo();
    const { stdout } = await runCli(root, ["compare", "--experiment", "E001", "--metric", "loss", "--plot", "--log"], {
      env: { LC_ALL: "C.UTF-8" },
    });

    expect(stdout).toMatch(/[\u2801-\u28ff]/);
    expect(stdout).toContain("b  lr=0.1 (n=3)");
  });

  it("says where curves would come from", async () => {
    const root = initRepo(tempDir());
    await addRun(root, '{"a": 1}', { summary_metrics: { loss: 1 } });

    expect(await screen(root, "compare", "@last", "--plot")).toContain("AEXP_METRICS_FILE");
  });

  it.each([
    [[], "no run to compare"],
    [["--experiment", "E009"], "no run matches"],
    [["--experiment", "E001", "--metric", "los"], 'Did you mean "loss"?'],
  ])("refuses %j", async (argv, message) => {
    const { root } = await sweepRepo();
    const { stderr, exitCode } = await runCli(root, ["compare", ...argv]);

    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });
});

describe("runs diff", () => {
  it("shows parameters, code, environment, outcome and metrics", async () => {
    const root = initRepo(tempDir());
    const commits = ["print(1)\n", "print(2)\n"].map((text) => {
      writeFileSync(join(root, "train.py"), text);
      git(root, "add", ".");
      git(root, "commit", "--quiet", "-m", "x");
      return git(root, "rev-parse", "HEAD");
    });
    const ids = [];
    for (const [index, commit] of commits.entries()) {
      const id = await addRun(root, `{"code_commit": "${commit}", "code_dirty": true, "lr": 0.${index + 1}}`, {
        status: index === 0 ? "failed" : "complete",
        summary_metrics: { loss: 0.5 - index / 8 },
      });
      addRunFile(
        root,
        id,
        "attempt-1/env.json",
        JSON.stringify({ names: ["PATH", `ONLY_${index}`], values: { AEXP_JOB_ID: id } }),
      );
      addRunFile(root, id, "attempt-1/command.json", JSON.stringify({ argv: ["python", `${index}.py`] }));
      addRunFile(root, id, "attempt-1/code.patch", `diff --git a/x b/x\n+patch ${index}\n`);
      ids.push(id);
    }
    const text = (await screen(root, "diff", ...ids)).replaceAll(/\b[0-9a-f]{7,40}\b/g, "HASH");

    expect(text).toMatchInlineSnapshot(`
      "HASH → HASH

      Parameters
            before  after  change
        lr  0.1     0.2      +0.1

      Code
        HASH with uncommitted changes → HASH with uncommitted changes

        Between the commits:
         train.py | 2 +-
         1 file changed, 1 insertion(+), 1 deletion(-)

        diff --git a/train.py b/train.py
        index HASH..HASH 100644
        --- a/train.py
        +++ b/train.py
        @@ -1 +1 @@
        -print(1)
        +print(2)

        Uncommitted before:
        diff --git a/x b/x
        +patch 0

        Uncommitted after:
        diff --git a/x b/x
        +patch 1

      Environment
                 before       after
        ONLY_0   set          —
        command  python 0.py  python 1.py
        ONLY_1   —            set

      Outcome
                before  after
        status  failed  complete

      Metrics
              before  after  change
        loss  0.5     0.375  −0.125
      "
    `);
    const { stdout } = await runCli(root, ["diff", ...ids], { env: { FORCE_COLOR: "1" } });
    expect(stdout).toContain("\u001b[32m+print(2)\u001b[39m");
    expect(await runCliJson(root, ["diff", ...ids])).toMatchObject({
      code: { same: false, before: { commit: commits[0] } },
    });
  });

  it("says so when nothing differs, or when commits are not here", async () => {
    const root = initRepo(tempDir());
    const a = await addRun(root, `{"code_commit": "${"a".repeat(40)}"}`);
    const b = await addRun(root, `{"code_commit": "${"b".repeat(40)}"}`);

    expect(await screen(root, "diff", a, a)).toContain("no recorded difference");
    expect(await screen(root, "diff", a, b)).toContain("does not have both commits");
  });
});

describe("batch", () => {
  it("lists slices by experiment and condition", async () => {
    const { root } = await sweepRepo();
    await addRun(root, '{"experiment_id": "E002", "condition": "base"}', {
      status: "queued",
      created_at: "2026-03-02T00:00:00Z",
    });

    expect(await screen(root, "batch", "list")).toMatchInlineSnapshot(`
      "experiment  condition  runs  ◷ queued  ✓ complete  ✗ failed  newest
      E001                      9         0           8         1  2026-03-01T10:08:00Z
      E002        base          1         1           0         0  2026-03-02T00:00:00Z
      "
    `);
    expect(await runCliJson(root, ["list-batches", "--experiment", "E002"])).toEqual([
      { experiment_id: "E002", condition: "base", runs: 1, statuses: { queued: 1 }, newest: "2026-03-02T00:00:00Z" },
    ]);
    expect(await screen(root, "batch", "show", "--experiment", "E002")).toContain("1 run");
    expect(await runCliJson(root, ["show-batch", "--experiment", "E001"])).toMatchObject({ batches: [{ runs: 9 }] });
  });

  it("says what is missing where there is none", async () => {
    expect(await screen(initRepo(tempDir()), "batch", "list")).toContain("No batches");
  });
});
