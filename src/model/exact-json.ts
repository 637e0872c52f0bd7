import { AexpError } from "./errors.ts";
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
/** CPython refuses to convert longer integers. */
const MAX_INT_DIGITS = 4300;

/**
 * Reads JSON text as Python's `json.loads` does: `NaN`, `Infinity` and `-Infinity` are accepted, raw control
 * characters, trailing commas and a byte-order mark are not.
 *
 * @throws {AexpError} `file.not_json`, naming line and column.
 */
export function parseExactJson(text: string): Exact {
  return new Reader(text).readDocument();
}

/** Like {@link parseExactJson} for a text that must hold an object. */
export function parseExactObject(text: string): ExactObject {
  const value = parseExactJson(text);
  if (isExactObject(value)) return value;
  throw new AexpError(`the JSON text holds ${describeExact(value)}; expected an object`, {
    code: "file.not_json",
  });
}

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

class Reader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  readDocument(): Exact {
    const value = this.#readValue(0);
    this.#skipSpace();
    if (this.#at < this.#text.length) this.#fail("text after the end of the value");
    return value;
  }

  #readValue(depth: number): Exact {
    if (depth > MAX_DEPTH) this.#fail(`nesting deeper than ${MAX_DEPTH}`);
    this.#skipSpace();
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x7b:
        return this.#readObject(depth);
      case 0x5b:
        return this.#readArray(depth);
      case 0x22:
        return this.#readString();
      case 0x74:
        return this.#readWord("true", true);
      case 0x66:
        return this.#readWord("false", false);
      case 0x6e:
        return this.#readWord("null", null);
      default:
        return this.#readNumber();
    }
  }

  #readObject(depth: number): ExactObject {
    const object = new Map<string, Exact>();
    this.#at += 1;
    if (this.#take(0x7d)) return object;
    do {
      this.#skipSpace();
      if (this.#text.charCodeAt(this.#at) !== 0x22) this.#fail("expected a key in double quotes");
      const key = this.#readString();
      if (!this.#take(0x3a)) this.#fail('expected ":"');
      object.set(key, this.#readValue(depth + 1));
    } while (this.#take(0x2c));
    if (!this.#take(0x7d)) this.#fail('expected "," or "}"');
    return object;
  }

  #readArray(depth: number): readonly Exact[] {
    const items: Exact[] = [];
    this.#at += 1;
    if (this.#take(0x5d)) return items;
    do items.push(this.#readValue(depth + 1));
    while (this.#take(0x2c));
    if (!this.#take(0x5d)) this.#fail('expected "," or "]"');
    return items;
  }

  #readString(): string {
    const start = this.#at;
    let end = start + 1;
    for (;;) {
      const unit = this.#text.charCodeAt(end);
      if (unit === 0x22) break;
      if (Number.isNaN(unit)) this.#fail("a string without an end");
      if (unit < 0x20) {
        this.#at = end;
        this.#fail("a control character in a string");
      }
      end += unit === 0x5c ? 2 : 1;
    }
    this.#at = end + 1;
    const raw = this.#text.slice(start + 1, end);
    if (!raw.includes("\\")) return raw;
    try {
      const value: unknown = JSON.parse(this.#text.slice(start, end + 1));
      if (typeof value === "string") return value;
    } catch {
      // Only a bad escape can bring us here; the position says more than the engine's own message.
    }
    this.#at = start;
    return this.#fail("a bad escape in a string");
  }

  #readWord<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#fail("expected a value");
    this.#at += word.length;
    return value;
  }

  #readNumber(): ExactNumber {
    const token = NUMBER.at(this.#text, this.#at);
    if (token === "") this.#fail("expected a value");
    this.#at += token.length;
    if (token === "NaN" || token.endsWith("y") || /[.eE]/.test(token)) return ExactNumber.float(Number(token));
    if (token.length - Number(token.startsWith("-")) > MAX_INT_DIGITS)
      this.#fail(`an integer of more than ${MAX_INT_DIGITS} digits`);
    return ExactNumber.int(token);
  }

  #take(unit: number): boolean {
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== unit) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    for (;;) {
      const unit = this.#text.charCodeAt(this.#at);
      if (unit !== 0x20 && unit !== 0x0a && unit !== 0x0d && unit !== 0x09) return;
      this.#at += 1;
    }
  }

  #fail(problem: string): never {
    const before = this.#text.slice(0, this.#at).split("\n");
    const column = (before.at(-1)?.length ?? 0) + 1;
    throw new AexpError(`not JSON: ${problem} at line ${before.length}, column ${column}`, {
      code: "file.not_json",
    });
  }
}

const NUMBER = {
  pattern: /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|NaN|-?Infinity/y,
  /** The number token that starts at `index`, or an empty text. */
  at(text: string, index: number): string {
    this.pattern.lastIndex = index;
    return this.pattern.exec(text)?.[0] ?? "";
  },
};

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
export function toPythonJson(value: Exact, options: { readonly sortKeys?: boolean } = {}): string {
  if (value === null) return "null";
  if (typeof value === "string") return toPythonString(value);
  if (typeof value === "boolean") return value ? "true" : "false";
  if (value instanceof ExactNumber) return value.text;
  if (isExactObject(value)) {
    const entries = options.sortKeys === true ? sortedEntries(value) : [...value];
    return `{${entries.map(([key, item]) => `${toPythonString(key)}: ${toPythonJson(item, options)}`).join(", ")}}`;
  }
  return `[${value.map((item) => toPythonJson(item, options)).join(", ")}]`;
}

function toPythonString(text: string): string {
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
  for (const [key, item] of Object.entries(value)) {
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
