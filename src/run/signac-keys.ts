import { AexpError } from "../model/errors.ts";
import { type Exact, isExactObject, MAX_DEPTH } from "../model/exact-json.ts";

/**
 * Refuses what signac refuses in a state point: a key with a dot, at any depth. signac finds out only after it has
 * made the run's folder, and then the whole project cannot be searched; so this is checked before anything is written.
 *
 * @throws {AexpError} `state_point.invalid`
 */
export function checkSignacKeys(value: Exact, depth = 0): void {
  if (depth > MAX_DEPTH) {
    throw new AexpError(`the state point nests deeper than ${MAX_DEPTH}`, {
      code: "state_point.invalid",
      hint: "Put what is nested so deeply into a file, and name the file.",
    });
  }
  if (isExactObject(value)) {
    for (const [key, item] of value) {
      if (key.includes(".")) throw dottedKey(key);
      checkSignacKeys(item, depth + 1);
    }
  } else if (Array.isArray(value)) {
    for (const item of value) checkSignacKeys(item, depth + 1);
  }
}

/**
 * A value for a document, with `/` for every dot in its keys: signac could not read the document otherwise, and a
 * program's metric called `val.loss` must not stop its run from being recorded.
 */
export function toSignacKeys(value: Exact): Exact {
  if (isExactObject(value)) {
    const object = new Map<string, Exact>();
    for (const [key, item] of value) object.set(key.replaceAll(".", "/"), toSignacKeys(item));
    return object;
  }
  return Array.isArray(value) ? value.map(toSignacKeys) : value;
}

function dottedKey(key: string): AexpError {
  return new AexpError(`the key ${JSON.stringify(key)} of the state point has a dot; signac allows no dots in keys`, {
    code: "state_point.invalid",
    hint: "Nest the value instead: `a: {b: 1}` for `a.b: 1`.",
  });
}
