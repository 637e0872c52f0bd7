import { AexpError } from "../model/errors.ts";
import { didYouMean } from "../model/nearest.ts";

/** How many candidates a message lists. */
const MAX_LISTED = 10;

/**
 * The worker that a user means: an id, or a unique prefix of one.
 *
 * @throws {AexpError} `worker.not_found`, `worker.ambiguous`
 */
export function resolveWorker(text: string, known: readonly string[]): string {
  if (known.includes(text)) return text;
  const candidates = text === "" ? [] : known.filter((id) => id.startsWith(text));
  const [first, second] = candidates;
  if (first === undefined) {
    throw new AexpError(`there is no worker ${JSON.stringify(text)}.${didYouMean(text, known)}`, {
      code: "worker.not_found",
      hint: known.length === 0 ? "No worker is known here." : `Known: ${list(known)}. \`aexp worker list\` shows them.`,
    });
  }
  if (second === undefined) return first;
  throw new AexpError(`${JSON.stringify(text)} could be any of ${candidates.length} workers: ${list(candidates)}`, {
    code: "worker.ambiguous",
    hint: "Give more of the id.",
  });
}

function list(ids: readonly string[]): string {
  const rest = ids.length - MAX_LISTED;
  return ids.slice(0, MAX_LISTED).join(", ") + (rest > 0 ? ` … and ${rest} more` : "");
}
