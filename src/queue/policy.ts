import type { Digest } from "../output/digest.ts";
import type { JobId } from "../run/job-id.ts";

/** The outputs that a policy listens to: those that runs of one user compute on one machine. */
export interface PolicyListener {
  readonly policy: string;
  readonly machine: string;
  readonly owner: string;
  /** The kind of the outputs. */
  readonly kind: string;
  /** Only of runs of this pipeline, this stage, this experiment; of all, when absent. */
  readonly pipeline?: string | undefined;
  readonly stage?: string | undefined;
  readonly experiment?: string | undefined;
  /** Of a stream, every so manieth item. */
  readonly everyN: number;
}

/** An output that a policy has seen. It is known by its digest: other bytes of the same name are another one. */
export interface SeenOutput {
  readonly policy: string;
  /** The run that wrote it. */
  readonly source: JobId;
  readonly output: string;
  /** Empty for the output itself, else the name of an item of a stream. */
  readonly item: string;
  readonly digest: Digest;
  /** Its place in the order in which the outputs of that name were registered, from 1. */
  readonly position: number;
  readonly seenAt: number;
}

/** An output for which a policy has submitted a run. */
export interface PolicyFire extends SeenOutput {
  readonly run: JobId;
  readonly firedAt: number;
}

/** What a listener hears, as text: with another one the policy begins to listen anew. */
export function listensTo({ kind, pipeline, stage, experiment }: PolicyListener): string {
  return JSON.stringify({ kind, pipeline, stage, experiment });
}
