import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

import { toSortedPrettyJson } from "../../src/model/exact-json.ts";
import { parseExactObject } from "../../src/model/exact-json-reader.ts";
import { type JobId, toJobId } from "../../src/run/job-id.ts";
import { runCli } from "./cli.ts";
import { git, initRepo } from "./git-repo.ts";
import { addEntry, addRun, addRunFile, addSweep } from "./sweep.ts";
import { tempDir } from "./temp-dir.ts";

/** What an export has to cope with. */
export interface ExportProject {
  /** A folder of its own around the repository, where exports may go. */
  readonly folder: string;
  readonly root: string;
  /** Nine runs of one sweep, of which one failed, all in the ledger. */
  readonly sweep: readonly JobId[];
  /** A run of another machine, with names and values that want to do harm. */
  readonly hostile: JobId;
  /** A running run without an experiment, whose parameters name folders and secrets of this machine. */
  readonly leaking: JobId;
}

const HOSTILE = String.raw`{"experiment_id": "E001", "cmd": "=HYPERLINK(\"http://x\")", "-lr": -1.5, "text": "-1.5", "tab": "a;=1\t+2",
  "../../up": 1, "a/b:c": "/etc", "a": 2, "big": 12345678901234567890, "tiny": 1e-07, "list": [-1, 2.0], "none": null, "😀": true,
  "long": "${"x".repeat(7000)}", "bell": "\u001b]0;x\u0007y"}`;

/** A repository with notes, a sweep, a run of another machine and a run that must not leave as it is. */
export async function exportProject(): Promise<ExportProject> {
  const folder = tempDir();
  const root = initRepo(join(folder, "project"));
  git(root, "commit", "--quiet", "--allow-empty", "--message", "Start");
  git(root, "remote", "add", "origin", "https://ana:hunter2@git.example.org/lab/rates.git");
  writeFileSync(join(root, "LICENSE"), "MIT License\n");
  await runCli(root, ["install", "--machine-label", "laptop"]);
  await runCli(root, ["hypothesis", "new", "--title", "Larger rates are quicker"]);
  await runCli(root, ["experiment", "new", "--title", "Learning rates", "--hypothesis", "H001"]);
  const sweep = await addSweep(root);
  await runCli(root, ["ledger", "backfill"]);
  const statePoint = parseExactObject(HOSTILE);
  const hostile = toJobId(statePoint);
  addEntry(root, hostile, HOSTILE);
  const entry = join(root, ".aexp", "ledger", `${hostile}.json`);
  const exact = new Map([...parseExactObject(readFileSync(entry, "utf8")), ["statepoint", statePoint] as const]);
  writeFileSync(entry, toSortedPrettyJson(exact));
  const leaking = await addRun(
    root,
    JSON.stringify({ data: join(root, "data", "x.csv"), password: "hunter2hunter2", args: [`--out=${root}/out`] }),
    {
      status: "running",
      reason: { code: "lost", message: `no file ${root}/gone` },
      started_at: "2026-03-01T11:00:00Z",
      summary_metrics: { note: `see ${root}`, done: true, loss: 1e-7, steps: 3 },
    },
  );
  addRunFile(
    root,
    leaking,
    "metrics.jsonl",
    '{"t": 0.5, "loss": 2}\n{"t": 1.5, "loss": 1}\n{"t": 2, "acc": 0.5}\nbroken\n',
  );
  const cited = sweep.slice(0, 2).flatMap((jobId) => ["--cite", jobId]);
  const about = ["--title", "Quicker indeed", "--hypothesis", "H001", "--experiment", "E001"];
  await runCli(root, ["finding", "new", ...about, ...cited]);
  return { folder, root, sweep, hostile, leaking };
}
