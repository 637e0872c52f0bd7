import type { RunsIndex, RunsIndexEntry } from "../generated/runs-index.ts";
import type { Instant } from "../model/clock.ts";
import { isRunsIndex } from "../generated/validators.js";
import { AexpError, messageOf } from "../model/errors.ts";
import { runLinkOf } from "../run/document.ts";
import { isTerminal } from "../run/run-status.ts";
import type { StoredRun } from "../run/run-store.ts";

export type { RunsIndex, RunsIndexEntry };

/** What reading one index file gave. */
export type RunsIndexRead =
  | { readonly kind: "index"; readonly file: string; readonly index: RunsIndex }
  | { readonly kind: "malformed"; readonly file: string; readonly problem: string };

/** Where the deprecated runs indexes are kept: one file per machine. */
export interface RunsIndexStore {
  /** Absolute path of the folder. */
  readonly path: string;

  /** Every index file, one at a time, in the order of their names. */
  readAll(): Iterable<RunsIndexRead>;

  /**
   * Writes the index of a machine atomically, into the folder or to the file that `file` names.
   *
   * @returns the absolute path of what was written
   */
  write(label: string, text: string, file?: string): Promise<string>;
}

/** Reads the text of an index file. */
export function parseRunsIndex(file: string, text: string): RunsIndexRead {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { kind: "malformed", file, problem: messageOf(error) };
  }
  if (isRunsIndex(value)) return { kind: "index", file, index: value };
  const [first] = isRunsIndex.errors ?? [];
  const place = first === undefined || first.instancePath === "" ? "" : `${first.instancePath.slice(1)}: `;
  return { kind: "malformed", file, problem: `${place}${first?.message ?? "not a runs index"}` };
}

/** The index line of a finished run; `undefined` for any other. */
export function toIndexEntry({ jobId, statePoint, document: { facts } }: StoredRun): RunsIndexEntry | undefined {
  if (facts.status === undefined || !isTerminal(facts.status)) return undefined;
  const experimentId = runLinkOf(facts)?.experiment_id;
  const condition = statePoint.get("condition");
  return {
    job_id: jobId,
    status: facts.status,
    ...(experimentId === undefined ? {} : { experiment_id: experimentId }),
    ...(typeof condition === "string" ? { condition } : {}),
    ...(facts.created_at === undefined ? {} : { registered_at: facts.created_at }),
  };
}

/** The text of an index file. */
export function toIndexText(label: string, exportedAt: Instant, entries: readonly RunsIndexEntry[]): string {
  const index: RunsIndex = {
    schema_version: 1,
    machine_label: label,
    exported_at: exportedAt,
    entries: entries.toSorted((a, b) => (a.job_id < b.job_id ? -1 : 1)),
  };
  return `${JSON.stringify(index, null, 2)}\n`;
}

/**
 * A machine label that can name a file.
 *
 * @throws {AexpError} `install.label_invalid`
 */
export function checkFileLabel(label: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,99}$/.test(label)) return label;
  throw new AexpError(`${JSON.stringify(label)} cannot name a file: expected letters, digits, ".", "_" and "-"`, {
    code: "install.label_invalid",
  });
}
