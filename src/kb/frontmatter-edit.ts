import type * as Yaml from "yaml";
import type { Document, Node, Pair } from "yaml";

import { AexpError } from "../model/errors.ts";
import type { Exact } from "../model/exact-json.ts";
import { fieldOf, isUnset, type Note, parseNote } from "./note.ts";
import { toYamlLike, toYamlScalar } from "./yaml-text.ts";

const FRONTMATTER = /^(\uFEFF?---[ \t]*\r?\n)((?:[^]*?\n)??)---[ \t]*(?=\r?\n|$)/;

/**
 * Sets a field to a text where it stands, in its own style of quoting; comments and everything else stay. A field that
 * only the body has, as `> **Key**: value`, is set there; a missing one becomes the last line of the frontmatter.
 *
 * @throws {AexpError} `note.not_editable`
 */
export async function setField(text: string, key: string, value: string): Promise<string> {
  const before = await parsed(text, key);
  const isInBody = !before.fields.has(key) && fieldOf(before, key) !== undefined;
  const edited = isInBody ? setBodyField(text, key, value) : (await FrontmatterEditor.open(text, key)).set(key, value);
  const after = await parsed(edited, key);
  const written = isInBody ? fieldOf(after, key) : after.fields.get(key);
  if (written !== value && !(isInBody && isUnset(value))) throw notEditable(key, lineOf(before, key));
  return edited;
}

/**
 * Adds items, given as YAML in flow style, to the end of the list in a field. A single value counts as a list of one;
 * a missing field becomes a list.
 *
 * @throws {AexpError} `note.not_editable`
 */
export async function appendToList(text: string, key: string, items: readonly string[]): Promise<string> {
  if (items.length === 0) return text;
  const before = await parsed(text, key);
  const edited = (await FrontmatterEditor.open(text, key)).append(key, items);
  const after = await parsed(edited, key);
  if (lengthOf(after.fields.get(key)) !== lengthOf(before.fields.get(key)) + items.length) {
    throw notEditable(key, lineOf(before, key));
  }
  return edited;
}

/** Finds the bytes of values in a frontmatter, and puts others in their place. */
class FrontmatterEditor {
  readonly #yaml: (typeof Yaml)["default"];
  readonly #text: string;
  /** Where the YAML begins and ends in the text; both where it would begin when there is none. */
  readonly #start: number;
  readonly #end: number;
  readonly #hasFences: boolean;
  readonly #document: Document.Parsed;
  readonly #eol: string;

  private constructor(yaml: (typeof Yaml)["default"], text: string) {
    const [, open, inner = ""] = FRONTMATTER.exec(text) ?? [];
    this.#yaml = yaml;
    this.#text = text;
    this.#hasFences = open !== undefined;
    this.#start = open?.length ?? (text.startsWith("\uFEFF") ? 1 : 0);
    this.#end = this.#start + inner.length;
    this.#eol = /\r?\n/.exec(text)?.[0] ?? "\n";
    this.#document = yaml.parseDocument(inner, { schema: "core", uniqueKeys: false, prettyErrors: false });
  }

  /** @throws {AexpError} `note.not_editable` for a frontmatter in one pair of braces */
  static async open(text: string, key: string): Promise<FrontmatterEditor> {
    const { default: yaml } = await import("yaml");
    const editor = new FrontmatterEditor(yaml, text);
    const { contents } = editor.#document;
    if (yaml.isMap(contents) && contents.flow === true) throw notEditable(key, 2);
    return editor;
  }

  set(key: string, value: string): string {
    const pair = this.#pair(key);
    if (pair === undefined) return this.#insertLine(`${this.#toKey(key)}: ${toYamlScalar(value)}`);
    const node = pair.value;
    if (this.#yaml.isScalar(node) && node.type?.startsWith("BLOCK") !== true && !isEmptyNode(node)) {
      const [start, end] = rangeOf(node);
      return this.#replace(start, end, toYamlLike(value, node.type));
    }
    return this.#setValue(pair, toYamlScalar(value));
  }

  append(key: string, items: readonly string[]): string {
    const pair = this.#pair(key);
    const node = pair?.value;
    if (pair === undefined) {
      return this.#insertLine(
        [`${this.#toKey(key)}:`, ...items.map((item) => `${this.#margin()}  - ${item}`)].join(this.#eol),
      );
    }
    if (this.#yaml.isSeq(node) && node.items.length > 0) {
      return node.flow === true ? this.#appendToFlow(node, items) : this.#appendToBlock(node, items);
    }
    if (
      this.#yaml.isScalar(node) &&
      (isEmptyNode(node) || node.value === null || (typeof node.value === "string" && isUnset(node.value)))
    )
      return this.#asBlock(pair, items);
    if (this.#yaml.isSeq(node)) return this.#asBlock(pair, items);
    if (this.#yaml.isAlias(node)) throw notEditable(key, this.#lineOf(pair));
    return this.#wrapSingle(pair, items);
  }

  /** Items in a list of brackets go before its closing bracket, behind the last item. */
  #appendToFlow(node: Yaml.YAMLSeq, items: readonly string[]): string {
    const last = node.items.at(-1);
    const [, end] = rangeOf(hasRange(last) ? last : node);
    return this.#replace(end, end, items.map((item) => `, ${item}`).join(""));
  }

  #appendToBlock(node: Yaml.YAMLSeq, items: readonly string[]): string {
    const [start] = rangeOf(node);
    const yaml = this.#inner();
    const margin = yaml.slice(yaml.lastIndexOf("\n", start - 1) + 1, start).replace(/[^ ]/g, " ");
    const last = node.items.at(-1);
    const [, end] = rangeOf(hasRange(last) ? last : node);
    return this.#insertLinesAfter(
      end,
      items.map((item) => `${margin}- ${item}`),
    );
  }

  /** Nothing, or an empty list, gives way to a list with an item on each line, below a comment that stands there. */
  #asBlock(pair: Pair, items: readonly string[]): string {
    const yaml = this.#inner();
    const colon = this.#colonOf(pair);
    const end = hasRange(pair.value) && !isEmptyNode(pair.value) ? rangeOf(pair.value)[1] : colon;
    const lineEnd = end + yaml.slice(end).search(/\r?\n|$/);
    const lines = items.map((item) => `${this.#eol}${this.#margin()}  - ${item}`).join("");
    return this.#replace(colon, lineEnd, `${yaml.slice(end, lineEnd).trimEnd()}${lines}`);
  }

  /** A single value stays as it is written and becomes the first item. */
  #wrapSingle(pair: Pair, items: readonly string[]): string {
    const node = pair.value;
    if (!hasRange(node)) throw notEditable("value", this.#lineOf(pair));
    const [start, end] = trimmedRange(this.#inner(), node);
    const source = this.#inner().slice(start, end);
    if (!source.includes("\n")) return this.#replace(start, end, `[${[source, ...items].join(", ")}]`);
    // A mapping over several lines: its first line gets the dash, the others as much more room.
    const margin = " ".repeat(start - this.#inner().lastIndexOf("\n", start - 1) - 1);
    const indented = source.replaceAll(/(\n)(?=[^\r\n])/g, "$1  ");
    const lines = items.map((item) => `${this.#eol}${margin}- ${item}`).join("");
    return this.#replace(start, end, `- ${indented}${lines}`);
  }

  /** Puts a text in place of nothing, or of a value that may reach over several lines. */
  #setValue(pair: Pair, value: string): string {
    const colon = this.#colonOf(pair);
    const node = pair.value;
    if (!hasRange(node) || isEmptyNode(node)) return this.#replace(colon, colon, ` ${value}`);
    const [start, end] = trimmedRange(this.#inner(), node);
    const isOnKeyLine = !this.#inner().slice(colon, start).includes("\n");
    return isOnKeyLine ? this.#replace(start, end, value) : this.#replace(colon, end, ` ${value}`);
  }

  /** The offset behind the colon of a key. */
  #colonOf(pair: Pair): number {
    return this.#inner().indexOf(":", hasRange(pair.key) ? rangeOf(pair.key)[1] : 0) + 1;
  }

  #insertLine(line: string): string {
    if (!this.#hasFences) return this.#splice(this.#start, this.#start, ["---", line, "---", ""].join(this.#eol));
    return this.#splice(this.#end, this.#end, `${line}${this.#eol}`);
  }

  #insertLinesAfter(offset: number, lines: readonly string[]): string {
    const yaml = this.#inner();
    const lineEnd = offset > 0 && yaml[offset - 1] === "\n" ? offset : yaml.indexOf("\n", offset) + 1;
    return this.#replace(lineEnd, lineEnd, lines.map((line) => `${line}${this.#eol}`).join(""));
  }

  #pair(key: string): Pair | undefined {
    const { contents } = this.#document;
    if (!this.#yaml.isMap(contents)) return undefined;
    return contents.items.find((item) => this.#yaml.isScalar(item.key) && item.key.value === key);
  }

  /** Keys of a frontmatter may stand off the margin, all alike. */
  #margin(): string {
    const { contents } = this.#document;
    const first = this.#yaml.isMap(contents) ? contents.items[0]?.key : undefined;
    if (!hasRange(first)) return "";
    const [start] = rangeOf(first);
    return " ".repeat(start - this.#inner().lastIndexOf("\n", start - 1) - 1);
  }

  #toKey(key: string): string {
    return `${this.#margin()}${key}`;
  }

  #lineOf(pair: Pair): number {
    const start = hasRange(pair.key) ? rangeOf(pair.key)[0] : 0;
    return this.#inner().slice(0, start).split("\n").length + 1;
  }

  #inner(): string {
    return this.#text.slice(this.#start, this.#end);
  }

  #replace(start: number, end: number, by: string): string {
    return this.#splice(this.#start + start, this.#start + end, by);
  }

  #splice(start: number, end: number, by: string): string {
    return this.#text.slice(0, start) + by + this.#text.slice(end);
  }
}

/** A line of the body, `> **Key**: value`. */
function setBodyField(text: string, key: string, value: string): string {
  const wanted = nameOf(key);
  return text.replace(/^(> \*\*([^*\n]+?):?\*\*:?[ \t]*)([^\r\n]*)/gm, (line, head: string, name: string) => {
    return nameOf(name) === wanted ? `${head.trimEnd()} ${value}` : line;
  });
}

function nameOf(key: string): string {
  return key.trim().toLowerCase().replaceAll("_", " ");
}

async function parsed(text: string, key: string): Promise<Note> {
  const read = await parseNote(text);
  if (read.kind === "note") return read.note;
  throw new AexpError(`${key} cannot be written: ${read.problem.message} (line ${read.problem.line})`, {
    code: "note.not_editable",
    hint: "Repair the frontmatter first.",
  });
}

function notEditable(key: string, line: number): AexpError {
  return new AexpError(`${key} cannot be written into a frontmatter like this (line ${line})`, {
    code: "note.not_editable",
    hint: `Write ${key} by hand, as a line of its own in the frontmatter.`,
  });
}

function lineOf(note: Note, key: string): number {
  return note.lines.get(key)?.line ?? 1;
}

function lengthOf(value: Exact | undefined): number {
  if (value === undefined || isUnset(value)) return 0;
  return Array.isArray(value) ? value.length : 1;
}

/** A value that is not written at all, as in `key:`. */
function isEmptyNode(node: unknown): boolean {
  if (!hasRange(node)) return true;
  const [start, end] = rangeOf(node);
  return start === end;
}

function hasRange(node: unknown): node is Pick<Node, "range"> {
  return typeof node === "object" && node !== null && "range" in node && Array.isArray(node.range);
}

function rangeOf({ range }: Pick<Node, "range">): readonly [number, number] {
  return [range?.[0] ?? 0, range?.[1] ?? 0];
}

/** The range of a value without the line breaks and blanks behind it. */
function trimmedRange(yaml: string, node: Pick<Node, "range">): readonly [number, number] {
  const [start, end] = rangeOf(node);
  return [start, start + yaml.slice(start, end).trimEnd().length];
}
