import { AexpError } from "../model/errors.ts";

/** Folders that a path in a key may be relative to; absolute, with forward slashes. */
export interface KeyPlaces {
  readonly root: string;
  readonly home: string;
  /** Where `./` and `../` begin: the working directory, or the root for keys of a file in the repository. */
  readonly cwd: string;
}

const MAX_LENGTH = 1024;

/**
 * One spelling for all keys that mean the same. A key that begins with `/`, `./`, `../` or `~/` is a path: inside the
 * repository it becomes `./path/from/the/root`, elsewhere an absolute path, so that `./db` and its absolute path are one
 * lock in every clone. Links are not followed. Any other key stays as it is.
 *
 * @throws {AexpError} `queue.resource_invalid`
 */
export function canonicalKey(key: string, places: KeyPlaces): string {
  const text = key.trim();
  if (text === "" || text.length > MAX_LENGTH || /[\u0000-\u001f\u007f]/.test(text)) {
    throw new AexpError(
      `${JSON.stringify(key)} is no key of a resource: expected 1 to ${MAX_LENGTH} characters on one line`,
      { code: "queue.resource_invalid", hint: "Name it like gpu-0, or by its path like ./data/index.db." },
    );
  }
  const path = toAbsolutePath(text, places);
  if (path === undefined) return text;
  const absolute = normalize(path);
  const root = normalize(places.root);
  if (absolute === root) return "./";
  const prefix = root === "/" ? "/" : `${root}/`;
  return absolute.startsWith(prefix) ? `./${absolute.slice(prefix.length)}` : absolute;
}

function toAbsolutePath(text: string, { home, cwd }: KeyPlaces): string | undefined {
  if (text.startsWith("/")) return text;
  if (text === "~" || text.startsWith("~/")) return home + text.slice(1);
  return /^\.\.?(?:\/|$)/.test(text) ? `${cwd}/${text}` : undefined;
}

/** Without `.`, `..`, doubled slashes and a slash at the end. */
function normalize(path: string): string {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "..") parts.pop();
    else if (part !== "" && part !== ".") parts.push(part);
  }
  return `/${parts.join("/")}`;
}
