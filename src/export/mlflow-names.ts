/** The longest name that mlflow takes, in characters; a folder holds names of at most 255 bytes. */
const MAX_NAME = 250;

/**
 * Gives names that mlflow takes, one folder of files after the other: a name becomes a path there.
 *
 * mlflow takes letters, digits, `_`, `-`, `.`, `/` and spaces (and `:`, though not on Windows), and no path that means
 * another one, such as `a//b`, or begins with `..`. Beyond that, two names must not be one file where case does not count, and a name must
 * not be the folder of another. Source: `mlflow/utils/validation.py` of mlflow 3.17.
 */
export class MlflowNames {
  /** Names that are files, and names that are folders, in lower case. */
  readonly #files = new Set<string>();
  readonly #folders = new Set<string>();

  /** The name to be used, which is the name itself when mlflow takes it. */
  take(name: string): string {
    const tamed = tame(name);
    for (let count = 1; ; count += 1) {
      const candidate = count === 1 ? tamed : `${tamed}_${count}`;
      if (this.#isFree(candidate)) return this.#add(candidate);
      const flat = candidate.replaceAll("/", "_");
      if (this.#isFree(flat)) return this.#add(flat);
    }
  }

  #isFree(name: string): boolean {
    const key = name.toLowerCase();
    return (
      !this.#files.has(key) && !this.#folders.has(key) && foldersOf(key).every((folder) => !this.#files.has(folder))
    );
  }

  #add(name: string): string {
    const key = name.toLowerCase();
    this.#files.add(key);
    for (const folder of foldersOf(key)) this.#folders.add(folder);
    return name;
  }
}

/** `a/b/c` lies in `a` and `a/b`. */
function foldersOf(name: string): readonly string[] {
  const parts = name.split("/");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}

function tame(name: string): string {
  const clean = name.normalize("NFC").replaceAll(/[^\p{L}\p{Nd}_.\- /]/gu, "_");
  const parts = clean.split("/").map((part) => (part === "." || part === ".." ? part.replaceAll(".", "_") : part));
  const joined = parts.filter((part) => part !== "").join("/");
  return cut(joined === "" ? "_" : joined.replace(/^\.\./, "__"));
}

function cut(name: string): string {
  const encoder = new TextEncoder();
  if (encoder.encode(name).length <= MAX_NAME) return name;
  let short = "";
  let size = 0;
  for (const character of name) {
    size += encoder.encode(character).length;
    if (size > MAX_NAME - 5) break; // leaves room for a number behind it
    short += character;
  }
  return short.replace(/\/+$/, "");
}
