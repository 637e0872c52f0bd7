import { AexpError } from "../model/errors.ts";

/**
 * Carries out an edit of one note's text; what cannot be edited is told with the note's name.
 *
 * @throws {AexpError} `note.not_editable`, and what `edit` throws
 */
export async function editNote<T>(path: string, edit: () => T | Promise<T>): Promise<T> {
  try {
    return await edit();
  } catch (error) {
    if (!(error instanceof AexpError) || error.code !== "note.not_editable") throw error;
    throw new AexpError(`${path}: ${error.message}. Nothing was changed`, {
      code: error.code,
      hint: error.hint,
      cause: error,
    });
  }
}
