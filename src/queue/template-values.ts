import { type Exact, ExactNumber, type ExactObject, isExactObject, toPythonJson } from "../model/exact-json.ts";
import type { JobId } from "../run/job-id.ts";
import { flattenParameters, parameterAt } from "../run/parameters.ts";
import type { TemplateValues } from "./command-template.ts";

/** What a command may say about its run. */
export interface TemplateSubject {
  readonly jobId: JobId;
  readonly statePoint: ExactObject;
  /** Absolute path of the run's folder. */
  readonly workspace: string;
}

/** Placeholders that are no parameters; they win over parameters of the same name. */
const OWN = ["job_id", "sp_json", "sp_json_shell", "workspace"] as const;

/**
 * What the placeholders of a run's command stand for: its parameters, nested ones by dotted key, and `job_id`, `sp_json`
 * and `workspace`. Texts are themselves, everything else is JSON with the numbers as they are in the state point.
 */
export function toTemplateValues({ jobId, statePoint, workspace }: TemplateSubject): TemplateValues {
  return {
    valueOf: (name) => {
      switch (name) {
        case "job_id":
          return jobId;
        case "workspace":
          return workspace;
        case "sp_json":
        case "sp_json_shell":
          return toCompactJson(statePoint);
        default:
          return toText(parameterAt(statePoint, name));
      }
    },
    names: () => [...OWN, ...flattenParameters(statePoint).keys()],
  };
}

function toText(value: Exact | undefined): string | undefined {
  return value === undefined || typeof value === "string" ? value : toCompactJson(value);
}

/** As Python's `json.dumps(value, separators=(",", ":"))`. */
function toCompactJson(value: Exact): string {
  if (value === null || typeof value !== "object" || value instanceof ExactNumber) return toPythonJson(value);
  if (!isExactObject(value)) return `[${value.map(toCompactJson).join(",")}]`;
  return `{${[...value].map(([key, item]) => `${toPythonJson(key)}:${toCompactJson(item)}`).join(",")}}`;
}
