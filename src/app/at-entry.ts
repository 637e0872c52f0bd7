import { AexpError } from "../model/errors.ts";
import type { SubmissionEntry } from "./submission.ts";

/** Puts the line of the plan in front of what is wrong with an entry; an entry of a command line has none. */
export async function atEntry<T>({ place }: Pick<SubmissionEntry, "place">, read: () => T | Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (place === undefined || !(error instanceof AexpError)) throw error;
    const { code, hint } = error;
    throw new AexpError(`${place}: ${error.message}`, { code, hint, cause: error });
  }
}
