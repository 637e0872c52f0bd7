import { type ArtifactId, type NoteKind, slugOfFileName, type SpecialNote } from "./artifact.ts";
import { KB_FOLDER, type NoteStore } from "./kb-store.ts";
import { findSections, findWikilinks, maskInert, type Section, sectionTitled, type Wikilink } from "./markdown.ts";
import { identify } from "./note-place.ts";
import { fieldOf, type Note, parseNote, textOf } from "./note.ts";

/** The text of a note that could be read, and its parts; each is worked out when it is first asked for. */
export class NoteText {
  readonly note: Note;
  /** As it stands in the file. */
  readonly raw: string;
  #masked: string | undefined;
  #sections: readonly Section[] | undefined;
  #links: readonly Wikilink[] | undefined;

  constructor(raw: string, note: Note) {
    this.raw = raw;
    this.note = note;
  }

  /** The raw text without frontmatter, code and comments; offsets are the same. */
  get masked(): string {
    return (this.#masked ??= maskInert(this.raw));
  }

  get sections(): readonly Section[] {
    return (this.#sections ??= findSections(this.masked));
  }

  /** The `## Links` section. */
  get linksSection(): Section | undefined {
    return sectionTitled(this.sections, "Links");
  }

  /** The wikilinks of the `## Links` section. */
  get links(): readonly Wikilink[] {
    if (this.#links === undefined) {
      const section = this.linksSection;
      this.#links = section === undefined ? [] : findWikilinks(this.masked, section.bodyStart, section.end);
    }
    return this.#links;
  }

  /** The first heading of level 1 without the id in front, else the field `title`. */
  get title(): string | undefined {
    const section = this.sections.find(({ level }) => level === 1);
    const heading = section === undefined ? undefined : headingIn(this.raw.slice(section.start, section.bodyStart));
    const title = heading?.replace(/^(?:CR|SR|[EFHLT])\d{3,}(?:\s*[:—–-]\s*|\s+|$)/, "");
    return title === undefined || title === "" ? textOf(fieldOf(this.note, "title")) : title;
  }
}

/** What reading a note gave; `cause` tells a file that could not be read from frontmatter that could not be parsed. */
export type NoteContent =
  | { readonly kind: "text"; readonly text: NoteText }
  | {
      readonly kind: "unreadable";
      readonly cause: "file" | "frontmatter";
      readonly problem: string;
      readonly line: number | undefined;
      readonly column: number | undefined;
    };

/** A note with an id, in the folder of its kind. */
export interface ArtifactNote {
  readonly type: "artifact";
  readonly path: string;
  readonly kind: NoteKind;
  readonly id: ArtifactId;
  readonly content: NoteContent;
}

/** One of the notes that every knowledge base has at most once. */
export interface UniqueNote {
  readonly type: "special";
  readonly path: string;
  readonly name: SpecialNote;
  readonly content: NoteContent;
}

/** Any other Markdown file: something to link to. */
export interface OtherNote {
  readonly type: "other";
  readonly path: string;
  readonly content: NoteContent;
}

export type KbNote = ArtifactNote | UniqueNote | OtherNote;

/** Every note, read once. */
export interface KnowledgeBase {
  /** All files, relative to the repository root, ascending. */
  readonly files: readonly string[];
  /** The Markdown files among them, in the same order. */
  readonly notes: readonly KbNote[];
  /** Folders that could not be listed. */
  readonly problems: readonly { readonly path: string; readonly problem: string }[];
  /** The notes that have an id: none, one, or too many. */
  byId(id: string): readonly ArtifactNote[];
}

/** Reads the whole knowledge base. Nothing throws: what cannot be read says so. */
export async function readKnowledgeBase(store: NoteStore): Promise<KnowledgeBase> {
  const { files, problems } = store.list(KB_FOLDER, "deep");
  const notes: KbNote[] = [];
  const byId = new Map<string, ArtifactNote[]>();
  for (const path of files) {
    if (!path.endsWith(".md")) continue;
    const note = await readNote(store, path);
    notes.push(note);
    if (note.type !== "artifact") continue;
    const known = byId.get(note.id);
    if (known === undefined) byId.set(note.id, [note]);
    else known.push(note);
  }
  return { files, notes, problems, byId: (id) => byId.get(id) ?? [] };
}

/** Reads one note. Its path says what it is. */
export async function readNote(store: Pick<NoteStore, "read">, path: string): Promise<KbNote> {
  const content = await readContent(store, path);
  const identity = identify(path);
  return identity === undefined ? { type: "other", path, content } : { ...identity, path, content };
}

/** What people call a note: the title it gives itself, else the words of its file name. */
export function titleOf(note: KbNote): string {
  const own = note.content.kind === "text" ? note.content.text.title : undefined;
  if (own !== undefined) return own;
  const name = note.path.slice(note.path.lastIndexOf("/") + 1);
  return (slugOfFileName(name) || name.replace(/\.md$/, "")).replaceAll("-", " ");
}

async function readContent(store: Pick<NoteStore, "read">, path: string): Promise<NoteContent> {
  const file = store.read(path);
  if (file.kind === "unreadable") {
    return { kind: "unreadable", cause: "file", problem: file.problem, line: undefined, column: undefined };
  }
  const read = await parseNote(file.text);
  if (read.kind === "note") return { kind: "text", text: new NoteText(file.text, read.note) };
  const { message, line, column } = read.problem;
  return { kind: "unreadable", cause: "frontmatter", problem: message, line, column };
}

/** The words of a heading's line with its code, which is blank in the masked text; comments are left out. */
function headingIn(line: string): string {
  return line
    .replaceAll(/<!--.*?-->/g, "")
    .replace(/^\s*#+/, "")
    .replace(/\s#+\s*$/, "")
    .trim();
}
