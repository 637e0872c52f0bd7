import type { Instant } from "../model/clock.ts";

/** What a commit did to one file. Contents are named by git's object ids. */
export interface FileVersion {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  /** The contents in the commit's parents; none where the file is new. */
  readonly before: readonly string[];
  /** The content in the commit; `undefined` where it is gone. */
  readonly after: string | undefined;
}

/** A commit that changed some of the files. */
export interface FileCommit {
  readonly commit: string;
  /** When its author made it. */
  readonly at: Instant;
  readonly author: string;
  /** Whether this clone is shallow and lacks what was before: files only look new then. */
  readonly isCut: boolean;
  readonly versions: readonly FileVersion[];
}

/** What happened to some folders on the branch that is checked out. */
export interface FileLog {
  /** Parents stand before their children. */
  readonly commits: readonly FileCommit[];
  /** The files at HEAD, and their contents by object id. */
  readonly head: ReadonlyMap<string, string>;
}

/** The past of the notes. Apart from `Git`, because only `history` asks. */
export interface NoteHistory {
  /** @throws {AexpError} `git.failed` outside a repository or before the first commit */
  log(folders: readonly string[]): Promise<FileLog>;

  /** The contents behind object ids, read at once. Those that this clone does not have are missing. */
  texts(objects: Iterable<string>): Promise<ReadonlyMap<string, string>>;
}
