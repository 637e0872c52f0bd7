/** Builds a repository of any size, deterministic, with the project's own code. */
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import type { NoteKind } from "../src/kb/artifact.ts";
import { folderOf } from "../src/kb/note-place.ts";
import { OWN_TEMPLATES } from "../src/kb/own-templates.ts";
import { fillTemplate, type PlaceholderValues } from "../src/kb/template.ts";
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
  /** So many threads, each with one hypothesis and that with one experiment; without it one hypothesis has all experiments. */
  readonly chains?: number;
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
    writeRun(workspace, { ledger: index < size.entries ? ledger : undefined, index, size }),
  );
  writeNotes(folder, size, jobIds);
  commitAll(folder);
}

const MARKER = `${JSON.stringify({ schema_version: 1, version: "0.1.0", run_store_path: ".runs", machine_label: "bench" }, null, 2)}\n`;

function writeRun(
  workspace: string,
  { ledger, index, size }: { readonly ledger: string | undefined; readonly index: number; readonly size: DatasetSize },
): JobId {
  const experiment = Math.floor(index / RUNS_PER_EXPERIMENT) + 1;
  const experimentId = idOf("E", experiment);
  const hypothesisId = hypothesisOf(experiment, size);
  const statePoint = new Map<string, Exact>([
    ["experiment_id", experimentId],
    ["hypothesis_id", hypothesisId],
    ["code_commit", COMMIT],
    ["code_dirty", false],
    ["lr", ExactNumber.float(10 ** -(index % 5))],
    ["batch", ExactNumber.int(String(16 << (index % 4)))],
    ["seed", ExactNumber.int(String(index))],
    ["optimizer", index % 2 === 0 ? "sgd" : "adam"],
  ]);
  const startMs = START_MS + index * 1000;
  const document = toExact({
    aexp: { experiment_id: experimentId, experiment_path: null, hypothesis_id: hypothesisId, sub_hypothesis_id: null },
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

/** Complete notes as aexp makes them, each linked with its parents and children. */
function writeNotes(folder: string, size: DatasetSize, jobIds: readonly JobId[]): void {
  const findings = Array.from({ length: size.findings }, (_, index) => index + 1);
  const used = Math.max(Math.ceil(size.runs / RUNS_PER_EXPERIMENT), size.findings > 0 ? 1 : 0);
  const experiments = Array.from({ length: Math.max(used, size.chains ?? 0) }, (_, index) => index + 1);
  const experimentOf = (finding: number): number => (size.chains === undefined ? 1 : ((finding - 1) % size.chains) + 1);
  const hypotheses = [...new Set(experiments.map((experiment) => hypothesisOf(experiment, size)))];
  const children = new Map<string, string[]>();
  const link = (parent: string, child: string): void => {
    children.set(parent, [...(children.get(parent) ?? []), child]);
  };
  const write = (
    kind: NoteKind,
    id: string,
    values: PlaceholderValues,
    change = (text: string): string => text,
  ): void => {
    const path = join(folder, folderOf(kind));
    mkdirSync(path, { recursive: true });
    const parents = [values.THREAD_ID, values.HYPOTHESIS_ID, values.EXPERIMENT_ID].flatMap((parent) => parent ?? []);
    const links = [...parents, ...(children.get(id) ?? [])].map((target) => `- [[${target}]]`).join("\n");
    const all = { ...values, ARTIFACT_ID: id, TITLE: `The ${kind} ${id}`, DATE: "2026-01-01", LINKS_BLOCK: links };
    writeFileSync(
      join(path, `${id}-${kind === "finding" ? "claim" : "words"}.md`),
      change(fillTemplate(OWN_TEMPLATES[kind], all)),
    );
  };

  for (const number of findings) {
    const experiment = experimentOf(number);
    link(idOf("E", experiment), idOf("F", number));
    link(hypothesisOf(experiment, size), idOf("F", number));
    const values = {
      HYPOTHESIS_ID: hypothesisOf(experiment, size),
      EXPERIMENT_ID: idOf("E", experiment),
      IMPACT: "MEDIUM",
    };
    const cited = citedBy(number, size, jobIds);
    write("finding", idOf("F", number), values, (text) => text.replace("\ntags: []\n", () => `\n${cited}tags: []\n`));
  }
  for (const number of experiments) {
    link(hypothesisOf(number, size), idOf("E", number));
    write("experiment", idOf("E", number), { HYPOTHESIS_ID: hypothesisOf(number, size) });
  }
  for (const id of hypotheses) {
    const thread = size.chains === undefined ? undefined : id.replace("H", "T");
    if (thread !== undefined) link(thread, id);
    write("hypothesis", id, thread === undefined ? {} : { THREAD_ID: thread });
    if (thread !== undefined) write("thread", thread, {});
  }
}

/** The lines of `supporting_runs`. A stride that shares no factor with round sizes spreads them over all runs. */
function citedBy(finding: number, size: DatasetSize, jobIds: readonly JobId[]): string {
  const items = Array.from({ length: size.citations }, (_, index) => {
    const jobId = jobIds[((finding * size.citations + index) * 7919) % Math.max(1, jobIds.length)] ?? "";
    return `  - { type: job, id: "${jobId}" }\n`;
  });
  return `supporting_runs:\n${items.join("")}`;
}

function hypothesisOf(experiment: number, size: DatasetSize): string {
  return idOf("H", size.chains === undefined ? 1 : experiment);
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
