import { NOTE_SHAPES, type NoteKind, type Reference, SPECIAL_NOTES } from "../kb/artifact.ts";
import { KB_FOLDER } from "../kb/kb-store.ts";
import type { ArtifactNote, KbNote, KnowledgeBase, NoteText, UniqueNote } from "../kb/knowledge-base.ts";
import { aliasesOf, LinkIndex } from "../kb/link-index.ts";
import type { Wikilink } from "../kb/markdown.ts";
import { fieldOf, textOf } from "../kb/note.ts";
import type { Exact } from "../model/exact-json.ts";
import { didYouMean } from "../model/nearest.ts";

/** Each takes a look at every name; where more is wrong, the first ones tell enough. */
const MAX_SUGGESTIONS = 200;

/** A note that the checks of the graph look at: one with an id, or one of the special notes. */
export type GraphNote = ArtifactNote | UniqueNote;

/** A wikilink of a Links section, and the files that it may mean. */
export interface ResolvedLink {
  readonly link: Wikilink;
  readonly paths: readonly string[];
}

/** A field of a note that names another note, and is set. */
export interface ParentReference {
  readonly reference: Reference;
  readonly value: Exact;
  /** The target that the value names; `undefined` when it is no text. */
  readonly target: string | undefined;
  /** The files that the target may mean. */
  readonly paths: readonly string[];
  /** The parent's path, when there is exactly one of the right kind. */
  readonly parent: string | undefined;
}

/** The notes of the knowledge base with what links them. Everything is worked out once, when it is first asked for. */
export class LinkedNotes {
  readonly kb: KnowledgeBase;
  /** The notes of the graph, by ascending path. */
  readonly graph: readonly GraphNote[];
  readonly #index: LinkIndex;
  readonly #byPath: ReadonlyMap<string, KbNote>;
  readonly #links = new Map<string, readonly ResolvedLink[]>();
  readonly #linked = new Map<string, ReadonlySet<string>>();
  readonly #parents = new Map<string, readonly ParentReference[]>();
  #names: readonly string[] | undefined;
  #suggestionsLeft = MAX_SUGGESTIONS;

  /** @param isFile whether a path outside the knowledge base, relative to the repository root, is a file */
  constructor(kb: KnowledgeBase, isFile: (path: string) => boolean) {
    this.kb = kb;
    this.graph = kb.notes.filter((note) => note.type !== "other");
    this.#index = new LinkIndex(kb, isFile);
    this.#byPath = new Map(kb.notes.map((note) => [note.path, note]));
  }

  /** Whether every folder could be listed, so that "not found" means "not there". */
  get isComplete(): boolean {
    return this.kb.problems.length === 0;
  }

  at(path: string): KbNote | undefined {
    return this.#byPath.get(path);
  }

  /** The files that a link from a note may mean. */
  resolve(target: string, from: string): readonly string[] {
    return this.#index.resolve(target, from);
  }

  /** " Did you mean X?" of all that a link can say, or of the ids of one kind; the empty text once there were many. */
  suggest(target: string, kind: Reference["to"] = "any"): string {
    if (this.#suggestionsLeft === 0) return "";
    this.#suggestionsLeft -= 1;
    return didYouMean(target, kind === "any" ? (this.#names ??= this.#allNames()) : this.#idsOf(kind));
  }

  #allNames(): readonly string[] {
    return [
      ...new Set([
        ...this.graph.map((note) => (note.type === "artifact" ? note.id : note.name)),
        ...this.kb.files.map((path) => path.slice(path.lastIndexOf("/") + 1).replace(/\.md$/, "")),
        ...this.kb.notes.flatMap(aliasesOf),
      ]),
    ];
  }

  #idsOf(kind: NoteKind): readonly string[] {
    return this.graph.flatMap((note) => (note.type === "artifact" && note.kind === kind ? [note.id] : []));
  }

  /** The links of the note's Links section. */
  linksOf(note: GraphNote): readonly ResolvedLink[] {
    return recall(this.#links, note.path, () =>
      (textIn(note)?.links ?? []).map((link) => ({ link, paths: this.resolve(link.target, note.path) })),
    );
  }

  /** Whether the Links section of a note has a link that may mean the file. */
  isLinked(from: GraphNote, to: string): boolean {
    return recall(this.#linked, from.path, () => new Set(this.linksOf(from).flatMap(({ paths }) => paths))).has(to);
  }

  /** The references of a note that are set. */
  parentsOf(note: GraphNote): readonly ParentReference[] {
    const text = textIn(note);
    if (note.type !== "artifact" || text === undefined) return [];
    return recall(this.#parents, note.path, () =>
      NOTE_SHAPES[note.kind].parents.flatMap((reference) => {
        const value = fieldOf(text.note, reference.field);
        return value === undefined ? [] : [this.#refer(note, reference, value)];
      }),
    );
  }

  /** Files that a note must link to and does not: its parents, or what belongs together with a special note. */
  missingLinksOf(note: GraphNote): readonly string[] {
    const wanted =
      note.type === "artifact"
        ? this.parentsOf(note).flatMap(({ parent }) => parent ?? [])
        : SPECIAL_NOTES[note.name].links
            .map((name) => `${KB_FOLDER}/${SPECIAL_NOTES[name].path}`)
            .filter((path) => this.#byPath.has(path));
    return [...new Set(wanted)].filter((path) => path !== note.path && !this.isLinked(note, path));
  }

  /** Parents of a note that can be read and do not link back. */
  silentParentsOf(note: GraphNote): readonly GraphNote[] {
    const parents = this.parentsOf(note).map(({ parent }) => (parent === undefined ? undefined : this.at(parent)));
    return [...new Set(parents)].flatMap((parent) => {
      if (parent === undefined || parent.type === "other" || parent.path === note.path) return [];
      return textIn(parent) === undefined || this.isLinked(parent, note.path) ? [] : [parent];
    });
  }

  /** What a link from a note must say to mean a file: its id, its name, or where names do not tell, its path. */
  targetFor(path: string, from: string): string {
    const note = this.at(path);
    if (note?.type === "artifact") return note.id;
    if (note?.type === "special") return note.name;
    const name = path.slice(path.lastIndexOf("/") + 1).replace(/\.md$/, "");
    const found = this.resolve(name, from);
    return found.length === 1 && found[0] === path ? name : path.replace(/\.md$/, "");
  }

  #refer(note: ArtifactNote, reference: Reference, value: Exact): ParentReference {
    const target = textOf(value);
    const paths = target === undefined || target === "" ? [] : this.resolve(target, note.path);
    const [path, ...others] = paths;
    const isRight = path !== undefined && others.length === 0 && this.isOfKind(path, reference.to);
    return { reference, value, target, paths, parent: isRight ? path : undefined };
  }

  /** Whether a file is a note of a kind; `any` takes every file. */
  isOfKind(path: string, kind: Reference["to"]): boolean {
    if (kind === "any") return true;
    const note = this.at(path);
    return note?.type === "artifact" && note.kind === kind;
  }

  /** Whether several files are notes of one id: another check says so. */
  isDuplicateId(paths: readonly string[]): boolean {
    const [first, ...others] = paths.map((path) => this.at(path));
    if (first?.type !== "artifact" || others.length === 0) return false;
    return others.every((note) => note?.type === "artifact" && note.id === first.id);
  }
}

/** The text of a note that could be read. */
export function textIn(note: KbNote): NoteText | undefined {
  return note.content.kind === "text" ? note.content.text : undefined;
}

function recall<T>(known: Map<string, T>, key: string, work: () => T): T {
  const found = known.get(key);
  if (found !== undefined) return found;
  const made = work();
  known.set(key, made);
  return made;
}
