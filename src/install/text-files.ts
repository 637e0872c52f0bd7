/** What stands at a path. */
export type PathKind = "file" | "folder" | "link" | "other" | "nothing";

/** Small text files below one folder. Paths are relative to it, or absolute. */
export interface TextFiles {
  /** What is there; a symbolic link is not followed. */
  kind(path: string): PathKind;

  /** Whether a path whose folders may be links lies inside the folder after all. */
  isInside(path: string): boolean;

  /** Whether this process may write into the folder that is, or would be, around a file. */
  isWritable(path: string): boolean;

  /** Whether the file may be executed; false when it is not there. */
  isExecutable(path: string): boolean;

  /** Whether a folder has nothing in it. */
  isEmptyFolder(path: string): boolean;

  /** The text, or `undefined` when there is no file. @throws {AexpError} `file.too_large`, `file.not_utf8` */
  read(path: string): string | undefined;

  /** Writes atomically; folders are made as needed. */
  write(path: string, text: string, mode?: number): Promise<void>;
}
