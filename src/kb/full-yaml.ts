import type * as Yaml from "yaml";
import type { Alias, Document, LineCounter, Node, Pair, Scalar, YAMLMap, YAMLSeq } from "yaml";

import { messageOf } from "../model/errors.ts";
import { type Exact, ExactNumber, type ExactObject, isExactObject } from "../model/exact-json.ts";
import { toExactNumber } from "../model/plain-scalar.ts";
import { explainFault, isIgnoredTag, shorten } from "./yaml-faults.ts";
import type { FieldLines, NoteProblem, YamlFields } from "./yaml-fields.ts";

/** An alias that repeats a large node counts the whole node each time, so a bomb ends here. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 100;
const MERGE_KEY = "<<";

/**
 * Reads any YAML mapping in the core schema of YAML 1.2, exactly: numbers keep kind and digits, keys such as `__proto__`
 * are keys like any other, a repeated key is a problem, and so is a tag beyond that schema. The merge key `<<` of
 * YAML 1.1 is understood, because other readers of the same notes do. The `yaml` package is loaded at the first call.
 *
 * @param firstLine the number of the text's first line in its file
 * @param what how messages call the text
 */
export async function readFullYaml(
  text: string,
  firstLine: number,
  what = "frontmatter",
): Promise<{ readonly fields: YamlFields } | { readonly problem: NoteProblem }> {
  const { default: yaml } = await import("yaml");
  const counter = new yaml.LineCounter();
  try {
    const document = yaml.parseDocument(text, {
      schema: "core",
      merge: false,
      resolveKnownTags: false,
      // The package compares every pair of keys; ours are compared while they are converted.
      uniqueKeys: false,
      prettyErrors: false,
      lineCounter: counter,
    });
    const error = document.errors[0] ?? document.warnings.find(isIgnoredTag);
    if (error !== undefined) {
      // The package tells of its own lack of stack as of any other error, wherever it happened to run out.
      if (error.message.includes("call stack")) throw new RangeError(error.message);
      const { message, offset } = explainFault(yaml, document, text, error);
      throw new Located(message, offset);
    }
    return { fields: new Converter(yaml, document, counter, { firstLine, what }).toFields() };
  } catch (error) {
    const { line, col } = counter.linePos(error instanceof Located ? error.offset : 0);
    const message = error instanceof RangeError ? `the ${what} is nested too deeply` : messageOf(error);
    return { problem: { message, line: Math.max(1, line) + firstLine - 1, column: Math.max(1, col) } };
  }
}

/** A problem at an offset of the text. */
class Located extends Error {
  readonly offset: number;

  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

class Converter {
  readonly #yaml: (typeof Yaml)["default"];
  readonly #document: Document.Parsed;
  readonly #counter: LineCounter;
  readonly #firstLine: number;
  readonly #what: string;
  /** What the aliases stand for that are being converted. */
  readonly #open = new Set<unknown>();
  #targets: ReadonlyMap<Alias, Node> | undefined;
  #nodes = 0;

  constructor(
    yaml: (typeof Yaml)["default"],
    document: Document.Parsed,
    counter: LineCounter,
    source: { readonly firstLine: number; readonly what: string },
  ) {
    this.#yaml = yaml;
    this.#document = document;
    this.#counter = counter;
    this.#firstLine = source.firstLine;
    this.#what = source.what;
  }

  toFields(): YamlFields {
    const { contents } = this.#document;
    const values = this.#convert(contents, 0);
    if (values === null) return { values: new Map(), lines: new Map() };
    if (!isExactObject(values)) {
      const kind = Array.isArray(values) ? "a list" : "a single value";
      throw new Located(`the ${this.#what} is ${kind}; expected keys and values`, offsetOf(contents));
    }
    const lines = new Map<string, FieldLines>();
    if (this.#yaml.isMap(contents)) {
      for (const { key, value } of contents.items) {
        const items = this.#yaml.isSeq(value) ? value.items.map((item) => this.#lineOf(item)) : [];
        lines.set(this.#keyText(key), { line: this.#lineOf(key), items });
      }
    }
    return { values, lines };
  }

  #convert(node: unknown, depth: number): Exact {
    this.#nodes += 1;
    if (this.#nodes > MAX_NODES) throw new Located(`the ${this.#what} holds more than ${MAX_NODES} values`, 0);
    if (depth > MAX_DEPTH) throw new Located(`values are nested deeper than ${MAX_DEPTH}`, offsetOf(node));
    if (this.#yaml.isScalar(node)) return this.#convertScalar(node);
    if (this.#yaml.isMap(node)) return this.#convertMap(node, depth);
    if (this.#yaml.isSeq(node)) return this.#convertSeq(node, depth);
    if (this.#yaml.isAlias(node)) return this.#convertAlias(node, depth);
    return null;
  }

  #convertScalar(node: Scalar): Exact {
    const { value, source = "" } = node;
    if (typeof value === "number") {
      const exact = toExactNumber(source);
      if (exact === undefined) throw new Located("a number with too many digits; put it in quotes", offsetOf(node));
      const isFloat = node.tag?.endsWith(":float") === true;
      return isFloat && exact.kind === "int" ? ExactNumber.float(value) : exact;
    }
    return value === null || typeof value === "boolean" || typeof value === "string" ? value : source;
  }

  #convertMap(node: YAMLMap, depth: number): ExactObject {
    const own = new Map<string, Exact>();
    let merged: ExactObject | undefined;
    for (const { key, value } of node.items) {
      const text = this.#keyText(key);
      if (own.has(text)) throw new Located(`the key ${JSON.stringify(shorten(text))} is there twice`, offsetOf(key));
      const converted = this.#convert(value, depth + 1);
      own.set(text, converted);
      if (this.#isMergeKey(key)) merged = mergedFrom(converted, offsetOf(value));
    }
    if (merged === undefined) return own;
    own.delete(MERGE_KEY);
    return new Map([...merged, ...own]);
  }

  #convertSeq(node: YAMLSeq, depth: number): readonly Exact[] {
    return node.items.map((item) => this.#convert(item, depth + 1));
  }

  #convertAlias(node: Alias, depth: number): Exact {
    this.#targets ??= this.#findTargets();
    const target = this.#targets.get(node);
    const name = shorten(node.source);
    if (target === undefined) {
      throw new Located(`no anchor has the name of *${name}; put a value that begins with * in quotes`, offsetOf(node));
    }
    if (this.#open.has(target)) throw new Located(`the alias *${name} stands in what it names`, offsetOf(node));
    this.#open.add(target);
    const value = this.#convert(target, depth + 1);
    this.#open.delete(target);
    return value;
  }

  /** What every alias stands for: the last node before it that has the anchor. The package looks through the text for each. */
  #findTargets(): ReadonlyMap<Alias, Node> {
    const anchors = new Map<string, Node>();
    const targets = new Map<Alias, Node>();
    this.#yaml.visit(this.#document, (_, node) => {
      if (this.#yaml.isAlias(node)) {
        const target = anchors.get(node.source);
        if (target !== undefined) targets.set(node, target);
      } else if (this.#yaml.isNode(node) && hasAnchor(node)) {
        anchors.set(node.anchor, node);
      }
    });
    return targets;
  }

  #keyText(key: Pair["key"]): string {
    if (!this.#yaml.isScalar(key)) {
      const what = this.#yaml.isMap(key) ? "a mapping" : this.#yaml.isSeq(key) ? "a list" : "an alias";
      throw new Located(`a key must be a text, not ${what}; put it in quotes`, offsetOf(key));
    }
    return typeof key.value === "string" ? key.value : (key.source ?? "");
  }

  #isMergeKey(key: Pair["key"]): boolean {
    return this.#yaml.isScalar(key) && key.value === MERGE_KEY && key.type === "PLAIN";
  }

  #lineOf(node: unknown): number {
    return this.#counter.linePos(offsetOf(node)).line + this.#firstLine - 1;
  }
}

/** What a merge key brings in: a mapping, or of several the first that has a key. */
function mergedFrom(value: Exact, offset: number): ExactObject {
  const merged = new Map<string, Exact>();
  for (const mapping of Array.isArray(value) ? value : [value]) {
    if (!isExactObject(mapping)) throw new Located("<< takes a mapping, or a list of mappings", offset);
    for (const [key, item] of mapping) if (!merged.has(key)) merged.set(key, item);
  }
  return merged;
}

function offsetOf(node: unknown): number {
  return hasRange(node) ? (node.range?.[0] ?? 0) : 0;
}

function hasAnchor(node: Node): node is Node & { readonly anchor: string } {
  return "anchor" in node && node.anchor !== undefined;
}

function hasRange(node: unknown): node is Pick<Node, "range"> {
  return typeof node === "object" && node !== null && "range" in node;
}
