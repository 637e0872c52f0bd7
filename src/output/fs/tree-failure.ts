import { AexpError, messageOf, systemErrorCode } from "../../model/errors.ts";
import { type BytePath, quotePath } from "../../model/byte-path.ts";

/** A tree was changed while it was read. Whoever reads it tries again before giving up. */
export class TreeChangedError extends Error {
  override readonly name = "TreeChangedError";
}

/** What Node says of something that was there a moment ago, as another type. */
const GONE = new Set(["ENOENT", "ENOTDIR", "EISDIR", "ELOOP", "ENXIO"]);

/** Whether an error says that what was to be read is no longer there, or no longer of the same type. */
export function isGone(error: unknown): boolean {
  return GONE.has(systemErrorCode(error) ?? "");
}

/** The failure of a path inside a tree, as what is thrown for it. */
export function toTreeError(error: unknown, path: BytePath): Error {
  if (isGone(error)) return new TreeChangedError(`${quotePath(path)} is gone`, { cause: error });
  return unreadable(path, messageOf(error), error);
}

/** @returns the error `output.unreadable` */
export function unreadable(path: BytePath, problem: string, cause?: unknown): AexpError {
  // Node's message ends with the path that it was called with, which may not be printable.
  const [words = problem] = problem.split(", ");
  return new AexpError(`${quotePath(path)} cannot be read: ${words}`, {
    code: "output.unreadable",
    hint: words.startsWith("EACCES") ? "Let your user read it, with all that is in it." : undefined,
    cause,
  });
}

/** @returns the error `output.changed_while_hashing` */
export function changedWhileHashing(path: BytePath): AexpError {
  return new AexpError(`${quotePath(path)} changed while its digest was computed, twice`, {
    code: "output.changed_while_hashing",
    hint: "End what writes to it, such as a process that the command left in the background.",
  });
}
