import { resolvePlainScalar } from "../model/plain-scalar.ts";

/** Words that YAML 1.1, which Python's reader speaks, takes for truth values. */
const YAML_11_WORDS = /^(?:y|n|yes|no|on|off)$/i;
const SAFE_PLAIN = /^[A-Za-z][A-Za-z0-9_./+-]*(?: [A-Za-z0-9_./+-]+)*$/;
const ISO_DATE = /^\d{4}-\d{2}-\d{2}$/;

/**
 * A text as YAML: without quotes where every reader takes it for the same text, else in double quotes. Dates stay plain,
 * which YAML 1.1 reads as dates.
 */
export function toYamlScalar(value: string): string {
  const isText = SAFE_PLAIN.test(value) && typeof resolvePlainScalar(value) === "string" && !YAML_11_WORDS.test(value);
  return isText || ISO_DATE.test(value) ? value : toDoubleQuoted(value);
}

/** In double quotes YAML reads what JSON writes; what is a line break or nothing at all to YAML is escaped as well. */
function toDoubleQuoted(value: string): string {
  return JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (unit) => {
    return `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  });
}

/** A text in the style of one that it replaces. */
export function toYamlLike(value: string, style: string | undefined): string {
  if (style === "QUOTE_DOUBLE") return toDoubleQuoted(value);
  const fitsSingle = /^[\t\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe]*$/.test(value);
  return style === "QUOTE_SINGLE" && fitsSingle ? `'${value.replaceAll("'", "''")}'` : toYamlScalar(value);
}
