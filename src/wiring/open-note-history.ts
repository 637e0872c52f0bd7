import { GitNoteHistory } from "../git/program/note-history.ts";
import type { NoteHistory } from "../git/note-history.ts";

/** The past of the notes in the repository at `root`. */
export function openNoteHistory(root: string): NoteHistory {
  return new GitNoteHistory(root);
}
