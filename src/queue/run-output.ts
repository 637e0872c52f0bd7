import type { Digest } from "../output/digest.ts";
import type { JobId } from "../run/job-id.ts";

/** What was seen of an output when somebody looked last. */
export const OUTPUT_STATES = ["present", "missing", "changed"] as const;
/** How the last look found an output: as it was written, gone, or with other sizes, times or bytes. */
export type OutputState = (typeof OUTPUT_STATES)[number];

/** An output of an attempt that is to be registered. */
export interface NewOutput {
  /** As it was declared. */
  readonly name: string;
  /** Empty for the output itself, else the name of an item of a stream. */
  readonly item: string;
  readonly kind: string;
  readonly digest: Digest;
  readonly bytes: number;
  readonly files: number;
  /** Relative to the folder of the run that wrote it. */
  readonly path: string;
  /** Of paths, sizes and times: while it is the same, so is the digest. */
  readonly stats: Digest;
}

/** An output of a run, as it was found. */
export interface OutputLook {
  readonly run: JobId;
  readonly name: string;
  readonly item: string;
  readonly state: OutputState;
}

/** An output of a run, as the queue knows it. */
export interface RunOutput extends NewOutput {
  readonly run: JobId;
  /** The run in whose folder it lies: another one when `run` was not executed itself. */
  readonly holder: JobId;
  readonly state: OutputState;
  /** Where the holder's folder is. */
  readonly machine: string;
  /** When it was registered, or looked at since then, in milliseconds of the store's clock. */
  readonly checkedAt: number;
}
