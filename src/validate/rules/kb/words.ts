import { NOTE_SHAPES, type NoteKind } from "../../../kb/artifact.ts";
import type { KbNote, NoteText } from "../../../kb/knowledge-base.ts";
import { textOf } from "../../../kb/note.ts";
import { describeExact, type Exact, isExactObject } from "../../../model/exact-json.ts";

/** `a hypothesis`, `an experiment`, `a literature note`. */
export function aKind(kind: NoteKind): string {
  const name = kind === "literature" ? "literature note" : kind.replace("-", " ");
  return `${/^[aeiou]/.test(name) ? "an" : "a"} ${name}`;
}

/** What an id of a kind looks like. */
export function exampleId(kind: NoteKind): string {
  return `${NOTE_SHAPES[kind].prefix}001`;
}

/** What messages call a note: its id, its name, else its path. */
export function nameOf(note: KbNote): string {
  if (note.type === "artifact") return note.id;
  return note.type === "special" ? note.name : note.path;
}

/** A value as messages show it. */
export function shown(value: Exact): string {
  const text = textOf(value);
  if (text !== undefined) return JSON.stringify(text.length > 60 ? `${text.slice(0, 59)}…` : text);
  if (Array.isArray(value)) return "a list";
  return isExactObject(value) ? "a mapping" : describeExact(value);
}

/** A path as a word of a command line. */
export function shellWord(path: string): string {
  return /^[\w./-]+$/.test(path) ? path : `'${path.replaceAll("'", String.raw`'\''`)}'`;
}

/** Where a field stands: in the frontmatter, or as a line `> **Key**: value` of the body; 1 when nowhere. */
export function lineOfField({ note, raw }: NoteText, field: string): number {
  const line = note.lines.get(field)?.line;
  if (line !== undefined) return line;
  const wanted = field.toLowerCase().replaceAll("_", " ");
  const index = raw.split("\n").findIndex((text) => {
    const [, name = ""] = /^> \*\*([^*\n]+?):?\*\*/.exec(text) ?? [];
    return name.trim().toLowerCase().replaceAll("_", " ") === wanted;
  });
  return index === -1 ? 1 : index + 1;
}
