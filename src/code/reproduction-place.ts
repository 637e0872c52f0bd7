import type { JobId } from "../run/job-id.ts";
import type { TreeId } from "./code-identity.ts";

/** The code that a run executed, as far as it is recorded. */
export type RecordedCode =
  | {
      readonly kind: "commit";
      readonly commit: string;
      /** Absolute path of the changes that were not committed. */
      readonly patchFile?: string | undefined;
    }
  | { readonly kind: "tree"; readonly tree: TreeId; readonly commit?: string | undefined };

/** Where a run is to be executed again. */
export interface PlaceRequest {
  readonly jobId: JobId;
  /** Names the place among those of the run. */
  readonly startedAtMs: number;
  readonly code: RecordedCode;
  /** As signac writes it, for programs that read it from the run's folder. */
  readonly statePoint: string;
}

/** A place apart from the user's files, with a copy of the code that the program may write into. */
export interface ReproductionPlace {
  /** Everything below is in here. */
  readonly folder: string;
  /** The top of the work tree: the root, or a folder above it. */
  readonly top: string;
  /** What the repository's root was. */
  readonly root: string;
  /** What the run's folder was; empty but for the state point. */
  readonly workspace: string;
  /** Submodules that are not cloned here, so that their folders are empty. */
  readonly missingSubmodules: readonly string[];

  /** Whether a file or folder is there. */
  has(path: string): boolean;

  /** Makes a folder, with those around it. */
  makeFolder(path: string): void;

  /** Deletes the place, or what is not to be kept of it: `results` are all but the code. */
  close(keep: "everything" | "results" | "nothing"): Promise<void>;
}

/** Makes such places. */
export interface ReproductionPlaces {
  /** The commit that a user means. @throws {AexpError} `code.unavailable` */
  resolveCommit(text: string): Promise<string>;

  /** The changes that were kept with an attempt; `undefined` when there were none. */
  patchFile(workspace: string, attempt: number): string | undefined;

  /**
   * Makes a place, after removing what killed processes have left, programs that still run there included.
   *
   * @throws {AexpError} `code.unavailable`, `reproduce.patch_failed`, `git.failed`, `environment.*`
   */
  open(request: PlaceRequest): Promise<ReproductionPlace>;
}
