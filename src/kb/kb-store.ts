import type { NoteKind } from "./artifact.ts";

/** The folder of the knowledge base in its repository. */
export const KB_FOLDER = "kb";

/** What reading one note file gave. */
export type NoteFile =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "unreadable"; readonly problem: string };

/** What a walk through the knowledge base came across. Paths are relative to the repository root, with forward slashes. */
export interface KbListing {
  /** Every file but hidden ones, ascending. */
  readonly files: readonly string[];
  /** Folders that could not be listed, and why. */
  readonly problems: readonly { readonly path: string; readonly problem: string }[];
}

/** What becomes of one note. */
export interface NoteChange {
  /** Relative to the repository root, with forward slashes. */
  readonly path: string;
  /** The whole new text, or `undefined` to delete the note. */
  readonly text: string | undefined;
}

/** The notes of the knowledge base. Paths are relative to the repository root, as in `kb/research/findings/F001-x.md`. */
export interface NoteStore {
  /** Absolute path, e.g. `/repo/kb`. */
  readonly path: string;

  /** Whether the repository has a knowledge base at all. */
  exists(): boolean;

  /** The files of a folder, with or without those below its folders; none when it is missing. */
  list(folder: string, depth: "flat" | "deep"): KbListing;

  read(path: string): NoteFile;

  /** Whether a path is a file of the repository, inside or outside of the knowledge base. */
  isFile(path: string): boolean;

  /** The highest number that a note of this kind has, or had on this machine; 0 without any. */
  highestNumber(kind: NoteKind): Promise<number>;

  /**
   * Changes several notes, or none when something fails, while no other process changes any. What a killed process left
   * half done is finished first.
   *
   * @param decide reads what it needs and says what to change; it runs while other writers wait
   * @throws {AexpError} `note.locked`, `note.journal_broken`, `environment.read_only`, `environment.disk_full`
   */
  edit<T>(decide: () => Promise<{ readonly changes: readonly NoteChange[]; readonly value: T }>): Promise<T>;
}
