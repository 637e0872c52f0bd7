import { readFileSync } from "node:fs";
import { resolve } from "node:path";

import { AexpError, type ErrorCode, messageOf } from "../model/errors.ts";

/**
 * The text of a file that the user names.
 *
 * @param as - what the message calls it, and the error's code and hint
 */
export function readNamedFile(
  file: string,
  cwd: string,
  as: { readonly what: string; readonly code: ErrorCode; readonly hint: string },
): string {
  try {
    return readFileSync(resolve(cwd, file), "utf8");
  } catch (error) {
    const { what, code, hint } = as;
    throw new AexpError(`the ${what} ${JSON.stringify(file)} cannot be read: ${messageOf(error)}`, {
      code,
      hint,
      cause: error,
    });
  }
}
