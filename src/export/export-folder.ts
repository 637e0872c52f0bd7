/**
 * A folder that is being written beside the place where it will stand. Nobody sees it before {@link publish}.
 *
 * All paths are relative to it, with forward slashes, and never lead out of it.
 */
export interface ExportFolder {
  /** Writes a file; the folders around it are made. @throws {AexpError} `environment.read_only`, `environment.disk_full` */
  write(path: string, text: string): void;

  /** Adds to the end of a file, which is made when it is missing. @throws {AexpError} as {@link write} */
  append(path: string, text: string): void;

  /** Makes a folder; one that is there is fine. */
  makeFolder(path: string): void;

  /**
   * Makes one file of several: `head`, then what the file `part` holds, then `tail`. The part is gone after that, and
   * never in memory as a whole.
   */
  assemble(path: string, head: string, part: string, tail: string): void;

  /** Puts the folder in its place, in one rename. */
  publish(): void;

  /** Deletes what was written. Does nothing after {@link publish}. */
  discard(): void;
}

/** A text that goes to a file or to the terminal piece by piece; a file appears when it is published. */
export interface ExportText {
  write(text: string): void;
  publish(): void;
  discard(): void;
}

/** Says that a folder was written by an export, so that the next one may replace it. */
export interface ExportMarker {
  readonly aexp_export: 1;
  readonly format: string;
  /** How many names there were in the folder (`""`) and in each folder of it, hidden ones aside. */
  readonly names: Readonly<Record<string, number>>;
}

/** The name of the marker in an exported folder. */
export const EXPORT_MARKER = ".aexp-export.json";
