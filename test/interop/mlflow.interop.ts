import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

import { listRuns } from "../../src/app/list-runs.ts";
import type { RunRow } from "../../src/app/run-row.ts";
import { toCellText } from "../../src/export/exported-run.ts";
import { pythonFloatText } from "../../src/model/exact-json.ts";
import { chosenParameters } from "../../src/run/parameters.ts";
import { openRepo } from "../../src/wiring/open-repo.ts";
import { runCli } from "../helpers/cli.ts";
import { exportProject } from "../helpers/export-project.ts";

interface MlflowRun {
  readonly experiment: string;
  readonly status: string;
  readonly start: number;
  readonly end: number | null;
  readonly params: Readonly<Record<string, string>>;
  /** As Python prints them. */
  readonly metrics: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
  readonly history: Readonly<Record<string, readonly (readonly [number, string])[]>>;
}

interface MlflowStore {
  readonly experiments: Readonly<Record<string, { readonly id: string; readonly note: string | null }>>;
  readonly runs: Readonly<Record<string, MlflowRun>>;
}

function readWithMlflow(folder: string): MlflowStore {
  const python = process.env["MLFLOW_PYTHON"];
  if (python === undefined) throw new Error("run these checks with `npm run test:interop`");
  const script = join(import.meta.dirname, "mlflow_side.py");
  return JSON.parse(execFileSync(python, ["-W", "ignore", script, folder], { encoding: "utf8" }));
}

async function exported() {
  const project = await exportProject();
  const { exitCode, stderr } = await runCli(project.root, ["export", "--format", "mlflow", "--out", "../mlruns"]);
  expect({ exitCode, stderr: stderr.includes("error") }).toEqual({ exitCode: 0, stderr: false });
  const repo = openRepo({ folder: project.root, cwd: project.root, env: process.env, warn: () => {} });
  return { project, rows: [...listRuns(repo)], store: readWithMlflow(join(project.folder, "mlruns")) };
}

const STATUS: Readonly<Record<string, string>> = { complete: "FINISHED", failed: "FAILED", running: "RUNNING" };

describe("real mlflow", () => {
  it("reads every run with its parameters, last metrics, times and status", async () => {
    const { rows, store, project } = await exported();
    const ours = rows.filter(({ jobId }) => jobId !== project.hostile && jobId !== project.leaking);

    expect(Object.keys(store.runs).toSorted()).toEqual(rows.map(({ jobId }) => jobId));
    expect(ours).toHaveLength(9);
    for (const row of ours) {
      expect(store.runs[row.jobId]).toMatchObject({
        experiment: "E001",
        status: STATUS[row.status ?? ""],
        start: Date.parse(row.startedAt ?? ""),
        end: Date.parse(row.endedAt ?? ""),
        params: paramsOf(row),
        metrics: metricsOf(row),
        tags: {
          "mlflow.runName": row.jobId.slice(0, 8),
          "mlflow.source.git.commit": "ab".repeat(20),
          "mlflow.source.git.repoURL": "https://git.example.org/lab/rates",
          "aexp.run_id": row.jobId,
          "aexp.status": row.status,
          "aexp.machine": "laptop",
          "aexp.exit_code": String(row.exitCode),
          "aexp.hypothesis_id": "H001",
        },
      });
    }
    expect(store.experiments).toEqual({ E001: { id: "1", note: "Learning rates" }, Default: { id: "0", note: null } });
  });

  it("reads every point of every curve", async () => {
    const { store, project } = await exported();
    for (const jobId of project.sweep) {
      const path = join(project.root, ".runs", "workspace", jobId, ".aexp", "metrics.jsonl");
      const points = readFileSync(path, "utf8")
        .trimEnd()
        .split("\n")
        .map((line): { step: number; loss: number } => JSON.parse(line));

      expect(store.runs[jobId]?.history["loss"]).toEqual(
        points.map(({ step, loss }) => [step, pythonFloatText(loss)] as const),
      );
    }
    expect(store.runs[project.leaking]?.history).toEqual({
      loss: [
        [0, "2.0"],
        [1, "1.0"],
        [1, "1e-07"],
      ],
      acc: [[2, "0.5"]],
      steps: [[0, "3.0"]],
    });
  });

  it("reads names and values that it would not have taken, under others", async () => {
    const { store, project } = await exported();
    const hostile = store.runs[project.hostile];
    const leaking = store.runs[project.leaking];

    expect(hostile?.params).toMatchObject({
      "__/__/up": "1",
      a: "2",
      a_b_c: "/etc",
      big: "12345678901234567890",
      tiny: "1e-07",
      list: "[-1, 2.0]",
      none: "null",
      _: "true",
      long: "x".repeat(6000),
    });
    expect(hostile?.tags).toMatchObject({ "aexp.machine": "cluster", "aexp.output.model": "sha256:00 (12 bytes)" });
    expect(leaking).toMatchObject({
      experiment: "Default",
      status: "RUNNING",
      end: null,
      params: { data: "<repository>/data/x.csv", password: "(withheld)" },
      tags: { "aexp.metric.done": "true", "aexp.metric.note": "see <repository>" },
    });
  });
});

function paramsOf(row: RunRow): Record<string, string> {
  return Object.fromEntries([...chosenParameters(row.statePoint)].map(([key, value]) => [key, toCellText(value)]));
}

function metricsOf(row: RunRow): Record<string, string> {
  return Object.fromEntries(Object.entries(row.metrics).map(([name, value]) => [name, pythonFloatText(Number(value))]));
}
