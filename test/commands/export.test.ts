import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { runCli, runCliJson } from "../helpers/cli.ts";
import { exportProject } from "../helpers/export-project.ts";

describe("export", () => {
  it("prints a table, runs by id", async () => {
    const { root, sweep } = await exportProject();
    const { stdout, stderr, exitCode } = await runCli(root, ["export", "F001", "--format", "csv"]);
    const ids = sweep.slice(0, 2).toSorted();

    expect({ stderr, exitCode }).toEqual({ stderr: "", exitCode: 0 });
    expect(stdout.replaceAll("\r\n", "\n")).toBe(
      [
        "id,status,reason,experiment,hypothesis,sub_hypothesis,machine,created_at,started_at,ended_at,wallclock_s,exit_code",
        ",sp.code_commit,sp.code_dirty,sp.experiment_id,sp.lr,sp.model.layers,sp.model.name,sp.seed,metric.accuracy,metric.loss\n",
        ...ids.map((id) => {
          const seed = sweep.indexOf(id);
          const [accuracy, loss] = seed === 0 ? ["0.5", "0.9174"] : ["0.51", "0.9274"];
          const times = `2026-03-01T10:0${seed}:00Z,2026-03-01T10:0${seed}:05Z,2026-03-01T10:0${seed}:59Z`;
          return `${id},complete,,E001,H001,,laptop,${times},54.25,0,${"ab".repeat(20)},false,E001,0.01,2,mlp,${seed},${accuracy},${loss}\n`;
        }),
      ].join(""),
    );
  });

  it("disarms formulas, and keeps folders and secrets of this machine", async () => {
    const { root, hostile } = await exportProject();
    const { stdout, stderr } = await runCli(root, ["export", "--format", "csv"]);
    const line = stdout.split("\r\n").find((text) => text.startsWith(hostile)) ?? "";

    expect(line).toContain(`"'=HYPERLINK(""http://x"")"`);
    expect(line).toContain(",-1.5,");
    expect(line).toContain("a;'=1\t'+2");
    expect(line).toContain("12345678901234567890");
    expect(stdout).not.toContain("\u001b");
    expect(stdout).not.toContain(root);
    expect(stdout).not.toContain("hunter2");
    expect(stderr).toContain("warning: 5 texts named local folders or looked like passwords; they were changed");
  });

  it("prints what runs show says, without what belongs to this machine", async () => {
    const { root, sweep, leaking } = await exportProject();
    const failed = sweep[4] ?? "";
    const shown: object = Object(await runCliJson(root, ["runs", "show", failed]));
    const local = new Set(["local", "folder", "log", "last_error", "waits_for", "next", "heartbeat_at"]);

    expect(JSON.parse((await runCli(root, ["export", failed, "--format", "json"])).stdout)).toEqual([
      Object.fromEntries(Object.entries(shown).filter(([key]) => !local.has(key))),
    ]);
    const { stdout } = await runCli(root, ["export", leaking, "--format", "json", "--ndjson"]);
    expect(
      stdout
        .trimEnd()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toMatchObject([
      {
        job_id: leaking,
        reason: { code: "lost", message: "no file <repository>/gone" },
        summary_metrics: { note: "see <repository>" },
        statepoint: { data: "<repository>/data/x.csv", password: "(withheld)", args: ["--out=<repository>/out"] },
      },
    ]);
    expect(await runCliJson(root, ["export", "--format", "json", "--status", "failed"])).toHaveLength(1);
    expect((await runCli(root, ["export", "--format", "json", "--status", "stopped"])).stdout).toBe("[]\n");
  });

  it.each([
    [[], 11],
    [["E001"], 10],
    [["H001"], 9],
    [["F001"], 2],
    [["--finding", "F001"], 2],
    [["E001", "--finding", "F001", "--sp", "seed=1"], 1],
    [["@last", "F001"], 3],
    [["--experiment", "E001", "--status", "failed"], 1],
    [["--machine", "cluster"], 1],
    [["--local"], 10],
  ])("takes the runs of %j", async (argv, count) => {
    const { root } = await exportProject();
    const { stdout } = await runCli(root, ["export", ...argv, "--format", "json", "--ndjson"]);

    expect(stdout.trimEnd().split("\n")).toHaveLength(count);
  });

  it("says what it wrote", async () => {
    const { root, folder } = await exportProject();

    expect(await runCliJson(root, ["export", "F001", "--format", "mlflow", "--out", "../mlruns"])).toEqual({
      path: join(folder, "mlruns"),
      format: "mlflow",
      runs: 2,
      sanitized: 0,
      notes: [],
    });
    expect(readFileSync(join(folder, "mlruns", "1", "tags", "mlflow.note.content"), "utf8")).toBe("Learning rates");
  });

  it("names what mlflow cannot take as it is", async () => {
    const { root } = await exportProject();
    const { stderr } = await runCli(root, ["export", "--format", "mlflow", "--out", "../mlruns"]);

    expect(stderr).toContain('mlflow takes no parameter named "../../up": it is "__/__/up"');
    expect(stderr).toContain('the parameter "long" is cut to 6000 characters, which is the most that mlflow takes');
    expect(stderr).not.toContain("\u001b");
  });

  it("warns of runs that a finding cites and nobody has", async () => {
    const { root } = await exportProject();
    const path = join(root, "kb/research/findings/F001-quicker-indeed.md");
    writeFileSync(path, readFileSync(path, "utf8").replace(/(?<=id: "?)[0-9a-f]{32}/, "0".repeat(32)));
    const { stderr, stdout } = await runCli(root, ["export", "F001", "--format", "json", "--ndjson"]);

    expect(stderr).toContain(`F001 cites run ${"0".repeat(32)}, which is neither in the ledger nor in the run store`);
    expect(stdout.trimEnd().split("\n")).toHaveLength(1);
  });

  it.each([
    [["--format", "ro-crate"], "--format ro-crate makes a folder, and none is named"],
    [["--format", "csv", "--json"], "--json tells about the file that was written, and none is named"],
    [["--format", "csv", "--ndjson"], "--ndjson goes with --format json, not csv"],
    [["--format", "csv", "--license", "MIT"], "--license and --title go with --format ro-crate, not csv"],
    [["--format", "xml"], "xml"],
    [["--format", "csv", "--force"], "--out"],
    [["F404", "--format", "csv"], "there is no finding F404."],
    [["T001", "--format", "csv"], "T001 has no runs"],
    [["zzzz", "--format", "csv"], '"zzzz" names no run'],
    [[], "format"],
  ])("refuses %j", async (argv, message) => {
    const { root } = await exportProject();
    const { stderr, stdout, exitCode } = await runCli(root, ["export", ...argv]);

    expect(exitCode).toBe(2);
    expect(stderr + stdout).toContain(message);
  });
});
