import { AexpError } from "../model/errors.ts";
import { type Exact, isSameExact } from "../model/exact-json.ts";
import { isBareWikilink, isList, itemSplices, linesAt, valueSplices } from "./field-edit.ts";
import { findBodyField, isUnset, normalizeText, type Note, parseNote, splitFrontmatter } from "./note.ts";
import { applySplices, lineNumberAt, type Splice } from "./text-edit.ts";
import { type FieldPlace, locateFields, type YamlPlaces } from "./yaml-edit.ts";
import { toYamlScalar } from "./yaml-text.ts";

/**
 * Sets a field to a text where it stands, in its own style of quoting; comments and everything else stay. A field that
 * only the body has, as `> **Key**: value`, is set there; a missing one becomes the last line of the frontmatter.
 *
 * @throws {AexpError} `note.not_editable`
 */
export async function setField(text: string, key: string, value: string): Promise<string> {
  const before = await readNote(text, key);
  if (before.fields.get(key) === value) return text;
  const inBody = before.fields.has(key) ? undefined : findBodyField(before.body, key);
  if (inBody !== undefined) return setBodyField(text, before, key, value, inBody);
  const edited = await editFrontmatter(text, before, key, {
    add: (margin) => [`${margin}${key}: ${toYamlScalar(value)}`],
    change: (yaml, field) => valueSplices(yaml, field, value),
  });
  return await checked(edited, before, key, [value]);
}

/**
 * Adds items, given as YAML in flow style, to the end of the list in a field. A single value counts as a list of one;
 * a missing or unset field becomes a list.
 *
 * @throws {AexpError} `note.not_editable`
 */
export async function appendToList(text: string, key: string, items: readonly string[]): Promise<string> {
  if (items.length === 0) return text;
  const before = await readNote(text, key);
  const old = before.fields.get(key);
  const added = await Promise.all(items.map((item) => readItem(item, key)));
  const edited = await editFrontmatter(text, before, key, {
    add: (margin) => [`${margin}${key}:`, ...items.map((item) => `${margin}  - ${item}`)],
    change: (yaml, field, margin) => itemSplices({ yaml, field, margin, old, items }),
  });
  const expected = itemsOf(old).map((kept) => [...kept, ...added]);
  return await checked(edited, before, key, expected);
}

/** How to write a field: as new lines, or at its place. A text instead says why that is not possible. */
interface Edit {
  readonly add: (margin: string) => readonly string[];
  readonly change: (yaml: string, field: FieldPlace, margin: string) => readonly Splice[] | string;
}

async function editFrontmatter(text: string, before: Note, key: string, edit: Edit): Promise<string> {
  const { frontmatter, start = 0 } = splitFrontmatter(normalizeText(text)) ?? {};
  if (frontmatter === undefined) {
    const lines = ["---", ...edit.add(""), "---", ""];
    return applySplices(text, [toRaw(text, { start: 0, end: 0, text: lines.join("\n") })]);
  }
  const splices = spliceFrontmatter(frontmatter, await locateFields(frontmatter), key, edit);
  if (typeof splices === "string") throw notEditable(key, before, splices);
  return applySplices(
    text,
    splices.map((splice) => toRaw(text, { ...splice, start: start + splice.start, end: start + splice.end })),
  );
}

function spliceFrontmatter(
  yaml: string,
  places: YamlPlaces | undefined,
  key: string,
  edit: Edit,
): readonly Splice[] | string {
  const field = places?.find(key) ?? "odd";
  if (places === undefined || field === "odd") return "the frontmatter does not have each key on a line of its own";
  if (field === "not-found") return [linesAt(yaml.length, edit.add(places.margin))];
  return edit.change(yaml, field, places.margin);
}

/** A range of the normalized text as one of the raw text. */
function toRaw(raw: string, { start, end, text }: Splice): Splice {
  return { start: rawOffset(raw, start), end: rawOffset(raw, end), text };
}

function rawOffset(raw: string, offset: number): number {
  let at = raw.startsWith("\uFEFF") ? offset + 1 : offset;
  for (let pair = raw.indexOf("\r\n"); pair !== -1 && pair < at; pair = raw.indexOf("\r\n", pair + 2)) at += 1;
  return at;
}

/** Sets the value in a line of the body, `> **Key**: value`, where blanks around it do not count. */
function setBodyField(
  text: string,
  before: Note,
  key: string,
  value: string,
  found: { readonly value: string; readonly start: number },
): string {
  const clean = normalizeText(text);
  const words = value.trim();
  const start = clean.length - before.body.length + found.start;
  const needsBlank = words !== "" && !/[ \t]/.test(clean[start - 1] ?? "");
  const splice = { start, end: start + found.value.length, text: `${needsBlank ? " " : ""}${words}` };
  const edited = applySplices(text, [toRaw(text, splice)]);
  const body = splitFrontmatter(normalizeText(edited))?.body ?? "";
  if (findBodyField(body, key)?.value === words) return edited;
  const line = lineNumberAt(clean, start);
  throw new AexpError(`${key} (line ${line}) cannot be set to ${JSON.stringify(value)} in the text of the note`, {
    code: "note.not_editable",
    hint: `Delete the line "> **${key}**" and write ${key} into the frontmatter by hand.`,
  });
}

/** What a field may hold as a list: a wikilink without quotes is one value, but may be meant as a list in a list. */
function itemsOf(value: Exact | undefined): readonly (readonly Exact[])[] {
  if (value === undefined || isUnset(value)) return [[]];
  if (!isList(value)) return [[value]];
  return isBareWikilink(value) ? [value, [value]] : [value];
}

/** An item as it will be read. */
async function readItem(item: string, key: string): Promise<Exact> {
  const read = await parseNote(`---\nitems: [${item}]\n---\n`);
  const items = read.kind === "note" ? read.note.fields.get("items") : undefined;
  if (isList(items) && items.length === 1 && items[0] !== undefined && !/[\r\n]/.test(item)) return items[0];
  throw new AexpError(`${JSON.stringify(item)} cannot be added to ${key}: it is not one value in YAML`, {
    code: "note.not_editable",
    hint: "Put it in double quotes.",
  });
}

async function readNote(text: string, key: string): Promise<Note> {
  const read = await parseNote(text);
  if (read.kind === "note") return read.note;
  throw new AexpError(`${key} cannot be written: ${read.problem.message} (line ${read.problem.line})`, {
    code: "note.not_editable",
    hint: "Repair the frontmatter first.",
  });
}

/** The edited text, if its field reads as one of the expected values and all the rest as before. */
async function checked(edited: string, before: Note, key: string, expected: readonly Exact[]): Promise<string> {
  const read = await parseNote(edited);
  const after = read.kind === "note" ? read.note : undefined;
  const value = after?.fields.get(key);
  const isExpected = value !== undefined && expected.some((one) => isSameExact(one, value));
  if (after === undefined || !isExpected || after.body !== before.body) {
    throw notEditable(key, before, "its value is written in an unusual way");
  }
  const other = [...new Set([...before.fields.keys(), ...after.fields.keys()])].find(
    (name) => name !== key && !isSameField(before.fields.get(name), after.fields.get(name)),
  );
  if (other !== undefined) throw notEditable(key, before, `${other} repeats its value by an anchor`);
  return edited;
}

function isSameField(a: Exact | undefined, b: Exact | undefined): boolean {
  return a !== undefined && b !== undefined && isSameExact(a, b);
}

function notEditable(key: string, { lines }: Note, why: string): AexpError {
  return new AexpError(`${key} (line ${lines.get(key)?.line ?? 1}) cannot be written: ${why}`, {
    code: "note.not_editable",
    hint: `Write ${key} by hand, as a line of its own in the frontmatter.`,
  });
}
