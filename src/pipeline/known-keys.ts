import type {
  PipelineCode,
  PipelineDefaults,
  PipelineFile,
  PipelineInput,
  PipelineOutput,
  PipelineRetry,
  PipelineStage,
} from "../generated/pipeline.ts";
import { didYouMean } from "../model/nearest.ts";
import { COMPUTE_KEYS } from "../queue/compute-request.ts";
import type { FaultPath } from "./fault.ts";

const FILE_KEYS = ["version", "name", "pins", "defaults", "stages"] as const satisfies readonly (keyof PipelineFile)[];

const DEFAULTS_KEYS = [
  "experiment",
  "hypothesis",
  "sub_hypothesis",
  "sp",
  "env",
  "lane",
  "priority",
  "kind",
  "resources",
  "retry",
  "timeout",
  "tag",
  "cache",
  "cache_salt",
  "code",
  "container",
] as const satisfies readonly (keyof PipelineDefaults)[];

const STAGE_KEYS = [
  "command",
  "sweep",
  "inputs",
  "outputs",
  "needs",
  "min_success",
  ...DEFAULTS_KEYS,
] as const satisfies readonly (keyof PipelineStage)[];

const INPUT_KEYS = [
  "path",
  "hash",
  "stage",
  "output",
  "all",
  "pin",
  "alias",
] as const satisfies readonly (keyof PipelineInput)[];

const OUTPUT_KEYS = ["path", "kind", "marker", "stream", "hash"] as const satisfies readonly (keyof PipelineOutput)[];
const RETRY_KEYS = ["attempts", "on"] as const satisfies readonly (keyof PipelineRetry)[];
const CODE_KEYS = ["paths"] as const satisfies readonly (keyof PipelineCode)[];
const RESOURCE_KEYS = ["keys", ...COMPUTE_KEYS] as const;

/** Keys that people look for under another name, or in another file. */
const ELSEWHERE: Readonly<Record<string, string>> = {
  secrets:
    "a pipeline file is committed, and what it says is recorded, so it holds no secrets. Set them in the environment of the worker, which the program inherits",
  params: "the parameters of a stage are called sp, as everywhere",
  parameters: "the parameters of a stage are called sp, as everywhere",
  depends_on: "stages that must come first are called needs",
  retries: "write retry: {attempts: 2} for one retry",
  slurm: "what a scheduler is to reserve is written under resources",
  every_n: "how often a stream starts further runs is said by a policy in aexp.yaml",
  policies: "policies belong into aexp.yaml",
};

/** What to say about a key that nobody knows, at the path of the mapping that it is in. */
export function describeUnknownKey(path: FaultPath, key: string): string {
  const known = knownKeysAt(path);
  const elsewhere = known.length > 0 && Object.hasOwn(ELSEWHERE, key) ? ELSEWHERE[key] : undefined;
  const unknown = `unknown key ${JSON.stringify(key)}`;
  return elsewhere === undefined
    ? `${unknown}.${didYouMean(key, known)}`.replace(/\.$/, "")
    : `${unknown}: ${elsewhere}`;
}

function knownKeysAt(path: FaultPath): readonly string[] {
  const [top, second, third] = path;
  if (top === undefined) return FILE_KEYS;
  const section = top === "defaults" ? second : third;
  switch (section) {
    case undefined:
      return top === "defaults" ? DEFAULTS_KEYS : STAGE_KEYS;
    case "inputs":
      return INPUT_KEYS;
    case "outputs":
      return OUTPUT_KEYS;
    case "retry":
      return RETRY_KEYS;
    case "code":
      return CODE_KEYS;
    case "resources":
      return RESOURCE_KEYS;
    default:
      return [];
  }
}
