import type { RunOutput } from "../queue/run-output.ts";
import type { JobId } from "../run/job-id.ts";
import type { ProtectionReason } from "./protected-outputs.ts";

/** What may be deleted. */
export interface CollectionRules {
  /** Nothing that was used after this time, in epoch milliseconds. */
  readonly beforeMs: number;
  /** So many of the newest successful runs of each stage and element are kept. */
  readonly keepLast: number;
}

/**
 * Why the outputs of an attempt may be deleted. `superseded`: nobody has them as its outputs any more. `unsuccessful`: their
 * run did not succeed. `old`: no run used them for long.
 */
export const COLLECTION_REASONS = ["superseded", "unsuccessful", "old"] as const;
export type CollectionReason = (typeof COLLECTION_REASONS)[number];

/** The outputs of one attempt that may be deleted. */
export interface CollectableOutputs {
  readonly run: JobId;
  readonly attempt: number;
  /** The stage, with its element. */
  readonly name: string;
  readonly reason: CollectionReason;
  /** When the last run that had them ended, in epoch milliseconds. */
  readonly usedMs: number;
  readonly bytes: number;
  readonly files: number;
  /** What the queue knows of them, of one run for each place. */
  readonly rows: readonly RunOutput[];
}

/** What would be deleted, and what is kept. */
export interface CollectionPlan {
  /** What is wanted least comes first. */
  readonly collectable: readonly CollectableOutputs[];
  /** Attempts whose outputs are kept, by reason; `recent`: they were used not long ago. */
  readonly kept: Readonly<Partial<Record<ProtectionReason | "recent", number>>>;
  /** An attempt without outputs of each run in whose folder an earlier deletion may have left something. */
  readonly leftovers: ReadonlyMap<JobId, number>;
}
