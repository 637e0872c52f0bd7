import { AexpError } from "../model/errors.ts";
import { isJsonObject, isJsonValue, type JsonObject, type JsonValue } from "../model/json.ts";
import type { JobId } from "../run/job-id.ts";
import type { ReasonCode } from "../run/run-status.ts";
import type { TaskChange } from "./task-move.ts";
import type { Task, TaskReason, TaskState } from "./task.ts";

/** What makes a task a stage of a pipeline. The store keeps it as it is, and only looks whether it is there. */
export type StageSpec = JsonObject & {
  /** The name of the pipeline. */
  readonly pipeline: string;
  /** The name of the stage in it. */
  readonly stage: string;
};

/**
 * The stage of a task's spec from parsed JSON.
 *
 * @param place - where it was read, for the message
 * @throws {AexpError} `queue.spec_invalid`
 */
export function parseStageSpec(value: unknown, place: string): StageSpec {
  if (isStageSpec(value)) return value;
  throw new AexpError(
    `${place}: stage is ${JSON.stringify(value)}; expected an object with the names of a pipeline and a stage`,
    { code: "queue.spec_invalid", hint: "Submit the pipeline again." },
  );
}

function isStageSpec(value: unknown): value is StageSpec {
  if (!isJsonObject(value) || !isJsonValue(value)) return false;
  return typeof value["pipeline"] === "string" && typeof value["stage"] === "string";
}

/** Whether a task is a stage of which nobody has found out yet what is to become of it. */
export function isUnresolved({ spec, state, follows }: Pick<Task, "spec" | "state" | "follows">): boolean {
  return spec.stage !== undefined && state === "blocked" && follows === undefined;
}

/**
 * How a stage uses the cache. `off`: it neither takes from it nor gives to it. `refresh`: it is executed whatever is
 * there, and what it gives is the newest hit.
 */
export type CacheMode = "on" | "off" | "refresh";

/** What a worker found out about a stage whose needs are all met. */
export type Resolution =
  | {
      /** What is the same for equal work; `undefined` when something of it could not be had, so that nothing is shared. */
      readonly cacheKey: string | undefined;
      /** What its inputs are, for whoever executes it; `null` is as good as nothing. */
      readonly inputs: JsonValue;
      readonly mode: CacheMode;
      /** A run of this key whose outputs are all here, as the caller has just seen. */
      readonly hit?: JobId;
    }
  /** It can never be executed. */
  | { readonly problem: TaskReason };

/** What became of a stage that was resolved. */
export type Resolved =
  | { readonly kind: "cached"; readonly from: JobId }
  /** Another one computes the same, and its end is awaited. */
  | { readonly kind: "follows"; readonly leader: JobId }
  | { readonly kind: "queued" }
  | { readonly kind: "failed" }
  /** A run of this key has succeeded after the caller looked for one: it has to look again, and nothing was changed. */
  | { readonly kind: "overlooked" };

/** What the store found for a resolution. */
export interface Found {
  /** The hit, when it still is one. */
  readonly hit?: JobId | undefined;
  /** The one that computes this key already, or is about to. */
  readonly leader?: JobId | undefined;
  /** There is a hit of which the resolution does not know. */
  readonly isOverlooked?: boolean;
}

/** Judges a resolution. Only a stage that uses the cache takes from it, and only such a one waits for another. */
export function judgeResolution(resolution: Resolution, { hit, leader, isOverlooked = false }: Found): Resolved {
  if ("problem" in resolution) return { kind: "failed" };
  if (sharedKeyOf(resolution) === undefined) return { kind: "queued" };
  if (hit !== undefined) return { kind: "cached", from: hit };
  if (leader !== undefined) return { kind: "follows", leader };
  return { kind: isOverlooked ? "overlooked" : "queued" };
}

/** The key under which a stage takes what others have computed, or compute. */
export function sharedKeyOf(resolution: Resolution): string | undefined {
  return "problem" in resolution || resolution.mode !== "on" ? undefined : resolution.cacheKey;
}

/** What a stage keeps of its resolution. */
export function toStageChange(resolution: Resolution, { kind }: Resolved): TaskChange {
  if ("problem" in resolution) return { reason: resolution.problem };
  return {
    cacheKey: resolution.mode === "off" ? undefined : resolution.cacheKey,
    inputs: resolution.inputs ?? undefined,
    isLeader: kind === "queued" && sharedKeyOf(resolution) !== undefined,
  };
}

/** What the end of a leader means for those who wait for its result. */
export type FollowersFate =
  /** They have its outputs. */
  | { readonly kind: "cached"; readonly reason: TaskReason }
  /** They would end in the same way. */
  | { readonly kind: "skipped"; readonly reason: TaskReason }
  /** Nothing is known about their work: the oldest computes it, and the others wait for that one. */
  | { readonly kind: "handed_over" };

/** Ends that the work itself brings about, and would bring about again. */
const OWN_FAILURES: readonly ReasonCode[] = ["exit_nonzero", "timeout", "oom", "output_missing", "output_invalid"];

/** Signals that a program brings upon itself. The others are sent, by people, schedulers and machines that shut down. */
const OWN_SIGNALS = ["SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGPIPE", "SIGSEGV", "SIGSYS", "SIGTRAP", "SIGXFSZ"];

function isOwnFailure(reason: TaskReason, signal: string | undefined): boolean {
  if (reason.code === "signal") return signal !== undefined && OWN_SIGNALS.includes(signal);
  return OWN_FAILURES.includes(reason.code);
}

/** Judges what becomes of the followers of a stage that has ended. One whose outputs are not known has nothing to share. */
export function judgeFollowers(leader: {
  readonly id: JobId;
  readonly state: TaskState;
  readonly reason: TaskReason | undefined;
  readonly signal: string | undefined;
  readonly cacheKey: string | undefined;
}): FollowersFate {
  const { id, state, reason, signal, cacheKey } = leader;
  if (state === "complete" && cacheKey !== undefined) return { kind: "cached", reason: toCacheHit(id) };
  if (state === "failed" && reason !== undefined && isOwnFailure(reason, signal)) {
    const message = `${id.slice(0, 8)} computes the same and failed`;
    return { kind: "skipped", reason: { code: "needs_failed", message, because: id } };
  }
  return { kind: "handed_over" };
}

/** Why a stage is cached. */
export function toCacheHit(from: JobId): TaskReason {
  return { code: "cache_hit", message: `${from.slice(0, 8)} computed the same`, because: from };
}
