import type { JobId } from "../run/job-id.ts";
import type { Alias, AliasOutcome, AliasTarget, PolicyFire, SetAliasOptions } from "./alias.ts";
import type { NewOutput, OutputState, RunOutput } from "./run-output.ts";
import type { Resolution, Resolved } from "./stage.ts";
import type { Task } from "./task.ts";

/** A run that was executed, and the outputs that it has, all of them present. */
export interface CacheHit {
  readonly run: JobId;
  readonly outputs: readonly RunOutput[];
}

/**
 * What the queue's store knows of stages. A stage stays blocked, even when it needs nothing, until it is resolved: until
 * a worker has looked whether its result is there already, or on its way. See `QueueStore`.
 */
export interface StageStore {
  /** Stages submitted on this machine that wait for nothing but to be resolved, in the order of their submission. */
  unresolved(machine: string, limit: number): Promise<readonly Task[]>;
  /**
   * Runs of this machine that were executed under the key and succeeded, the newest first. Not one whose outputs were
   * never registered (see `AttemptResult.outputs`), or were found missing or changed.
   */
  hits(cacheKey: string, machine: string, limit: number): Promise<readonly CacheHit[]>;
  /**
   * Takes over what was found out about a stage. `undefined`: it is resolved already, or has ended, or needs something
   * that has not ended; nothing was changed.
   */
  resolve(id: JobId, resolution: Resolution): Promise<Resolved | undefined>;

  // Outputs
  /** The outputs of some runs, in the order of the runs' submission, then by name and item. */
  outputs(ids: readonly JobId[]): Promise<readonly RunOutput[]>;
  /**
   * Registers items of streams while the run is under way; an item that is there is replaced. `false`: the token does not
   * stand for an attempt any more, and nothing was changed.
   */
  addItems(id: JobId, token: string, items: readonly NewOutput[]): Promise<boolean>;
  /**
   * Notes how an output was found. It counts for every run that has the same place as its own.
   *
   * @returns whether there is such an output
   */
  noteOutput(run: JobId, name: string, item: string, state: OutputState): Promise<boolean>;
}

/** Names for runs and outputs that move on, and the runs that policies have submitted. */
export interface AliasStore {
  /** The version in force of each alias, by name. */
  aliases(): Promise<readonly Alias[]>;
  alias(name: string): Promise<Alias | undefined>;
  /** Lets an alias stand for something else; what it stood for stays in its log. */
  setAlias(name: string, target: AliasTarget, options: SetAliasOptions): Promise<AliasOutcome>;
  /** Every version of an alias, the oldest first. */
  aliasLog(name: string): Promise<readonly Alias[]>;

  /**
   * Says whether the caller is to submit the run that a policy wants for this key: `true` to one caller only, and to
   * another one when nothing came of it for ten minutes.
   */
  firePolicy(key: string, policy: string): Promise<boolean>;
  /** Notes the run that came of it; `false` when there is one already, or the key is not known. */
  notePolicyRun(key: string, run: JobId): Promise<boolean>;
  /** All that a policy has fired for, the oldest first. */
  policyFires(policy: string): Promise<readonly PolicyFire[]>;
}
