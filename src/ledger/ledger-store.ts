import type { LedgerEntry } from "../generated/ledger-entry.ts";
import type { ExactObject } from "../model/exact-json.ts";
import type { JobId } from "../run/job-id.ts";

export type { LedgerEntry };

/** A readable entry. */
export interface LedgerRecord {
  readonly jobId: JobId;
  readonly entry: LedgerEntry;
  /** `entry.statepoint` with the text of its numbers. */
  readonly statePoint: ExactObject;
}

/** What reading one entry file gave. */
export type LedgerRead =
  | { readonly kind: "entry"; readonly record: LedgerRecord; readonly text: string }
  | {
      readonly kind: "malformed";
      /** File name inside the ledger folder. */
      readonly file: string;
      readonly problem: string;
      readonly cause: "not_json" | "not_schema" | "conflict_markers" | "unreadable";
    };

/** The committed entries in `.aexp/ledger/`. */
export interface LedgerStore {
  /** Absolute path of the folder. */
  readonly path: string;

  /** Job ids that have an entry file, ascending; one directory listing. @throws {AexpError} `ledger.folder_unsafe` */
  listJobIds(): readonly JobId[];

  /** Every entry, one at a time. @throws {AexpError} `ledger.folder_unsafe` when the folder is a symbolic link */
  readAll(): Iterable<LedgerRead>;

  has(jobId: JobId): boolean;

  /** `undefined` when there is no such file. */
  read(jobId: JobId): LedgerRead | undefined;

  /**
   * Writes the text of an entry atomically.
   * @param durability `each` flushes the file and its folder; `later` leaves that to {@link flush}
   */
  write(jobId: JobId, text: string, durability: "each" | "later"): Promise<void>;

  /** Makes every write so far survive a power cut. */
  flush(): Promise<void>;
}
