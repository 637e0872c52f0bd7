/** Builds a repository of any size, deterministic, with the project's own code. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { projectEntry } from "../src/ledger/entry.ts";
import { toInstant } from "../src/model/clock.ts";
import { type Exact, ExactNumber, toExact, toPythonJson, toSortedPrettyJson } from "../src/model/exact-json.ts";
import { PROJECT_CONFIG } from "../src/run/fs/project-config.ts";
import { type JobId, toJobId } from "../src/run/job-id.ts";

/** How much of everything. The first `entries` runs have a ledger entry. */
export interface DatasetSize {
  readonly runs: number;
  readonly entries: number;
  readonly findings: number;
  readonly citations: number;
}

const RUNS_PER_EXPERIMENT = 1000;
const START_MS = Date.UTC(2026, 0, 1);
const COMMIT = "4b825dc642cb6eb9a060e54bf8d69288fbee4904";

/** Writes runs, ledger, notes and a git commit of what is shared into a new folder. */
export function buildDataset(folder: string, size: DatasetSize): void {
  const workspace = join(folder, ".runs", "workspace");
  const ledger = join(folder, ".aexp", "ledger");
  for (const path of [workspace, ledger, join(folder, ".runs", ".signac")]) mkdirSync(path, { recursive: true });
  writeFileSync(join(folder, ".runs", ".signac", "config"), PROJECT_CONFIG);
  writeFileSync(join(folder, ".aexp", "installed.json"), MARKER);
  writeFileSync(join(folder, ".gitignore"), ".aexp/*\n!.aexp/ledger/\n/.runs/\n");

  const jobIds = Array.from({ length: size.runs }, (_, index) =>
    writeRun(workspace, index < size.entries ? ledger : undefined, index),
  );
  writeExperiments(folder, Math.ceil(size.runs / RUNS_PER_EXPERIMENT));
  writeFindings(folder, size, jobIds);
  commitAll(folder);
}

const MARKER = `${JSON.stringify({ schema_version: 1, version: "0.1.0", run_store_path: ".runs", machine_label: "bench" }, null, 2)}\n`;

function writeRun(workspace: string, ledger: string | undefined, index: number): JobId {
  const experimentId = idOf("E", Math.floor(index / RUNS_PER_EXPERIMENT) + 1);
  const statePoint = new Map<string, Exact>([
    ["experiment_id", experimentId],
    ["hypothesis_id", "H001"],
    ["code_commit", COMMIT],
    ["code_dirty", false],
    ["lr", ExactNumber.float(10 ** -(index % 5))],
    ["batch", ExactNumber.int(String(16 << (index % 4)))],
    ["seed", ExactNumber.int(String(index))],
    ["optimizer", index % 2 === 0 ? "sgd" : "adam"],
  ]);
  const startMs = START_MS + index * 1000;
  const document = toExact({
    aexp: { experiment_id: experimentId, experiment_path: null, hypothesis_id: "H001", sub_hypothesis_id: null },
    status: "complete",
    created_at: toInstant(startMs),
    started_at: toInstant(startMs),
    ended_at: toInstant(startMs + 60_000),
    wallclock_s: 60.125,
    exit_code: 0,
    attempt: 1,
    summary_metrics: { loss: 1 / (index + 2), accuracy: 0.5 + 0.5 / (index + 2), epoch: 60 },
  });
  if (!(document instanceof Map)) throw new Error("a document is an object");
  const jobId = toJobId(statePoint);
  mkdirSync(`${workspace}/${jobId}`);
  writeFileSync(`${workspace}/${jobId}/signac_statepoint.json`, toPythonJson(statePoint));
  writeFileSync(`${workspace}/${jobId}/signac_job_document.json`, toPythonJson(document));
  const entry = projectEntry({
    jobId,
    statePoint,
    document,
    machineLabel: "bench",
    promotedAt: toInstant(startMs + 61_000),
  });
  if (ledger !== undefined && entry !== undefined) {
    writeFileSync(`${ledger}/${jobId}.json`, toSortedPrettyJson(entry));
  }
  return jobId;
}

function writeExperiments(folder: string, count: number): void {
  const path = join(folder, "kb", "research", "experiments");
  mkdirSync(path, { recursive: true });
  for (let number = 1; number <= count; number += 1) {
    const id = idOf("E", number);
    writeFileSync(
      join(path, `${id}-sweep.md`),
      `---\naliases: [${id}]\nstatus: RUNNING\nhypothesis: "[[H001]]"\ncreated: 2026-01-01\n---\n# ${id}: Sweep\n`,
    );
  }
}

function writeFindings(folder: string, size: DatasetSize, jobIds: readonly JobId[]): void {
  const path = join(folder, "kb", "research", "findings");
  mkdirSync(path, { recursive: true });
  for (let number = 1; number <= size.findings; number += 1) {
    const id = idOf("F", number);
    // A stride that shares no factor with round sizes spreads the citations over all runs.
    const cited = Array.from(
      { length: size.citations },
      (_, index) => jobIds[((number * size.citations + index) * 7919) % Math.max(1, jobIds.length)] ?? "",
    );
    writeFileSync(join(path, `${id}-claim.md`), findingText(id, cited));
  }
}

function findingText(id: string, cited: readonly string[]): string {
  const citations = cited.map((jobId) => `  - { type: job, id: "${jobId}" }`).join("\n");
  return `---
aliases: [${id}]
hypothesis: "[[H001]]"
experiment: "[[E001]]"
impact: MEDIUM
created: 2026-01-01
supporting_runs:
${citations}
---
# ${id}: A claim

## Finding
What was seen.

## Links
- [[H001]]
- [[E001]]
`;
}

function commitAll(folder: string): void {
  const git = (...args: string[]): void => {
    execFileSync("git", ["-c", "user.name=Bench", "-c", "user.email=bench@example.org", "-c", "gc.auto=0", ...args], {
      cwd: folder,
      stdio: "ignore",
    });
  };
  git("init", "--quiet", "--initial-branch=main");
  git("add", "--all");
  git("commit", "--quiet", "--message", "Data set", "--no-gpg-sign");
}

function idOf(prefix: string, number: number): string {
  return `${prefix}${String(number).padStart(3, "0")}`;
}
