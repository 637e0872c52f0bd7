import { type Exact, ExactNumber } from "./exact-json.ts";

/** CPython reads no longer integers, so no state point can hold one. */
const MAX_INT_DIGITS = 4300;

/** A scalar without quotes, typed by the core schema of YAML 1.2. Numbers keep their kind: `1`, `1.0` and `"1"` differ. */
export function resolvePlainScalar(text: string): Exact {
  const first = text.charCodeAt(0);
  // + - . and digits
  if (first === 0x2b || first === 0x2d || first === 0x2e || (first >= 0x30 && first <= 0x39)) {
    return toExactNumber(text) ?? text;
  }
  switch (text) {
    case "":
    case "~":
    case "null":
    case "Null":
    case "NULL":
      return null;
    case "true":
    case "True":
    case "TRUE":
      return true;
    case "false":
    case "False":
    case "FALSE":
      return false;
    default:
      return text;
  }
}

/** The number that a plain scalar spells; `undefined` when it spells none. */
export function toExactNumber(text: string): ExactNumber | undefined {
  if (/^[-+]?[0-9]+$/.test(text)) {
    if (text.length > MAX_INT_DIGITS) return undefined;
    return ExactNumber.int(text.replace(/^\+?(-?)0*(?=[0-9])/, "$1"));
  }
  if (/^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$/.test(text)) return ExactNumber.float(Number(text));
  if (/^0x[0-9a-fA-F]+$|^0o[0-7]+$/.test(text)) {
    return text.length > 1000 ? undefined : ExactNumber.int(BigInt(text).toString());
  }
  if (/^\+?\.(?:inf|Inf|INF)$/.test(text)) return ExactNumber.float(Infinity);
  if (/^-\.(?:inf|Inf|INF)$/.test(text)) return ExactNumber.float(-Infinity);
  if (/^\.(?:nan|NaN|NAN)$/.test(text)) return ExactNumber.float(Number.NaN);
  return undefined;
}
