import { AexpError } from "./errors.ts";
import { describeExact, type Exact, ExactNumber, type ExactObject, isExactObject, MAX_DEPTH } from "./exact-json.ts";

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
