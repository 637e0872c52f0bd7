import type { ExportFolder, ExportText } from "../export/export-folder.ts";
import type { ExportFormat } from "../export/export-format.ts";
import { toSanitizer } from "../export/sanitize.ts";
import { exportCrate, type CrateRequest } from "./export-crate.ts";
import type { ExportJob, FormatOutcome } from "./export-job.ts";
import { exportMlflow } from "./export-mlflow.ts";
import { type ExportSelection, selectRuns } from "./export-selection.ts";
import { exportCsv, exportJson, type JsonRequest } from "./export-text.ts";
import type { Repo } from "./repo.ts";

/** What is to be exported, and as what. */
export interface ExportRequest extends ExportSelection, CrateRequest, JsonRequest {
  readonly format: ExportFormat;
}

/** Where an export goes. Only what a format needs is opened. */
export interface ExportPorts {
  readonly openText: () => ExportText;
  readonly openFolder: () => ExportFolder;
  /** Told after every run that was read. */
  readonly onProgress: (done: number) => void;
  /** Ends the export; nothing of it is left then. */
  readonly signal: AbortSignal;
}

/** What an export wrote. */
export interface ExportOutcome {
  readonly runs: number;
  /** Texts that name a folder of this machine or look like a secret, and were changed. */
  readonly sanitized: number;
  /** Sentences about what could not be exported as it is. */
  readonly notes: readonly string[];
}

/** So long a loop may keep everything else waiting. */
const TURN_MS = 20;

/**
 * Exports runs. The result appears as a whole or not at all: an error or a signal leaves nothing behind.
 *
 * @returns `undefined` when the signal ended it
 * @throws {AexpError} `export.*`, `environment.*`, and what {@link selectRuns} throws
 */
export async function exportRuns(
  repo: Repo,
  request: ExportRequest,
  ports: ExportPorts,
): Promise<ExportOutcome | undefined> {
  const { redact } = await repo.readConfig();
  const clean = toSanitizer({ root: repo.root, runStore: repo.runs.path, home: repo.home }, redact);
  const selected = await selectRuns(repo, request);
  const job: ExportJob = { repo, selected, clean, onProgress: ports.onProgress, pause: toPause(repo, ports.signal) };
  try {
    const outcome = await runFormat(job, request, ports);
    return { runs: outcome.runs, sanitized: outcome.sanitized ?? clean.changes, notes: outcome.notes ?? [] };
  } catch (error) {
    if (ports.signal.aborted) return undefined;
    throw error;
  }
}

async function runFormat(job: ExportJob, request: ExportRequest, ports: ExportPorts): Promise<FormatOutcome> {
  switch (request.format) {
    case "csv":
      return whole(ports.openText(), (text) => exportCsv(job, text));
    case "json":
      return whole(ports.openText(), (text) => exportJson(job, text, request));
    case "ro-crate":
      return whole(ports.openFolder(), (folder) => exportCrate(job, folder, request));
    case "mlflow":
      return whole(ports.openFolder(), (folder) => exportMlflow(job, folder));
  }
}

/** Publishes what the work wrote, or discards it. */
async function whole<Target extends Pick<ExportFolder, "publish" | "discard">>(
  target: Target,
  work: (target: Target) => Promise<FormatOutcome>,
): Promise<FormatOutcome> {
  try {
    const outcome = await work(target);
    target.publish();
    return outcome;
  } finally {
    target.discard();
  }
}

function toPause(repo: Repo, signal: AbortSignal): () => Promise<void> | undefined {
  let turnMs = repo.clock.monotonicMs();
  return () => {
    if (repo.clock.monotonicMs() - turnMs < TURN_MS) return undefined;
    return new Promise((resolve, reject) => {
      setImmediate(() => {
        turnMs = repo.clock.monotonicMs();
        if (signal.aborted) reject(new Error("interrupted"));
        else resolve();
      });
    });
  };
}
