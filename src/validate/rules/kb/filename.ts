import {
  idOfFileName,
  kindOfId,
  NOTE_KINDS,
  NOTE_SHAPES,
  type NoteKind,
  slugOfFileName,
} from "../../../kb/artifact.ts";
import { folderOf } from "../../../kb/note-place.ts";
import type { KbRule } from "./rule.ts";
import { aKind } from "./words.ts";

/** Markdown files in the folder of a kind that are not named `H001-some-words.md`. */
export const filename: KbRule = {
  code: "kb.filename",
  *check({ notes }) {
    for (const { path } of notes.kb.notes) {
      const message = filenameProblem(path);
      if (message !== undefined) yield { message, path, line: 1 };
    }
  },
};

/** What is wrong with the name of a file in the folder of a kind. */
export function filenameProblem(path: string): string | undefined {
  const slash = path.lastIndexOf("/");
  const kinds = KINDS_IN.get(path.slice(0, slash));
  const name = path.slice(slash + 1);
  if (kinds === undefined || /^readme\.md$/i.test(name)) return undefined;
  const id = idOfFileName(name);
  const kind = id === undefined ? undefined : kindOfId(id);
  const expected = kinds.map((here) => `${NOTE_SHAPES[here].prefix}001-some-words.md`).join(" or ");
  if (id === undefined || kind === undefined) {
    return isMeantAsNote(name, kinds) ? `the file name is not like ${expected}, so the note has no id` : undefined;
  }
  if (!kinds.includes(kind)) return `${id} names ${aKind(kind)}; its folder is ${folderOf(kind)}`;
  return slugOfFileName(name) === "" ? `the file name has no words after the id, as in ${id}-some-words.md` : undefined;
}

const KINDS_IN: ReadonlyMap<string, readonly NoteKind[]> = new Map(
  NOTE_KINDS.map((kind) => [
    folderOf(kind),
    NOTE_KINDS.filter((other) => NOTE_SHAPES[other].folder === NOTE_SHAPES[kind].folder),
  ]),
);

/** In a folder of one kind every file is meant as a note of it; a shared folder also holds others, of any name. */
function isMeantAsNote(name: string, kinds: readonly NoteKind[]): boolean {
  const prefixes = kinds.map((kind) => NOTE_SHAPES[kind].prefix).join("|");
  return kinds.length === 1 || new RegExp(`^(?:${prefixes})\\d+(?![a-z0-9])`, "i").test(name);
}
