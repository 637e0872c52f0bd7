import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { listRuns, takeFirst } from "../../src/app/list-runs.ts";
import { renderRunList, defaultColumns } from "../../src/cli/render/run-list.ts";
import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import { toJobId } from "../../src/run/job-id.ts";
import { openRepo } from "../../src/wiring/open-repo.ts";
import { runCli, runCliJson } from "../helpers/cli.ts";
import { initRepo } from "../helpers/git-repo.ts";
import { addEntry, addRun, addRunFile, addSweep } from "../helpers/sweep.ts";
import { tempDir } from "../helpers/temp-dir.ts";

const OTHER = '{"experiment_id": "E001", "lr": 2.0, "seed": 0}';
const OTHER_ID = toJobId(parseExactObject(OTHER));

async function sweepRepo(): Promise<string> {
  const root = initRepo(tempDir());
  await addSweep(root);
  return root;
}

/** The list as a terminal of this width would show it at a fixed time. */
function screenText(root: string, width: number, color = false): string {
  const repo = { ...openRepo({ cwd: root, env: {}, warn: () => {} }), machineLabel: "laptop" };
  const rows = [...listRuns(repo)].toSorted((a, b) => ((a.createdAt ?? "") < (b.createdAt ?? "") ? 1 : -1));
  const screen = { width, color, isTTY: true, nowMs: Date.parse("2026-03-01T12:00:00Z"), isUnicode: true };
  const context = {
    ...screen,
    isExact: false,
    idLength: 8,
    waitsOf: () => "",
    seriesOf: () => new Map(),
    documentOf: () => ({}),
  };
  return renderRunList({ rows, total: 1243, columns: defaultColumns(rows) }, context, screen);
}

describe("runs list", () => {
  it("shows what differs, newest first, at 120 and 80 columns", async () => {
    const root = await sweepRepo();
    addEntry(root, OTHER_ID, OTHER);

    expect(screenText(root, 120)).toMatchInlineSnapshot(`
      "id        experiment  lr    seed  model.name  model.layers  status      started   duration    loss  machine
      1a177a45  E001        1.0   2     mlp         2             ✓ complete  1 h ago       54 s    0.12  laptop
      90c3a7f6  E001        1.0   1     mlp         2             ✓ complete  1 h ago       54 s    0.11  laptop
      beed262b  E001        1.0   0     mlp         2             ✓ complete  1 h ago       54 s     0.1  laptop
      52b8041b  E001        0.1   2     mlp         2             ✓ complete  1 h ago       54 s  0.5463  laptop
      78cd0aa4  E001        0.1   1     mlp         2             ✗ failed    1 h ago       54 s  0.5363  laptop
      4568cb99  E001        0.1   0     mlp         2             ✓ complete  1 h ago       54 s  0.5263  laptop
      2b04dc9d  E001        0.01  2     mlp         2             ✓ complete  1 h ago       54 s  0.9374  laptop
      c48bf670  E001        0.01  1     mlp         2             ✓ complete  1 h ago       54 s  0.9274  laptop
      d1465224  E001        0.01  0     mlp         2             ✓ complete  1 h ago       54 s  0.9174  laptop
      df1aadff  E001        2     0                               ✓ complete  3 h ago  30 m 00 s    0.25  cluster

      10 of 1,243; --limit shows more"
    `);
    expect(screenText(root, 80)).toMatchInlineSnapshot(`
      "id        experiment  lr    status      started   duration    loss  machine  …
      1a177a45  E001        1.0   ✓ complete  1 h ago       54 s    0.12  laptop   …
      90c3a7f6  E001        1.0   ✓ complete  1 h ago       54 s    0.11  laptop   …
      beed262b  E001        1.0   ✓ complete  1 h ago       54 s     0.1  laptop   …
      52b8041b  E001        0.1   ✓ complete  1 h ago       54 s  0.5463  laptop   …
      78cd0aa4  E001        0.1   ✗ failed    1 h ago       54 s  0.5363  laptop   …
      4568cb99  E001        0.1   ✓ complete  1 h ago       54 s  0.5263  laptop   …
      2b04dc9d  E001        0.01  ✓ complete  1 h ago       54 s  0.9374  laptop   …
      c48bf670  E001        0.01  ✓ complete  1 h ago       54 s  0.9274  laptop   …
      d1465224  E001        0.01  ✓ complete  1 h ago       54 s  0.9174  laptop   …
      df1aadff  E001        2     ✓ complete  3 h ago  30 m 00 s    0.25  cluster  …

      10 of 1,243; --limit shows more"
    `);
  });

  it("colours a status only where colour is wanted", async () => {
    const root = await sweepRepo();

    expect(screenText(root, 120, true)).toContain("\u001b[32m✓ complete\u001b[39m");
    expect((await runCli(root, ["ls"])).stdout).not.toContain("\u001b");
    expect((await runCli(root, ["ls"], { env: { FORCE_COLOR: "1" } })).stdout).toContain("\u001b[31m✗ failed");
  });

  it("joins local runs and ledger entries, the local facts first", async () => {
    const root = initRepo(tempDir());
    const local = await addRun(root, OTHER, { status: "running", created_at: "2026-03-01T10:00:00Z" });
    addEntry(root, OTHER_ID, OTHER, "gpu03");
    const away = '{"seed": 7}';
    addEntry(root, toJobId(parseExactObject(away)), away);

    expect(await runCliJson(root, ["runs", "list"])).toMatchObject([
      { job_id: local, status: "running", machine: "gpu03", local: true, in_ledger: true },
      { status: "complete", machine: "cluster", local: false, in_ledger: true },
    ]);
    expect(await runCliJson(root, ["runs", "list", "--local"])).toHaveLength(1);
    expect(await runCliJson(root, ["runs", "list", "--machine", "cluster"])).toHaveLength(1);
  });

  it.each([
    [["--status", "failed"], 1],
    [["--status", "failed,complete"], 9],
    [["--experiment", "E001"], 9],
    [["--experiment", "E002"], 0],
    [["--hypothesis", "H001"], 9],
    [["--sp", "lr=1.0"], 3],
    [["--sp", "lr=1"], 0],
    [["--sp", "lr=0.1", "--sp", "seed=1"], 1],
    [["--filter", '{"sp.lr": {"$lt": 0.1}}'], 3],
    [["--filter", '{"doc.exit_code": 137}'], 1],
    [["--since", "2026-03-01T10:06:00Z"], 3],
    [["--limit", "2"], 2],
  ])("filters by %j", async (flags, count) => {
    expect(await runCliJson(await sweepRepo(), ["runs", "list", ...flags])).toHaveLength(count);
  });

  it("understands the column language, and sorts", async () => {
    const root = await sweepRepo();
    const columns = "sp.lr,sp.seed,min loss as best,min loss step,mean loss,first loss,doc.aexp.experiment_id";
    const { stdout } = await runCli(root, ["ls", "--columns", columns, "--sort", "-min loss", "--limit", "2", "--csv"]);

    expect(stdout.split("\r\n")).toEqual([
      "lr,seed,best,min loss step,mean loss,first loss,doc.aexp.experiment_id",
      "0.01,2,0.9374,9,0.9776600000000002,1.02,E001",
      "0.01,1,0.9274,9,0.9676600000000001,1.01,E001",
      "",
    ]);
  });

  it.each([
    [["--status", "complet"], 'Did you mean "complete"?'],
    [["--columns", "sp.lrr"], 'Did you mean "lr"?'],
    [["--columns", "statu"], 'Did you mean "status"?'],
    [["--sort", "los"], 'Did you mean "loss"?'],
    [["--columns", "min loss step more"], "is not a column"],
    [["--since", "soon"], "is no point in time"],
    [["--filter", "{"], "--filter"],
  ])("refuses %j", async (flags, message) => {
    const { stderr, exitCode } = await runCli(await sweepRepo(), ["runs", "list", ...flags]);

    expect(stderr).toContain(message);
    expect(exitCode).toBe(2);
  });

  it("prints lines of JSON whose numbers keep their text", async () => {
    const root = initRepo(tempDir());
    await addRun(root, '{"a": 1.0, "b": 9007199254740993, "c": NaN}');
    const { stdout } = await runCli(root, ["list-runs", "--ndjson"]);

    expect(stdout).toContain('"statepoint":{"a":1.0,"b":9007199254740993,"c":null}');
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  it("says something helpful where there is nothing", async () => {
    const root = initRepo(tempDir());

    expect((await runCli(root, ["runs", "list"])).stdout).toContain("No runs yet.");
    expect((await runCli(root, ["runs", "list", "--local"])).stdout).toContain("No run matches.");
    expect((await runCli(root, ["runs", "list", "--json"])).stdout).toBe("[]\n");
  });

  it("shows a stale heartbeat as doubt", async () => {
    const root = initRepo(tempDir());
    const id = await addRun(root, '{"a": 1}', { status: "running", started_at: "2026-03-01T10:00:00Z", attempt: 2 });
    addRunFile(root, id, "attempt-2/heartbeat.json", '{"at": "2026-03-01T11:00:00Z", "pid": 1}');

    expect(await runCliJson(root, ["runs", "list"])).toMatchObject([{ heartbeat_at: "2026-03-01T11:00:00Z" }]);
    expect((await runCli(root, ["runs", "list"])).stdout).toContain("running? last seen");
  });

  it("keeps escape sequences of state points off the screen", async () => {
    const root = initRepo(tempDir());
    await addRun(root, '{"evil": "\\u001b]0;owned\\u0007\\u001b[31mred", "\\u001b[2Jkey": 1}');
    for (const argv of [["ls"], ["ls", "--csv"], ["show", "@last"], ["compare", "@last"], ["diff", "@last", "@last"]]) {
      const { stdout } = await runCli(root, argv);
      expect(stdout).not.toContain("\u001b");
    }
  });

  it("lists a project of signac's own without an error", async () => {
    const root = initRepo(tempDir());
    execFileSync("tar", ["xzf", join(import.meta.dirname, "../fixtures/signac/signac-project.tar.gz"), "-C", root]);
    execFileSync("mv", [join(root, "signac-project"), join(root, ".runs")]);
    const { stdout, stderr, exitCode } = await runCli(root, ["runs", "list"]);

    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout).toContain("· done");
    expect(stdout).toContain("10 runs");
  });

  it("names what it cannot read and goes on", async () => {
    const root = await sweepRepo();
    for (let index = 0; index < 7; index += 1) {
      const folder = join(root, ".runs", "workspace", `${index}`.repeat(32));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "signac_statepoint.json"), "{");
    }
    mkdirSync(join(root, ".aexp", "ledger"), { recursive: true });
    writeFileSync(join(root, ".aexp", "ledger", `${"f".repeat(32)}.json`), "<<<<<<< ours\n");
    const { stdout, stderr } = await runCli(root, ["runs", "list"]);

    expect(stdout).toContain("9 runs");
    expect(stderr.match(/cannot be read/g)).toHaveLength(6);
    expect(stderr).toContain("3 more");
  });

  it("lists a thousand runs", async () => {
    const root = initRepo(tempDir());
    for (let seed = 0; seed < 1000; seed += 1) {
      const statePoint = `{"seed": ${seed}}`;
      const folder = join(root, ".runs", "workspace", toJobId(parseExactObject(statePoint)));
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, "signac_statepoint.json"), statePoint);
      writeFileSync(join(folder, "signac_job_document.json"), '{"status": "complete"}');
    }
    mkdirSync(join(root, ".runs", ".signac"));
    writeFileSync(join(root, ".runs", ".signac", "config"), "schema_version = 2\n");

    expect((await runCli(root, ["ls"])).stdout).toContain("20 of 1,000");
    expect(await runCliJson(root, ["ls"])).toHaveLength(1000);
  });
});

describe("takeFirst", () => {
  it("returns what sorting everything would", () => {
    const numbers = Array.from({ length: 5000 }, (_, index) => (index * 7919) % 5003);

    expect(takeFirst(numbers, 7, ascending)).toEqual({ items: numbers.toSorted(ascending).slice(0, 7), total: 5000 });
    expect(takeFirst([], Infinity, ascending)).toEqual({ items: [], total: 0 });
  });
});

function ascending(a: number, b: number): number {
  return a - b;
}
