import { type Exact, ExactNumber, type ExactObject, isExactObject } from "../model/exact-json.ts";
import { resolvePlainScalar } from "../model/plain-scalar.ts";
import type { JobId } from "../run/job-id.ts";

/** A citation that is to be written. */
export type NewCitation =
  | { readonly type: "job"; readonly jobId: JobId }
  | { readonly type: "batch"; readonly experimentId: string; readonly selector: ExactObject };

/**
 * One item of `supporting_runs` as one line of YAML in flow form. Readers of YAML 1.2 and of YAML 1.1, such as PyYAML,
 * take the same values from it.
 */
export function toCitationYaml(citation: NewCitation): string {
  if (citation.type === "job") return `{type: job, id: "${citation.jobId}"}`;
  const { experimentId, selector } = citation;
  return `{type: batch, experiment_id: ${experimentId}, selector: ${toFlowYaml(selector)}}`;
}

function toFlowYaml(value: Exact): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return toQuoted(value);
  if (value instanceof ExactNumber) return toYamlNumber(value);
  if (!isExactObject(value)) return `[${value.map(toFlowYaml).join(", ")}]`;
  return `{${[...value].map(([key, item]) => `${toKey(key)}: ${toFlowYaml(item)}`).join(", ")}}`;
}

/** YAML 1.1 takes a float without a point for a text, and has words of its own for what JSON lacks. */
function toYamlNumber({ kind, text }: ExactNumber): string {
  if (kind === "int") return text;
  if (text === "NaN") return ".nan";
  if (text.endsWith("Infinity")) return text.replace("Infinity", ".inf");
  return text.includes(".") ? text : text.replace("e", ".0e");
}

const PLAIN_KEY = /^[A-Za-z_][A-Za-z0-9_.-]{0,99}$/;
/** Words that YAML 1.1 reads as truth values. */
const OLD_BOOLEAN = /^(?:y|n|yes|no|on|off)$/i;
/** Beyond this length YAML wants a mark in front of a key. */
const MAX_SIMPLE_KEY = 1000;

function toKey(key: string): string {
  const isPlain = PLAIN_KEY.test(key) && !OLD_BOOLEAN.test(key) && typeof resolvePlainScalar(key) === "string";
  const text = isPlain ? key : toQuoted(key);
  return text.length > MAX_SIMPLE_KEY ? `? ${text} ` : text;
}

/** Always in quotes, so that no reader takes a text for anything else. What cannot be seen is escaped. */
function toQuoted(text: string): string {
  const quoted = JSON.stringify(text);
  return quoted.replaceAll(/[\u007f-\u00a0\u2028\u2029\ufeff\ufffe\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}
