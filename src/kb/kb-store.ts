/** A folder of notes, relative to the knowledge base. */
export type NoteFolder = "research/findings" | "research/experiments";

/** What reading one note file gave. */
export type NoteFile =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unreadable"; readonly problem: string };

/** The notes of the knowledge base. */
export interface NoteStore {
  /** Absolute path, e.g. `/repo/kb`. */
  readonly path: string;

  /** Whether the repository has a knowledge base at all. */
  exists(): boolean;

  /**
   * Names of the Markdown files in a folder, ascending; none when it is missing.
   * @throws {AexpError} `note.folder_unsafe` when the folder lies outside the repository
   */
  list(folder: NoteFolder): readonly string[];

  read(folder: NoteFolder, name: string): NoteFile;
}
