import type { ExactObject } from "../model/exact-json.ts";
import type { OutputDeclaration } from "../output/declaration.ts";
import type { CommandTemplate, ParsedTemplate } from "../queue/command-template.ts";
import type { ComputeRequest } from "../queue/compute-request.ts";
import type { NeedText } from "../queue/needs.ts";
import type { SweepAxis } from "../queue/sweep.ts";
import type { RetryPolicy } from "../queue/task.ts";

/** A checked pipeline file: every name in it means something, and the stages form no cycle. */
export interface Pipeline {
  readonly name: string;
  readonly pins: ReadonlyMap<string, RunReference>;
  /** By name, in the order of the file. */
  readonly stages: ReadonlyMap<string, Stage>;
}

/** A run of before, by an alias that may move or by its job id, of which at least four digits are there. */
export type RunReference =
  | { readonly kind: "alias"; readonly alias: string }
  | { readonly kind: "run"; readonly idPrefix: string };

/** A run, or one run for each combination of its sweep. What is absent is for the caller to decide. */
export interface Stage extends StageSettings {
  readonly name: string;
  readonly command: CommandTemplate;
  /** The command, read once for all elements. */
  readonly template: ParsedTemplate;
  readonly parameters: ExactObject;
  readonly sweep: readonly SweepAxis[];
  readonly inputs: readonly StageInput[];
  readonly outputs: readonly OutputDeclaration[];
  /** Stages that must have succeeded or ended, beyond those that inputs come from. */
  readonly needs: readonly NeedText[];
}

/** What a stage may have in common with the others of its file. */
export interface StageSettings {
  readonly experiment?: string;
  readonly hypothesis?: string;
  readonly subHypothesis?: string;
  /** Variables for the program, on top of what it inherits. */
  readonly env: ReadonlyMap<string, string>;
  readonly lane?: string;
  readonly priority?: number;
  readonly kind?: string;
  /** Keys of resource locks, as written. */
  readonly resources: readonly string[];
  /** What a scheduler is to reserve. */
  readonly compute: ComputeRequest;
  readonly retry?: RetryPolicy;
  readonly timeoutMs?: number;
  readonly tag?: string;
  readonly cache: CacheMode;
  readonly cacheSalt?: string;
  /** The only files and folders that count as its code, from the root of the repository; all, when absent. */
  readonly codePaths?: readonly string[];
  /** A container image, as written. */
  readonly container?: string;
}

/** Whether a stage may be taken from the cache; `refresh` executes it, and leaves the result for others. */
export type CacheMode = "on" | "off" | "refresh";

/** What a stage reads. */
export type StageInput =
  /** A file or folder that no stage makes, from the root of the repository or absolute. */
  | { readonly kind: "path"; readonly name: string; readonly path: string; readonly hash: "content" | "stat" }
  /** An output of one element of another stage. */
  | { readonly kind: "stage"; readonly name: string; readonly stage: string; readonly output: string }
  /** A list of an output of all elements of another stage. */
  | {
      readonly kind: "all";
      readonly name: string;
      readonly stage: string;
      readonly output: string;
      /** So many elements are enough; all must have succeeded, when absent. */
      readonly minSuccess?: number;
    }
  /** An output of a run of before; of its only one, when absent. */
  | { readonly kind: "pin"; readonly name: string; readonly pin: string; readonly output?: string }
  | { readonly kind: "alias"; readonly name: string; readonly alias: string; readonly output?: string };

/** Keys that aexp puts into the state point of a stage's run, so that no parameter can have their names. */
export const STAGE_KEYS = ["pipeline", "stage", "group", "triggered_by"] as const;
