import { CsvTable } from "../export/csv.ts";
import type { ExportText } from "../export/export-folder.ts";
import type { ExportedRun } from "../export/exported-run.ts";
import type { JobId } from "../run/job-id.ts";
import { type ExportJob, type FormatOutcome, orWarn } from "./export-job.ts";
import { rowOf } from "./list-runs.ts";
import { readExportedRun } from "./read-exported-run.ts";
import type { RunRow } from "./run-row.ts";
import { detailsOf, type RunDetails } from "./show-run.ts";

/** How runs are printed as JSON. */
export interface JsonRequest {
  /** The object that stands for a run. */
  readonly toJson: (details: RunDetails) => object;
  /** One object a line instead of an array. */
  readonly isLines: boolean;
}

/** So much is gathered before it is written. */
const CHUNK_LENGTH = 64 * 1024;

/** Writes a table. Columns depend on all runs, so they are passed through twice; only their ids are kept meanwhile. */
export async function exportCsv(job: ExportJob, text: ExportText): Promise<FormatOutcome> {
  const table = new CsvTable();
  const ids: JobId[] = [];
  for (const row of job.selected.rows(job.onProgress)) {
    const run = orWarn(job, row.jobId, () => readForTable(job, row));
    if (run !== undefined) {
      table.add(run);
      ids.push(row.jobId);
    }
    await job.pause();
  }
  const sanitized = job.clean.changes;
  const lines = new Chunks(text);
  lines.add(table.header());
  let runs = 0;
  for (const id of ids) {
    const run = orWarn(job, id, () => readForTable(job, rowOf(job.repo, id).row));
    if (run !== undefined) {
      lines.add(table.line(run));
      runs += 1;
    }
    await job.pause();
  }
  lines.end();
  return { runs, sanitized };
}

function readForTable({ repo, clean }: ExportJob, row: RunRow): ExportedRun {
  return readExportedRun(repo, row, { clean, citedBy: [] }).run;
}

/** What `aexp runs show --json` says of each run, without what is only true or useful on this machine. */
export async function exportJson(
  job: ExportJob,
  text: ExportText,
  { toJson, isLines }: JsonRequest,
): Promise<FormatOutcome> {
  const { clean } = job;
  const items = new Chunks(text);
  let runs = 0;
  items.add(isLines ? "" : "[");
  for (const row of job.selected.rows(job.onProgress)) {
    const details = orWarn(job, row.jobId, () => {
      const read = row.isInLedger ? job.repo.ledger.read(row.jobId) : undefined;
      const entry = read?.kind === "entry" ? read.record.entry : undefined;
      return detailsOf(job.repo, row, { entry, citedBy: job.selected.citedBy(row), waiting: undefined });
    });
    if (details !== undefined) {
      const shared = { ...details, row: { ...row, statePoint: clean.object(row.statePoint) } };
      const json = JSON.stringify(toJson(shared), (key, value: unknown) =>
        typeof value === "string" ? clean.textUnder(key, value) : value,
      );
      items.add(isLines ? `${json}\n` : `${runs === 0 ? "\n" : ",\n"}${json}`);
      runs += 1;
    }
    await job.pause();
  }
  items.add(isLines ? "" : runs === 0 ? "]\n" : "\n]\n");
  items.end();
  return { runs };
}

/** Writes few large pieces instead of many small ones. */
class Chunks {
  readonly #text: ExportText;
  #chunk = "";

  constructor(text: ExportText) {
    this.#text = text;
  }

  add(piece: string): void {
    this.#chunk += piece;
    if (this.#chunk.length >= CHUNK_LENGTH) this.end();
  }

  end(): void {
    if (this.#chunk !== "") this.#text.write(this.#chunk);
    this.#chunk = "";
  }
}
