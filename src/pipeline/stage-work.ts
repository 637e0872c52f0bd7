import type {
  ListInput,
  PathInput,
  RunInput,
  StageRecord,
  StageTrigger as StageTriggerRecord,
} from "../generated/stage.ts";
import { isStage } from "../generated/validators.js";
import { type CodeIdentity, parseCodeIdentity, toCodeIdentityJson, type UnkeyedCode } from "../code/code-identity.ts";
import { AexpError } from "../model/errors.ts";
import { type ExactObject, toPythonJson } from "../model/exact-json.ts";
import { parseExactObject } from "../model/exact-json-reader.ts";
import { type JsonObject, type JsonValue, withoutUndefined } from "../model/json.ts";
import type { OutputDeclaration } from "../output/declaration.ts";
import { type Digest, isDigest } from "../output/digest.ts";
import type { CommandTemplate } from "../queue/command-template.ts";
import type { CacheMode, StageSpec } from "../queue/stage.ts";
import { type JobId, parseJobId } from "../run/job-id.ts";

/** Where an input of one run comes from; pins and aliases stand for runs by now. */
export type InputSource =
  | Readonly<PathInput>
  | {
      readonly kind: "run";
      readonly name: string;
      readonly run: JobId;
      readonly output: string;
      /** The only item of a stream that is read; the run may not have ended. */
      readonly item?: string | undefined;
      /** What it must be; anything, when absent. */
      readonly digest?: Digest | undefined;
    }
  | {
      readonly kind: "list";
      readonly name: string;
      readonly output: string;
      /** In the order of the elements. */
      readonly elements: readonly { readonly run: JobId; readonly bindings: ExactObject }[];
      /** So many that succeeded are enough; all, when absent. */
      readonly minSuccess: number | undefined;
    };

/** The output for which a policy submitted a run. */
export interface StageTrigger {
  readonly policy: string;
  readonly run: JobId;
  readonly output: string;
  /** Of a stream, the item. */
  readonly item: string | undefined;
  readonly digest: Digest;
  /** The policies that led to the run, one after the other; its own is the last. */
  readonly chain: readonly string[];
}

/** What one run of a stage has to do: everything that was decided when its pipeline was submitted. */
export interface StageWork {
  readonly pipeline: string;
  readonly stage: string;
  /** `lr=0.1,seed=0`; empty where nothing is swept. */
  readonly label: string;
  /** As written, before any placeholder is filled in. */
  readonly command: CommandTemplate;
  /** Those of the stage and those of its element. */
  readonly parameters: ExactObject;
  readonly env: ReadonlyMap<string, string>;
  readonly inputs: readonly InputSource[];
  readonly outputs: readonly OutputDeclaration[];
  readonly code: CodeIdentity | UnkeyedCode;
  readonly container: string | undefined;
  readonly salt: string | undefined;
  readonly cache: CacheMode;
  /** Absent for a run that somebody submitted. */
  readonly trigger?: StageTrigger | undefined;
}

/** The work as the spec of a task and the run's document hold it; {@link readStageWork} reads it back. */
export function toStageSpec(work: StageWork): StageSpec {
  const { pipeline, stage, label, command, parameters, env, inputs, outputs, code, container, salt, cache } = work;
  const { trigger } = work;
  return {
    ...withoutUndefined({
      element: label === "" ? undefined : label,
      command: typeof command === "string" ? command : [...command],
      parameters: toPythonJson(parameters),
      env: Object.fromEntries(env),
      inputs: inputs.map(toInputValue),
      outputs: outputs.map((output) => withoutUndefined({ ...output })),
      code: "unkeyed" in code ? { unkeyed: code.unkeyed } : toCodeIdentityJson(code),
      container,
      salt,
      cache,
      triggered_by: trigger && withoutUndefined({ ...trigger, chain: [...trigger.chain] }),
    }),
    pipeline,
    stage,
  };
}

function toInputValue(input: InputSource): JsonValue {
  if (input.kind !== "list") return withoutUndefined({ ...input });
  const { kind, name, output, elements, minSuccess } = input;
  return withoutUndefined({
    kind,
    name,
    output,
    elements: elements.map(({ run, bindings }): JsonObject => ({ run, bindings: toPythonJson(bindings) })),
    min_success: minSuccess,
  });
}

/**
 * The work of a stage's task. It may come from a document that anybody wrote.
 *
 * @throws {AexpError} `queue.spec_invalid`
 */
export function readStageWork(spec: StageSpec): StageWork {
  const value: unknown = spec;
  if (!isStage(value)) throw refused(spec, isStage.errors?.[0]?.message ?? "it has another shape");
  return toWork(value, spec);
}

function toWork(record: StageRecord, spec: StageSpec): StageWork {
  const code = "unkeyed" in record.code ? record.code : parseCodeIdentity(record.code);
  if (code === undefined) throw refused(spec, "its code is none");
  return {
    pipeline: record.pipeline,
    stage: record.stage,
    label: record.element ?? "",
    command: record.command,
    parameters: parseExactObject(record.parameters),
    env: new Map(Object.entries(record.env).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]]))),
    inputs: record.inputs.map(toSource),
    outputs: record.outputs,
    code,
    container: record.container,
    salt: record.salt,
    cache: record.cache,
    ...(record.triggered_by !== undefined && { trigger: toTrigger(record.triggered_by) }),
  };
}

function toTrigger({ policy, run, output, item, digest, chain }: StageTriggerRecord): StageTrigger {
  return { policy, run: parseJobId(run), output, item, digest: parseDigest(digest), chain };
}

function toSource(input: PathInput | RunInput | ListInput): InputSource {
  switch (input.kind) {
    case "path":
      return input;
    case "run": {
      const { digest, ...rest } = input;
      return {
        ...rest,
        run: parseJobId(input.run),
        ...(digest !== undefined && { digest: parseDigest(digest) }),
      };
    }
    case "list": {
      const { kind, name, output, elements, min_success: minSuccess } = input;
      const read = elements.map(({ run, bindings }) => ({
        run: parseJobId(run),
        bindings: parseExactObject(bindings),
      }));
      return { kind, name, output, elements: read, minSuccess };
    }
  }
}

/** A digest that the schema has let through. */
function parseDigest(text: string): Digest {
  if (isDigest(text)) return text;
  throw new Error(`${JSON.stringify(text)} is no digest`);
}

function refused({ pipeline, stage }: StageSpec, problem: string): AexpError {
  return new AexpError(`what is to be done for the stage ${stage} of ${pipeline} cannot be read: ${problem}`, {
    code: "queue.spec_invalid",
    hint: "Submit the pipeline again with `aexp pipeline run`.",
  });
}
