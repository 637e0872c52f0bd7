import type { ExportedOutput, ExportedRun } from "../export/exported-run.ts";
import type { Sanitizer } from "../export/sanitize.ts";
import { type Exact, ExactNumber, isExactObject } from "../model/exact-json.ts";
import { parseExactJson } from "../model/exact-json-reader.ts";
import type { Repo } from "./repo.ts";
import type { RunRow } from "./run-row.ts";

/** A run for an export, and the text of its ledger entry where it has one that can be read. */
export interface ReadRun {
  readonly run: ExportedRun;
  readonly entryText: string | undefined;
}

/** Reads what a row does not hold, and takes out what must not leave this machine. */
export function readExportedRun(
  repo: Repo,
  row: RunRow,
  { clean, citedBy }: { readonly clean: Sanitizer; readonly citedBy: readonly string[] },
): ReadRun {
  const read = row.isInLedger ? repo.ledger.read(row.jobId) : undefined;
  const entry = read?.kind === "entry" ? read : undefined;
  const { reason } = row;
  const text = (value: string | undefined) => (value === undefined ? undefined : clean.text(value));
  return {
    run: {
      jobId: row.jobId,
      status: text(row.status),
      reason: reason === undefined ? undefined : { code: reason.code, message: text(reason.message) },
      experimentId: text(row.experimentId),
      hypothesisId: text(row.hypothesisId),
      subHypothesisId: text(row.subHypothesisId),
      machine: clean.text(row.machine),
      createdAt: row.createdAt,
      startedAt: row.startedAt,
      endedAt: row.endedAt,
      wallclockS: row.wallclockS,
      exitCode: row.exitCode,
      statePoint: clean.object(row.statePoint),
      metrics: metricsOf(summaryOf(repo, row, entry?.text), clean),
      outputs: (entry?.record.entry.outputs ?? []).map((output): ExportedOutput => cleanOutput(output, clean)),
      citedBy,
    },
    entryText: entry?.text,
  };
}

/** With the text of its numbers, which a row does not keep. A run without numbers needs no second look. */
function summaryOf(repo: Repo, row: RunRow, entryText: string | undefined): Exact | undefined {
  if (Object.keys(row.metrics).length === 0) return undefined;
  if (row.isLocal) return repo.runs.readExactDocument(row.jobId).get("summary_metrics");
  const entry = entryText === undefined ? undefined : parseExactJson(entryText);
  return isExactObject(entry) ? entry.get("summary_metrics") : undefined;
}

function metricsOf(summary: Exact | undefined, clean: Sanitizer): ExportedRun["metrics"] {
  const metrics = new Map<string, ExactNumber | boolean | string>();
  for (const [name, value] of isExactObject(summary) ? summary : []) {
    if (typeof value === "string") metrics.set(clean.text(name), clean.textUnder(name, value));
    else if (value instanceof ExactNumber || typeof value === "boolean") metrics.set(clean.text(name), value);
  }
  return metrics;
}

function cleanOutput({ name, digest, bytes }: ExportedOutput, clean: Sanitizer): ExportedOutput {
  return { name: clean.text(name), digest: clean.text(digest), bytes };
}
