// Generated from schemas/ by `npm run generate`. Do not edit.
import type { ErrorObject } from "ajv";
import type { ProjectConfig } from "./config.ts";
import type { RunDocumentShape } from "./document.ts";
import type { InstalledMarker } from "./installed.ts";
import type { LedgerEntry } from "./ledger-entry.ts";
import type { NoteIds } from "./note-ids.ts";
import type { NoteJournal } from "./note-journal.ts";
import type { PipelineFile } from "./pipeline.ts";
import type { SubmissionPlan } from "./plan.ts";
import type { RunsIndex } from "./runs-index.ts";
import type { StageRecord } from "./stage.ts";
import type { TrustedHooks } from "./trusted.ts";

/** A compiled schema: true when the value has its shape; otherwise `errors` says why, until the next call. */
export interface Validator<T> {
  (value: unknown): value is T;
  readonly errors?: readonly ErrorObject[] | null;
}
export declare const isConfig: Validator<ProjectConfig>;
export declare const isDocument: Validator<RunDocumentShape>;
export declare const isInstalled: Validator<InstalledMarker>;
export declare const isLedgerEntry: Validator<LedgerEntry>;
export declare const isNoteIds: Validator<NoteIds>;
export declare const isNoteJournal: Validator<NoteJournal>;
export declare const isPipeline: Validator<PipelineFile>;
export declare const isPlan: Validator<SubmissionPlan>;
export declare const isRunsIndex: Validator<RunsIndex>;
export declare const isStage: Validator<StageRecord>;
export declare const isTrusted: Validator<TrustedHooks>;
