import type { Instant } from "../model/clock.ts";
import { type Exact, ExactNumber, type ExactObject, isExactObject, toPythonJson } from "../model/exact-json.ts";
import type { JobId } from "../run/job-id.ts";

/** What an export says of a run. Nothing in it names a folder of this machine or looks like a secret. */
export interface ExportedRun {
  readonly jobId: JobId;
  /** As in the document, also when it is no word of ours; `undefined` when the run has none. */
  readonly status: string | undefined;
  readonly reason: { readonly code: string; readonly message?: string | undefined } | undefined;
  readonly experimentId: string | undefined;
  readonly hypothesisId: string | undefined;
  readonly subHypothesisId: string | undefined;
  /** The machine that registered the run. */
  readonly machine: string;
  readonly createdAt: Instant | undefined;
  readonly startedAt: Instant | undefined;
  readonly endedAt: Instant | undefined;
  /** Seconds. */
  readonly wallclockS: number | undefined;
  readonly exitCode: number | undefined;
  readonly statePoint: ExactObject;
  /** Last values by name, with the text of their numbers: numbers, booleans and texts. */
  readonly metrics: ReadonlyMap<string, ExactNumber | boolean | string>;
  readonly outputs: readonly ExportedOutput[];
  /** Ids of findings that cite the run, by its id or as one of a batch. */
  readonly citedBy: readonly string[];
}

/** An output as its ledger entry tells of it. */
export interface ExportedOutput {
  readonly name: string;
  /** `sha256:` or `stat:` and 64 hex digits. */
  readonly digest: string;
  readonly bytes: number;
}

/** The commit that a run was registered with, and whether tracked files differed from it. */
export function codeOfRun({ statePoint }: Pick<ExportedRun, "statePoint">): {
  readonly commit: string | undefined;
  readonly isDirty: boolean;
} {
  const commit = statePoint.get("code_commit");
  const isCommit = typeof commit === "string" && /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(commit);
  return { commit: isCommit ? commit : undefined, isDirty: statePoint.get("code_dirty") === true };
}

/** A value as one text: texts bare, numbers with their own text, the rest as JSON. */
export function toCellText(value: Exact): string {
  if (typeof value === "string") return value;
  if (value instanceof ExactNumber) return value.text;
  if (value === null || typeof value === "boolean") return String(value);
  return isExactObject(value) && value.size === 0 ? "{}" : toPythonJson(value);
}

/** Why a run has its status, in one line. */
export function reasonText({ reason }: Pick<ExportedRun, "reason">): string | undefined {
  if (reason === undefined) return undefined;
  return reason.message === undefined ? reason.code : `${reason.code}: ${reason.message}`;
}
