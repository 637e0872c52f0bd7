import { AexpError } from "../model/errors.ts";
import { type Exact, type ExactObject } from "../model/exact-json.ts";
import { parseExactObject } from "../model/exact-json-reader.ts";
import { messageOf } from "../model/errors.ts";
import { resolvePlainScalar } from "../model/plain-scalar.ts";

/**
 * Reads `--sp` texts: `K=V`, or several as `K=V,K=V`. Values are typed as YAML scalars (`3` int, `1.0` float, `true`,
 * `null`, `"3"` string); quotes keep commas and spaces. A key that comes again takes the later value.
 *
 * @throws {AexpError} `state_point.invalid`, quoting the text
 */
export function parseAssignments(texts: readonly string[]): ExactObject {
  const values = new Map<string, Exact>();
  for (const text of texts) {
    for (const part of splitOutsideQuotes(text)) {
      const [key, value] = parseAssignment(part, text);
      values.set(key, value);
    }
  }
  return values;
}

/** Reads a whole state point, or a part of one, from JSON. @throws {AexpError} `state_point.invalid` */
export function parseStatePointJson(text: string, source: string): ExactObject {
  try {
    return parseExactObject(text);
  } catch (error) {
    throw new AexpError(`${source} is not a JSON object: ${messageOf(error)}`, {
      code: "state_point.invalid",
      hint: `Give an object such as {"lr": 0.1, "layers": [64, 64]}.`,
      cause: error,
    });
  }
}

function parseAssignment(part: string, text: string): readonly [string, Exact] {
  const equals = part.indexOf("=");
  const key = part.slice(0, Math.max(equals, 0)).trim();
  if (key === "") throw notAnAssignment(part, text);
  return [key, parseScalar(part.slice(equals + 1).trim(), text)];
}

/**
 * The value of an assignment: a scalar of YAML, with or without quotes.
 *
 * @param text what the user wrote around it, for messages
 * @throws {AexpError} `state_point.invalid`
 */
export function parseScalar(value: string, text: string): Exact {
  const first = value[0];
  if (first === '"' || first === "'") return parseQuoted(value, first, text);
  if (first === "[" || first === "{") {
    throw new AexpError(`the value ${value} in ${JSON.stringify(text)} is no scalar`, {
      code: "state_point.invalid",
      hint: "Give lists and objects with --sp-json, or put the text in quotes.",
    });
  }
  return resolvePlainScalar(value);
}

function parseQuoted(value: string, quote: string, text: string): string {
  if (quote === "'") {
    if (/^'(?:[^']|'')*'$/.test(value)) return value.slice(1, -1).replaceAll("''", "'");
  } else {
    try {
      const parsed: unknown = JSON.parse(value);
      if (typeof parsed === "string") return parsed;
    } catch {
      // The same complaint as for a quote without an end.
    }
  }
  throw new AexpError(`the quoted value ${value} in ${JSON.stringify(text)} does not end, or has a bad escape`, {
    code: "state_point.invalid",
    hint: `Quote for the shell as well: --sp 'name="a,b"'.`,
  });
}

/**
 * Splits a text at separators that stand in no quoted value. A quote counts only at the start of a value.
 *
 * @param before the characters that a value follows; with the separator among them, the text begins with a value
 */
export function splitOutsideQuotes(text: string, separator = ",", before = "="): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let quote = "";
  let isAtValue = before.includes(separator);
  for (let index = 0; index < text.length; index += 1) {
    const char = text[index] ?? "";
    if (quote !== "") {
      if (char === "\\" && quote === '"') index += 1;
      else if (char === quote) quote = "";
    } else if (isAtValue && (char === '"' || char === "'")) {
      quote = char;
      isAtValue = false;
    } else if (char === separator) {
      parts.push(text.slice(start, index));
      start = index + 1;
      isAtValue = before.includes(separator);
    } else if (before.includes(char)) isAtValue = true;
    else if (char !== " ") isAtValue = false;
  }
  return [...parts, text.slice(start)];
}

function notAnAssignment(part: string, text: string): AexpError {
  const where = part === text ? "" : ` in ${JSON.stringify(text)}`;
  return new AexpError(`${JSON.stringify(part)}${where} is not an assignment: expected K=V`, {
    code: "state_point.invalid",
    hint: `A value with a comma goes in quotes: --sp 'name="a,b"'.`,
  });
}
