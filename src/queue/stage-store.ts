import type { JobId } from "../run/job-id.ts";
import type { Alias, AliasOutcome, AliasTarget, SetAliasOptions } from "./alias.ts";
import type { PolicyFire, PolicyListener, SeenOutput } from "./policy.ts";
import type { NewGroup, NewTask } from "./queue-store.ts";
import type { NewOutput, OutputLook, RunOutput } from "./run-output.ts";
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
   * that has not ended; nothing was changed. A run that succeeded while the caller looked for one is `overlooked`.
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
   * Notes how some outputs were found, all or none. It counts for every run that has the same place as its own; of two
   * looks at one place the last counts. What is no output of any run is passed over.
   */
  noteOutputs(looks: readonly OutputLook[]): Promise<void>;
}

/** Names for runs and outputs that move on. */
export interface AliasStore {
  /** The version in force of each alias, by name. */
  aliases(): Promise<readonly Alias[]>;
  alias(name: string): Promise<Alias | undefined>;
  /** Lets an alias stand for something else; what it stood for stays in its log. */
  setAlias(name: string, target: AliasTarget, options: SetAliasOptions): Promise<AliasOutcome>;
  /** Every version of an alias, the oldest first. */
  aliasLog(name: string): Promise<readonly Alias[]>;
}

/** What policies have seen, and the runs that they have submitted for it. */
export interface PolicyStore {
  /**
   * Lets a policy see the outputs that are new since the last call. Of those that were computed, not taken from the cache,
   * and were not written by a run that the policy itself has brought about, each is seen once. What is there at the first
   * call, or when it listens to something else, is passed over, and so is what `everyN` leaves out.
   */
  seeOutputs(listener: PolicyListener): Promise<void>;
  /** The outputs for which a run is to be submitted, in the order in which they were seen. */
  pendingFires(listener: PolicyListener, limit: number): Promise<readonly SeenOutput[]>;
  /**
   * Submits the run for an output, if there is none yet, in one transaction: whatever dies and whoever else tries, there
   * is one. Without tasks it is only noted.
   *
   * @returns whether it was the caller's
   * @throws {AexpError} what `submit` throws; then nothing is noted
   */
  fire(output: SeenOutput, run: JobId, group: NewGroup, tasks: readonly NewTask[]): Promise<boolean>;
  /**
   * Asks for runs for the outputs that were passed over because they were there before the policy.
   *
   * @returns those outputs
   */
  recallOutputs(listener: PolicyListener, options: { readonly dryRun: boolean }): Promise<readonly SeenOutput[]>;
  /** All that a policy has submitted runs for on a machine, the oldest first. */
  policyFires(policy: string, machine: string): Promise<readonly PolicyFire[]>;
}
