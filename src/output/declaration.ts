/** What a run promises to write. */
export interface OutputDeclaration {
  readonly name: string;
  /** Of a file or a folder, relative to the attempt's own folder of outputs; see {@link outputFolder}. */
  readonly path: string;
  /** A word of the project's own, such as `dataset`. */
  readonly kind: string;
  /**
   * A file whose presence says that the output is whole, relative to the output; beside it when the output is a file. Of
   * a stream: relative to each of its items.
   */
  readonly marker?: string;
  /** A folder that gets items, such as checkpoints, each of which counts for itself. */
  readonly stream: boolean;
  readonly hash: "content" | "stat";
}

/** The kind of an output that names none. */
export const DEFAULT_OUTPUT_KIND = "file";

/** Where an attempt writes its outputs, relative to the run's folder. */
export function outputFolder(attempt: number): string {
  return `outputs/${attempt}`;
}

/** What is known of an attempt's outputs, relative to the run's folder. */
export function outputRecordFile(attempt: number): string {
  return `outputs/${attempt}.json`;
}

/** The items that a running attempt has added to its streams, relative to the run's folder. */
export function streamRecordFile(attempt: number): string {
  return `outputs/${attempt}.items.json`;
}

/**
 * Why a text is no path of an output, or of a marker, to be put after the path: `is empty`. `undefined` when it is one:
 * it stays below the folder that it is relative to, and each file has one spelling only.
 */
export function outputPathProblem(path: string): string | undefined {
  if (path === "") return "is empty";
  if (path.includes("\0")) return "holds a NUL";
  if (path.startsWith("/")) return "is not relative";
  const parts = path.split("/");
  if (parts.includes("..")) return 'leads out of the folder of outputs by ".."';
  return parts.some((part) => part === "" || part === ".") ? 'has an empty part or a "."' : undefined;
}
