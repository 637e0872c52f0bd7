import type { JsonValue } from "./json.ts";

/**
 * JSON that loses nothing: numbers keep their kind and text, objects keep the order of their keys.
 *
 * A run's identity is the hash of Python's `json.dumps` of its state point. `JSON.parse` turns `1.0` into `1`, rounds
 * integers above 2^53 and moves integer-like keys to the front, and each of these names another run.
 */
export type Exact = null | boolean | string | ExactNumber | readonly Exact[] | ExactObject;

/** An object in key order. A repeated key keeps its first place and its last value, as in Python. */
export type ExactObject = ReadonlyMap<string, Exact>;

/** A number as Python would print it. */
export class ExactNumber {
  readonly kind: "int" | "float";
  /** Python's text: `1`, `1.0`, `1e-05`, `NaN`, `-Infinity`. */
  readonly text: string;

  private constructor(kind: "int" | "float", text: string) {
    this.kind = kind;
    this.text = text;
  }

  /** An integer from its decimal digits; `-0` is `0`, as in Python. */
  static int(digits: string): ExactNumber {
    return new ExactNumber("int", digits === "-0" ? "0" : digits);
  }

  static float(value: number): ExactNumber {
    return new ExactNumber("float", pythonFloatText(value));
  }

  /** The nearest JavaScript number. */
  toNumber(): number {
    return Number(this.text);
  }

  isFinite(): boolean {
    return Number.isFinite(this.toNumber()) || this.kind === "int";
  }

  /** `JSON.stringify` writes the exact text, and `null` for the three numbers that JSON lacks. */
  toJSON(): unknown {
    return this.isFinite() ? rawJson(this.text) : null;
  }
}

/**
 * Python's `repr(float)`. Both languages print the shortest digits that read back, so only the notation differs:
 * Python uses plain digits for exponents -4 to 15, JavaScript for -7 to 20.
 */
export function pythonFloatText(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "-Infinity";
  if (value === 0) return Object.is(value, -0) ? "-0.0" : "0.0";
  const size = Math.abs(value);
  if (size >= 1e-4 && size < 1e16) return Number.isInteger(value) ? `${value}.0` : String(value);
  const [mantissa = "", exponent = ""] = value.toExponential().split("e");
  const digits = exponent.slice(1);
  return `${mantissa}e${exponent.slice(0, 1)}${digits.length === 1 ? `0${digits}` : digits}`;
}

/** How deep arrays and objects may nest: Python's own reader gives up near 1,000. */
export const MAX_DEPTH = 500;

export function isExactObject(value: Exact | undefined): value is ExactObject {
  return value instanceof Map;
}

/** "an array", "a number", … for messages. */
export function describeExact(value: Exact): string {
  if (value === null) return "null";
  if (value instanceof ExactNumber) return `the number ${value.text}`;
  if (typeof value === "string") return `the string ${JSON.stringify(value)}`;
  if (typeof value === "boolean") return String(value);
  return isExactObject(value) ? "an object" : "an array";
}

/** Orders text by Unicode code point, as Python does; `<` in JavaScript orders by UTF-16 unit. */
export function compareCodePoints(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index += 1) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left === right) continue;
    // A pair of surrogates is one code point above every single unit; a lone surrogate counts as itself.
    const isLeftPaired = isInPair(a, index);
    if (isLeftPaired !== isInPair(b, index)) return isLeftPaired ? 1 : -1;
    return left - right;
  }
  return a.length - b.length;
}

function isInPair(text: string, index: number): boolean {
  const unit = text.charCodeAt(index);
  if (unit < 0xd800 || unit > 0xdfff) return false;
  return unit < 0xdc00 ? isLow(text.charCodeAt(index + 1)) : isHigh(text.charCodeAt(index - 1));
}

function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdbff;
}

function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit <= 0xdfff;
}

/** The entries of an object in the order of {@link compareCodePoints}. */
function sortedEntries(object: ExactObject): readonly (readonly [string, Exact])[] {
  const entries = [...object];
  return entries.length < 2 ? entries : entries.toSorted(([a], [b]) => compareCodePoints(a, b));
}

/** The text that Python's `json.dumps(value, sort_keys=sortKeys)` gives: one line, `", "` and `": "`, pure ASCII. */
export function toPythonJson(value: Exact, { sortKeys = false }: { readonly sortKeys?: boolean } = {}): string {
  return write(value, sortKeys);
}

/** Joins texts as it goes: lists of parts take four times as long, and queueing many runs is mostly this. */
function write(value: Exact, sortKeys: boolean): string {
  if (value === null) return "null";
  if (typeof value === "string") return toPythonString(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value instanceof ExactNumber) return value.text;
  let text = "";
  if (isExactObject(value)) {
    for (const [key, item] of sortKeys ? sortedEntries(value) : value) {
      text += `${text === "" ? "" : ", "}${toPythonString(key)}: ${write(item, sortKeys)}`;
    }
    return `{${text}}`;
  }
  for (const item of value) text += `${text === "" ? "" : ", "}${write(item, sortKeys)}`;
  return `[${text}]`;
}

/** Text that JSON writes as it is. */
const PLAIN_TEXT = /^[ !#-[\]-~]*$/;

function toPythonString(text: string): string {
  if (PLAIN_TEXT.test(text)) return `"${text}"`;
  const quoted = JSON.stringify(text);
  // JSON.stringify already escapes lone surrogates, in lower-case hex as Python does.
  return quoted.replaceAll(/[\u007f-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`);
}

/** Indented JSON with sorted keys and exact numbers, ended by a newline: the form of every file that we commit. */
export function toSortedPrettyJson(value: Exact): string {
  return `${pretty(value, "")}\n`;
}

function pretty(value: Exact, indent: string): string {
  if (value === null || typeof value === "boolean") return String(value);
  if (typeof value === "string") return JSON.stringify(value);
  if (value instanceof ExactNumber) return value.text;
  const inner = `${indent}  `;
  if (isExactObject(value)) {
    if (value.size === 0) return "{}";
    const lines = sortedEntries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${pretty(item, inner)}`);
    return `{\n${lines.join(",\n")}\n${indent}}`;
  }
  if (value.length === 0) return "[]";
  return `[\n${value.map((item) => inner + pretty(item, inner)).join(",\n")}\n${indent}]`;
}

/**
 * Plain JSON to the exact form: safe integers become ints, other numbers floats.
 * Keys with the value `undefined` are left out.
 */
export function toExact(value: JsonValue): Exact {
  if (value === null || typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") {
    return Number.isSafeInteger(value) && !Object.is(value, -0)
      ? ExactNumber.int(String(value))
      : ExactNumber.float(value);
  }
  if (isPlainArray(value)) return value.map(toExact);
  const object = new Map<string, Exact>();
  for (const key of Object.keys(value)) {
    const item = value[key];
    if (item !== undefined) object.set(key, toExact(item));
  }
  return object;
}

function isPlainArray(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/**
 * The exact form as plain values for display and statistics: big integers round, `NaN` and infinities stay numbers.
 * The objects have no prototype, so a key such as `__proto__` is a key like any other.
 */
export function toPlain(value: Exact): JsonValue {
  if (value instanceof ExactNumber) return value.toNumber();
  if (value === null || typeof value !== "object") return value;
  if (isExactObject(value)) {
    const object: Record<string, JsonValue> = Object.create(null);
    for (const [key, item] of value) object[key] = toPlain(item);
    return object;
  }
  return value.map(toPlain);
}

/** The exact form as objects that `JSON.stringify` prints with the numbers' own text. */
export function toPrintable(value: Exact): unknown {
  if (isExactObject(value)) {
    const object: Record<string, unknown> = Object.create(null);
    for (const [key, item] of value) object[key] = toPrintable(item);
    return object;
  }
  return Array.isArray(value) ? value.map(toPrintable) : value;
}

/** Same kind and same value, at every depth; the order of keys does not count. */
export function isSameExact(a: Exact, b: Exact): boolean {
  return toPythonJson(a, { sortKeys: true }) === toPythonJson(b, { sortKeys: true });
}

function rawJson(text: string): unknown {
  // In Node since version 21; the standard library's types do not list it yet.
  if (!("rawJSON" in JSON) || typeof JSON.rawJSON !== "function") throw new Error("JSON.rawJSON is missing");
  return JSON.rawJSON(text);
}
