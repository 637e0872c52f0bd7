import type { OutputDeclaration } from "./declaration.ts";
import type { Digest } from "./digest.ts";
import type { AttemptOutputs, OutputRecord } from "./output-record.ts";

/** What became of the declared outputs when the program had ended well. */
export type OutputsEnd =
  | { readonly state: "recorded"; readonly outputs: readonly OutputRecord[] }
  /** Not written, or not marked as whole; the path is relative to the run's folder. */
  | { readonly state: "missing"; readonly name: string; readonly path: string }
  /** Written, but not as an output may be. */
  | { readonly state: "invalid"; readonly name: string; readonly message: string };

/** Whether an output is what its record says, judged by sizes and times. */
export type OutputState = "present" | "missing" | "changed";

/** What is known of an output, or of an item of a stream, that is looked at. */
export type CheckedOutput = Pick<OutputRecord, "path" | "stats" | "items" | "left">;

/** Whether an output is what its record says, judged by all that its digest stands for. */
export type OutputVerdict =
  | { readonly state: "same" }
  | { readonly state: "missing" }
  /** @property items those of a stream that differ, are gone or are new */
  | { readonly state: "changed"; readonly digest: Digest; readonly items?: readonly string[] }
  | { readonly state: "unreadable"; readonly message: string };

/** What an attempt's record was found to be. */
export type OutputsRead =
  | { readonly state: "recorded"; readonly record: AttemptOutputs }
  /** There is none: nothing was declared, or the program has not ended well. */
  | { readonly state: "none" }
  | { readonly state: "unreadable"; readonly problem: string };

/** What is on disk of one attempt's outputs. */
export interface KeptOutputs {
  readonly attempt: number;
  /** Whether there is a folder, and not only a record. */
  readonly isKept: boolean;
  readonly bytes: number;
  readonly files: number;
}

/** What a long look at outputs may be told. */
export interface OutputOptions {
  readonly signal?: AbortSignal | undefined;
  /** Told of what was read so far, often. */
  readonly onProgress?: (progress: { readonly bytes: number; readonly files: number }) => void;
}

/** The outputs in the folders of runs. */
export interface OutputStore {
  /**
   * Hashes what an attempt wrote and keeps the record, or says what is wrong. Called again it gives the same, without
   * reading what has not changed since.
   */
  record(
    runFolder: string,
    attempt: number,
    declarations: readonly OutputDeclaration[],
    options?: OutputOptions,
  ): Promise<OutputsEnd>;
  /** Registers what a running attempt has added to its streams so far: one record for each stream that is there. */
  recordItems(
    runFolder: string,
    attempt: number,
    declarations: readonly OutputDeclaration[],
    options?: OutputOptions,
  ): Promise<readonly OutputRecord[]>;
  read(runFolder: string, attempt: number): OutputsRead;
  /** What a running attempt's streams have so far, as whoever watches its program has recorded it. Nothing is hashed. */
  readItems(runFolder: string, attempt: number): OutputsRead;
  /** Whether an output, or an item of a stream, is as it was; no content is read. */
  check(record: CheckedOutput, runFolder: string): Promise<OutputState>;
  verify(record: OutputRecord, runFolder: string, options?: OutputOptions): Promise<OutputVerdict>;
  /** What the attempts of a run keep on disk, the first attempt first. */
  list(runFolder: string): Promise<readonly KeptOutputs[]>;
  /** Removes the outputs of an attempt; its record stays, and says that they were there. */
  remove(runFolder: string, attempt: number): Promise<void>;
}
