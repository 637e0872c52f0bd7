import { type ArtifactId, NOTE_SHAPES } from "./artifact.ts";
import type { NoteChange } from "./kb-store.ts";
import { type ArtifactNote, type KbNote, type KnowledgeBase, type NoteText } from "./knowledge-base.ts";
import { folderOf } from "./note-place.ts";
import { artifactIdOf, fieldOf } from "./note.ts";

/** What giving a note another id changes, and what it cannot decide. */
export interface Renumbering {
  readonly newPath: string;
  readonly changes: readonly NoteChange[];
  /** Places that name the old id and may mean either note. */
  readonly unclear: readonly { readonly path: string; readonly line: number }[];
}

/**
 * Plans to give one note another id. References by file name are certain. References by the bare id are, too, when no
 * other note has it; otherwise those of a note count that only this one links, in both directions, and the rest is
 * unclear.
 */
export function planRenumbering(kb: KnowledgeBase, note: ArtifactNote, newId: ArtifactId): Renumbering {
  const twins = kb.byId(note.id).filter(({ path }) => path !== note.path);
  const oldStem = stemOf(note.path);
  const newStem = `${newId}${oldStem.slice(note.id.length)}`;
  const newPath = `${folderOf(note.kind)}/${newStem}.md`;
  const names = new Names(note.id, newId, { oldStem, newStem, twinStems: twins.map(({ path }) => stemOf(path)) });
  const changes: NoteChange[] = [];
  const unclear: { path: string; line: number }[] = [];
  for (const other of kb.notes) {
    if (other.content.kind === "unreadable") continue;
    const { raw } = other.content.text;
    if (other.path === note.path) {
      changes.push({ path: note.path, text: undefined }, { path: newPath, text: names.replaceAll(raw) });
      continue;
    }
    const isCertain = twins.length === 0 || isFamily(other, note, twins);
    const isTwin = twins.some(({ path }) => path === other.path);
    const text = isCertain && !isTwin ? names.replaceAll(raw) : names.replaceStems(raw);
    if (text !== raw) changes.push({ path: other.path, text });
    const isOfTwin = twins.some((twin) => isRelated(other, twin)) && !isRelated(other, note);
    if (isCertain || isTwin || isOfTwin || isParent(other, note)) continue;
    unclear.push(...names.linesOf(text).map((line) => ({ path: other.path, line })));
  }
  return { newPath, changes, unclear };
}

interface Stems {
  readonly oldStem: string;
  readonly newStem: string;
  readonly twinStems: readonly string[];
}

/** Finds an id in texts: alone or as the beginning of the note's file name, never as that of a twin. */
class Names {
  readonly #newId: string;
  readonly #stems: Stems;
  readonly #id: RegExp;
  readonly #stem: RegExp;

  constructor(id: string, newId: string, stems: Stems) {
    this.#newId = newId;
    this.#stems = stems;
    const twins = stems.twinStems.map((stem) => `${escape(stem.slice(id.length))}(?![A-Za-z0-9-])`);
    const notTwin = twins.length === 0 ? "" : `(?!${twins.join("|")})`;
    this.#id = new RegExp(`(?<![A-Za-z0-9])${id}(?![A-Za-z0-9])${notTwin}`, "g");
    this.#stem = new RegExp(`(?<![A-Za-z0-9])${escape(stems.oldStem)}(?![A-Za-z0-9-])`, "g");
  }

  replaceStems(text: string): string {
    return text.replace(this.#stem, () => this.#stems.newStem);
  }

  replaceAll(text: string): string {
    return this.replaceStems(text).replace(this.#id, () => this.#newId);
  }

  /** Lines, from 1, on which the bare id stands. */
  linesOf(text: string): readonly number[] {
    return text.split("\n").flatMap((line, index) => (line.search(this.#id) === -1 ? [] : [index + 1]));
  }
}

/** Whether the id in `other` can only mean `note`: one of them is the parent of the other, and no twin is. */
function isFamily(other: KbNote, note: ArtifactNote, twins: readonly ArtifactNote[]): boolean {
  return isRelated(other, note) && !twins.some((twin) => isRelated(other, twin));
}

function isRelated(other: KbNote, note: ArtifactNote): boolean {
  return isParent(other, note) || isChild(other, note);
}

function isParent(other: KbNote, note: ArtifactNote): boolean {
  return other.type === "artifact" && namesAsParent(note, other.id);
}

/** A child names the id of both twins; the one that links it is its parent. */
function isChild(other: KbNote, note: ArtifactNote): boolean {
  if (other.type !== "artifact" || note.content.kind === "unreadable") return false;
  return namesAsParent(other, note.id) && linksTo(note.content.text, other.id);
}

function namesAsParent({ kind, content }: ArtifactNote, id: string): boolean {
  if (content.kind === "unreadable") return false;
  return NOTE_SHAPES[kind].parents.some(({ field }) => artifactIdOf(fieldOf(content.text.note, field)) === id);
}

function linksTo({ links }: NoteText, id: string): boolean {
  return links.some(({ target }) => artifactIdOf(target) === id);
}

function stemOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1).replace(/\.md$/, "");
}

function escape(text: string): string {
  return text.replace(/[^A-Za-z0-9]/g, String.raw`\$&`);
}
