import type { Exact, ExactObject } from "../model/exact-json.ts";
import { resolvePlainScalar } from "../model/plain-scalar.ts";
import type { FieldLines, YamlFields } from "./yaml-fields.ts";

/**
 * Reads the plain part of YAML that our templates produce, many times faster than a whole YAML parser: mappings and
 * lists in block form, one-line flow collections, scalars with and without quotes, comments on lines of their own.
 *
 * Law: an answer is what the `yaml` package gives in its core schema. For anything else there is no answer.
 *
 * @param firstLine the number of the text's first line in its file
 * @returns `undefined` when the text is not plain; a full parser must judge it then
 */
export function readPlainYaml(text: string, firstLine: number): YamlFields | undefined {
  try {
    return new PlainReader(text, firstLine).readDocument();
  } catch (error) {
    if (error === NOT_PLAIN) return undefined;
    throw error;
  }
}

/** Thrown by every part of the reader that meets what it does not know; made once, because a stack trace is slow. */
const NOT_PLAIN = new Error("not plain");

interface Line {
  readonly indent: number;
  readonly text: string;
  readonly number: number;
}

const MAX_DEPTH = 20;
const KEY_LINE = /^([A-Za-z_][A-Za-z0-9_-]{0,99}):(?: +(.*))?$/;
/** No tab, no control character, nothing that Unicode or YAML might treat as a line break. */
const SAFE_LINE = /^[ -~\u00a1-\u167f\u1681-\u1fff\u2010-\u2027\u2030-\ud7ff]*$/;
/** Without `:` and `#`, nothing in a scalar can end it early. */
const PLAIN_SCALAR = /^(?:[A-Za-z0-9_/(+.]|-(?=[A-Za-z0-9.]))[^:#]*$/;
/** The first digits of a number that is too long to be one; the full parser says so. */
const LONG_NUMBER = /^[-+]?(?:0x)?[0-9a-fA-F]{1000}/;
const QUOTED_SCALAR = /^(?:"([^"\\]*)"|'([^']*)')$/;
const FLOW_SCALAR =
  /(?:[A-Za-z0-9_/+.]|-(?=[0-9.]))[A-Za-z0-9_/+.()%=<>-]*(?: +[A-Za-z0-9_/+.()%=<>][A-Za-z0-9_/+.()%=<>-]*)*|"([^"\\]*)"|'([^']*)'/y;
const FLOW_KEY = /([A-Za-z_][A-Za-z0-9_-]{0,99}): +/y;

class PlainReader {
  readonly #lines: Line[] = [];
  readonly #items = new Map<Exact, number[]>();
  #at = 0;

  constructor(text: string, firstLine: number) {
    let number = firstLine - 1;
    for (const raw of text.split("\n")) {
      number += 1;
      if (!SAFE_LINE.test(raw)) throw NOT_PLAIN;
      const line = raw.trim();
      if (line === "" || line.startsWith("#")) continue;
      this.#lines.push({ indent: raw.search(/[^ ]/), text: line, number });
    }
  }

  readDocument(): YamlFields {
    if (this.#lines[0]?.indent !== 0) throw NOT_PLAIN;
    const lines = new Map<string, FieldLines>();
    const values = this.#readMapping(0, 0, (key, line, value) => {
      lines.set(key, { line, items: this.#items.get(value) ?? [] });
    });
    if (this.#at < this.#lines.length) throw NOT_PLAIN;
    return { values, lines };
  }

  #readMapping(
    indent: number,
    depth: number,
    onField?: (key: string, line: number, value: Exact) => void,
  ): ExactObject {
    if (depth > MAX_DEPTH) throw NOT_PLAIN;
    const mapping = new Map<string, Exact>();
    for (let line = this.#lines[this.#at]; line !== undefined && line.indent >= indent; line = this.#lines[this.#at]) {
      if (line.indent > indent) throw NOT_PLAIN;
      const [, key, rest] = KEY_LINE.exec(line.text) ?? [];
      checkKey(key, mapping);
      this.#at += 1;
      const value =
        rest === undefined || rest === "" ? this.#readNested(indent, depth) : this.#readInline(rest, line.number);
      mapping.set(key, value);
      onField?.(key, line.number, value);
    }
    return mapping;
  }

  /** What stands below a key without a value on its own line. */
  #readNested(parentIndent: number, depth: number): Exact {
    const line = this.#lines[this.#at];
    if (line === undefined || line.indent < parentIndent) return null;
    if (line.text.startsWith("- ")) return this.#readList(line.indent, depth + 1);
    if (line.indent === parentIndent) return null;
    return this.#readMapping(line.indent, depth + 1);
  }

  #readList(indent: number, depth: number): readonly Exact[] {
    if (depth > MAX_DEPTH) throw NOT_PLAIN;
    const list: Exact[] = [];
    const numbers: number[] = [];
    for (let line = this.#lines[this.#at]; line !== undefined && line.indent >= indent; line = this.#lines[this.#at]) {
      if (line.indent > indent) throw NOT_PLAIN;
      if (!line.text.startsWith("- ")) break;
      const item = line.text.slice(2).trimStart();
      numbers.push(line.number);
      if (KEY_LINE.test(item)) {
        const itemIndent = indent + line.text.length - item.length;
        this.#lines[this.#at] = { indent: itemIndent, text: item, number: line.number };
        list.push(this.#readMapping(itemIndent, depth + 1));
      } else {
        this.#at += 1;
        list.push(this.#readInline(item, line.number));
      }
    }
    this.#items.set(list, numbers);
    return list;
  }

  #readInline(text: string, line: number): Exact {
    if (text.startsWith("{") || text.startsWith("[")) {
      const value = new FlowReader(text).read();
      if (Array.isArray(value)) this.#items.set(value, Array<number>(value.length).fill(line));
      return value;
    }
    if (PLAIN_SCALAR.test(text)) return resolveScalar(text);
    const quoted = QUOTED_SCALAR.exec(text);
    if (quoted === null) throw NOT_PLAIN;
    return quoted[1] ?? quoted[2] ?? "";
  }
}

class FlowReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): Exact {
    const value = this.#readValue(0);
    if (this.#at < this.#text.length) throw NOT_PLAIN;
    return value;
  }

  #readValue(depth: number): Exact {
    if (depth > MAX_DEPTH) throw NOT_PLAIN;
    switch (this.#text.charCodeAt(this.#at)) {
      case 0x5b:
        return this.#readList(depth);
      case 0x7b:
        return this.#readMapping(depth);
      default:
        return this.#readScalar();
    }
  }

  #readList(depth: number): readonly Exact[] {
    const list: Exact[] = [];
    this.#at += 1;
    if (this.#take(0x5d)) return list;
    do {
      this.#skipSpace();
      list.push(this.#readValue(depth + 1));
    } while (this.#take(0x2c));
    if (!this.#take(0x5d)) throw NOT_PLAIN;
    return list;
  }

  #readMapping(depth: number): ExactObject {
    const mapping = new Map<string, Exact>();
    this.#at += 1;
    if (this.#take(0x7d)) return mapping;
    do {
      this.#skipSpace();
      const [matched = "", key] = this.#match(FLOW_KEY);
      checkKey(key, mapping);
      this.#at += matched.length;
      mapping.set(key, this.#readValue(depth + 1));
    } while (this.#take(0x2c));
    if (!this.#take(0x7d)) throw NOT_PLAIN;
    return mapping;
  }

  #readScalar(): Exact {
    const [token = "", double, single] = this.#match(FLOW_SCALAR);
    if (token === "") throw NOT_PLAIN;
    this.#at += token.length;
    return double ?? single ?? resolveScalar(token);
  }

  #match(pattern: RegExp): readonly (string | undefined)[] {
    pattern.lastIndex = this.#at;
    return pattern.exec(this.#text) ?? [];
  }

  #take(unit: number): boolean {
    this.#skipSpace();
    if (this.#text.charCodeAt(this.#at) !== unit) return false;
    this.#at += 1;
    return true;
  }

  #skipSpace(): void {
    while (this.#text.charCodeAt(this.#at) === 0x20) this.#at += 1;
  }
}

function resolveScalar(text: string): Exact {
  if (LONG_NUMBER.test(text)) throw NOT_PLAIN;
  return resolvePlainScalar(text);
}

/** Keys that are no texts in YAML (`true`, `null`), and repeated ones, are for the full parser. */
function checkKey(key: string | undefined, mapping: ReadonlyMap<string, Exact>): asserts key is string {
  if (key === undefined || mapping.has(key) || typeof resolvePlainScalar(key) !== "string") throw NOT_PLAIN;
}
