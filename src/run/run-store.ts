import type { ExactObject } from "../model/exact-json.ts";
import type { DocumentPatch, RunDocument } from "./document.ts";
import type { JobId } from "./job-id.ts";

/** What reading one run gave. A run that cannot be read is a value, so that a listing names it and goes on. */
export type RunRead =
  | { readonly kind: "run"; readonly run: StoredRun }
  | {
      readonly kind: "unreadable";
      readonly jobId: JobId;
      /** Absolute path of the file that cannot be read. */
      readonly file: string;
      readonly problem: string;
    };

/** A run in the local store. */
export interface StoredRun {
  readonly jobId: JobId;
  readonly statePoint: ExactObject;
  readonly document: RunDocument;
}

/** A run that is to be created. */
export interface NewRun {
  readonly jobId: JobId;
  readonly statePoint: ExactObject;
  readonly document: DocumentPatch;
}

/** Works out what is to change in a document, which nobody else writes meanwhile. */
export type DocumentChange = (current: RunDocument) => DocumentPatch | undefined | Promise<DocumentPatch | undefined>;

/** The local runs: a signac 2 project. */
export interface RunStore {
  /** Absolute path of the store, e.g. `/repo/.runs`. */
  readonly path: string;

  /** Whether the store's folder is there and is a signac 2 project. @throws {AexpError} `store.unsupported` */
  exists(): boolean;

  /** Creates the project files; does nothing when they are there. */
  initialize(): Promise<void>;

  /** Job ids in ascending order; one directory listing, no file is opened. */
  listJobIds(): readonly JobId[];

  /** Every run, one at a time, so that memory stays flat. */
  readAll(): Iterable<RunRead>;

  has(jobId: JobId): boolean;

  /** The run that was created last; no file is opened. */
  newestJobId(): JobId | undefined;

  /** @throws {AexpError} `run.not_found`, `run.corrupt`, `run.document_unreadable` */
  read(jobId: JobId): StoredRun;

  /**
   * State point and whole document, from one reading of each file.
   *
   * @throws {AexpError} `run.not_found`, `run.corrupt`, `run.document_unreadable`
   */
  readExact(jobId: JobId): { readonly statePoint: ExactObject; readonly document: ExactObject };

  /** @throws {AexpError} `run.not_found`, `run.corrupt` */
  readStatePoint(jobId: JobId): ExactObject;

  /** The document with every key of every writer, numbers exact; an empty object when there is no file yet. */
  readExactDocument(jobId: JobId): ExactObject;

  /**
   * Creates the run in one rename, complete with its document; an existing run is left as it is.
   * @returns whether the run is new
   */
  create(statePoint: ExactObject, document: DocumentPatch): Promise<{ readonly jobId: JobId; readonly isNew: boolean }>;

  /**
   * Creates many runs as {@link create} does, and makes them survive a power cut once at the end instead of one by one.
   * When one cannot be created, those that this call created are removed again.
   *
   * @returns for each whether it is new, in order
   */
  createAll(runs: readonly NewRun[]): Promise<readonly boolean[]>;

  /** Takes runs away again that were created a moment ago; one that holds more than its two files by now stays. */
  removeUntouched(jobIds: readonly JobId[]): void;

  /**
   * Changes a document under the run's lock: reads it, asks `change` for a patch, writes once, atomically. Keys of
   * other writers, their order and the text of their numbers are kept. A patch of `undefined` writes nothing.
   *
   * @param durability `later` leaves it to {@link flush} to make the write survive a power cut
   * @returns the document after the change
   * @throws {AexpError} `run.locked` when another process holds the lock too long, `run.not_found`,
   *   `run.document_unreadable`, and whatever `change` throws (then nothing is written)
   */
  updateDocument(jobId: JobId, change: DocumentChange, durability?: "each" | "later"): Promise<RunDocument>;

  /** Makes the documents that were written for later survive a power cut. */
  flush(): Promise<void>;

  /** Absolute path of the run's folder. */
  workspaceOf(jobId: JobId): string;
}
