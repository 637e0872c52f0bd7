import { type Exact, type ExactObject } from "../model/exact-json.ts";
import { readFullYaml } from "./full-yaml.ts";
import { readPlainYaml } from "./plain-yaml.ts";
import type { FieldLines, NoteProblem } from "./yaml-fields.ts";

/** A note of the knowledge base, parsed. */
export interface Note {
  /** The frontmatter; empty when the note has none. */
  readonly fields: ExactObject;
  readonly lines: ReadonlyMap<string, FieldLines>;
  /** The Markdown below the frontmatter. */
  readonly body: string;
}

/** A note, or what keeps it from being read. */
export type NoteRead =
  | { readonly kind: "note"; readonly note: Note }
  | { readonly kind: "unreadable"; readonly problem: NoteProblem };

const MAX_FRONTMATTER_LENGTH = 1024 * 1024;
/** The full parser takes seconds for more, above all when most of it is wrong. */
const MAX_FULL_YAML_LENGTH = 256 * 1024;
const BODY_FIELD = /^> \*\*([^*\n]+?):?\*\*:? *(.*)$/gm;
const OPENING_FENCE = /^---[ \t]*(?:\n|$)/;
/** Every line but the last has ended before it; `$` and the flag `m` would also see ends of lines that YAML does not. */
const CLOSING_FENCE = /(?<=^|\n)---[ \t]*(?:\n|$)/;
/** Not allowed in YAML, and dangerous on a terminal. A carriage return here is one without a line feed. */
const CONTROL = /[\0-\x08\v-\x1f\x7f-\x84\x86-\x9f]/;

/** Reads the text of a note. Line endings may be those of Windows, and a byte-order mark may stand before the text. */
export async function parseNote(text: string): Promise<NoteRead> {
  const clean = normalizeText(text);
  const conflict = /^<{7} .*$/m.exec(clean);
  if (conflict !== null && /^>{7} /m.test(clean)) {
    return unreadable("the file has conflict markers of git", lineAt(clean, conflict.index));
  }
  if (/^---[ \t]*\r/.test(clean)) {
    return unreadable("the line ends in a carriage return alone; save the file with the line endings LF or CRLF", 1);
  }
  const parts = splitFrontmatter(clean);
  if (parts === undefined) return unreadable('the frontmatter that begins here has no closing "---"', 1);
  const { frontmatter, body } = parts;
  if (frontmatter === undefined) return { kind: "note", note: { fields: new Map(), lines: new Map(), body } };
  if (frontmatter.length > MAX_FRONTMATTER_LENGTH) return unreadable("the frontmatter is larger than 1 MiB", 1);

  // The opening fence is line 1.
  const plain = readPlainYaml(frontmatter, 2);
  if (plain !== undefined) return { kind: "note", note: { fields: plain.values, lines: plain.lines, body } };
  if (frontmatter.length > MAX_FULL_YAML_LENGTH) {
    return unreadable(
      "the frontmatter is larger than 256 KiB, and too intricate for that: simplify it, e.g. no comments after values",
      1,
    );
  }
  const control = CONTROL.exec(frontmatter);
  if (control !== null) return unreadable(controlMessage(control[0]), ...positionAt(frontmatter, control.index));
  const full = await readFullYaml(frontmatter, 2);
  if ("problem" in full) return { kind: "unreadable", problem: full.problem };
  return { kind: "note", note: { fields: full.fields.values, lines: full.fields.lines, body } };
}

/**
 * A field of a note: from the frontmatter, else, or where it is empty there, from a line `> **Key**: value` of the body.
 * Words that stand for "not set" count as missing.
 */
export function fieldOf(note: Note, key: string): Exact | undefined {
  const own = note.fields.get(key);
  const isEmpty = own === undefined || own === null || own === "";
  const value = isEmpty ? findBodyField(note.body, key)?.value : own;
  return isUnset(value) ? undefined : value;
}

/** Whether a value stands for "not set": nothing, an empty text, `N/A`, `None` or `null`. */
export function isUnset(value: Exact | undefined): boolean {
  if (value === undefined || value === null) return true;
  return typeof value === "string" && /^(?:|n\/a|none|null)$/i.test(value.trim());
}

/**
 * The text of a value; of one wikilink its target: `[[H001-slow|the slow one]]` is `H001-slow`. A wikilink without
 * quotes is a list in a list to YAML, and means the same.
 */
export function textOf(value: Exact | undefined): string | undefined {
  const inner = Array.isArray(value) && value.length === 1 && Array.isArray(value[0]) ? value[0] : undefined;
  if (inner !== undefined) return inner.length === 1 && typeof inner[0] === "string" ? targetOf(inner[0]) : undefined;
  if (typeof value !== "string") return undefined;
  const [, link] = /^\s*\[\[([^[\]]+)\]\]\s*$/.exec(value) ?? [];
  return link === undefined ? value.trim() : targetOf(link);
}

/** The artifact id that a value names, also by the name or path of its note: `H001`, `[[H001-slow]]`. */
export function artifactIdOf(value: Exact | undefined): string | undefined {
  const text = textOf(value)?.split("/").at(-1);
  return text === undefined ? undefined : /^[A-Z]{1,2}\d{3,}(?=$|-|\.md$)/.exec(text)?.[0];
}

function targetOf(link: string): string {
  const [target = ""] = link.split(/[|#]/);
  return target.trim();
}

/** The first line `> **Key**: value` of a body for a key, and where in the body its value begins. */
export function findBodyField(
  body: string,
  key: string,
): { readonly value: string; readonly start: number } | undefined {
  if (!body.includes("> **")) return undefined;
  const wanted = key.toLowerCase().replaceAll("_", " ");
  for (const { 0: whole, 1: name = "", 2: value = "", index } of body.matchAll(BODY_FIELD)) {
    if (name.trim().toLowerCase().replaceAll("_", " ") !== wanted) continue;
    return { value: value.trim(), start: index + whole.length - value.trimStart().length };
  }
  return undefined;
}

/**
 * Parts a text that {@link normalizeText} gave. `start` is where the YAML of the frontmatter begins.
 *
 * @returns `undefined` when a frontmatter has no end
 */
export function splitFrontmatter(text: string): { frontmatter?: string; start: number; body: string } | undefined {
  const open = OPENING_FENCE.exec(text)?.[0];
  if (open === undefined) return { start: 0, body: text };
  const start = open.length;
  const rest = text.slice(start);
  const close = CLOSING_FENCE.exec(rest);
  if (close === null) return undefined;
  return { frontmatter: rest.slice(0, close.index), start, body: rest.slice(close.index + close[0].length) };
}

/** The text without byte-order mark, its line breaks LF. */
export function normalizeText(text: string): string {
  const withoutMark = text.startsWith("\ufeff") ? text.slice(1) : text;
  return withoutMark.includes("\r") ? withoutMark.replaceAll("\r\n", "\n") : withoutMark;
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}

/** Line and column in the file of an offset in its frontmatter, whose first line is the second of the file. */
function positionAt(frontmatter: string, index: number): readonly [line: number, column: number] {
  return [lineAt(frontmatter, index) + 1, index - frontmatter.lastIndexOf("\n", index - 1)];
}

function controlMessage(character: string): string {
  if (character === "\r") return "a carriage return inside a line; save the file with the line endings LF or CRLF";
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return `the control character U+${code} is not allowed here; delete it`;
}

function unreadable(message: string, line: number, column = 1): NoteRead {
  return { kind: "unreadable", problem: { message, line, column } };
}
