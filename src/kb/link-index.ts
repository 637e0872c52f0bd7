import type { Exact } from "../model/exact-json.ts";
import { KB_FOLDER } from "./kb-store.ts";
import type { KbNote, KnowledgeBase } from "./knowledge-base.ts";
import { textOf } from "./note.ts";

/**
 * Finds what a wikilink means, as editors of linked notes do: by id, by path (from the repository, from the knowledge
 * base, or from the note's own folder), by file name anywhere in the knowledge base, or by an alias. The first of these
 * that gives anything decides. Upper and lower case are alike.
 */
export class LinkIndex {
  readonly #byId = new Map<string, string[]>();
  readonly #byPath = new Map<string, string[]>();
  readonly #byName = new Map<string, string[]>();
  readonly #byAlias = new Map<string, string[]>();
  readonly #isFile: (path: string) => boolean;

  /** @param isFile whether a path outside the knowledge base, relative to the repository root, is a file */
  constructor(kb: KnowledgeBase, isFile: (path: string) => boolean) {
    this.#isFile = isFile;
    for (const path of kb.files) {
      add(this.#byPath, path, path);
      add(this.#byName, path.slice(path.lastIndexOf("/") + 1), path);
    }
    for (const note of kb.notes) {
      const own = note.type === "artifact" ? note.id : note.type === "special" ? note.name : undefined;
      if (own !== undefined) add(this.#byId, own, note.path);
      for (const alias of aliasesOf(note)) add(this.#byAlias, alias, note.path);
    }
  }

  /**
   * The files that a target may mean, as paths relative to the repository root: none when it is dangling, several when
   * it is ambiguous. An empty target is the note itself.
   *
   * @param from path of the note with the link
   */
  resolve(target: string, from: string): readonly string[] {
    if (target === "") return [from];
    const found = this.#byId.get(keyOf(target)) ?? this.#atPath(target, from) ?? this.#named(target, from);
    return found ?? this.#byAlias.get(keyOf(target)) ?? this.#outside(target, from);
  }

  #atPath(target: string, from: string): readonly string[] | undefined {
    if (!target.includes("/")) return undefined;
    for (const path of placesOf(target, from)) {
      const found = this.#byPath.get(keyOf(path)) ?? this.#byPath.get(keyOf(`${path}.md`));
      if (found !== undefined) return preferExact(found, path);
    }
    return this.#endingWith(target);
  }

  /** The end of a path, as in `hypotheses/H001-slow`. */
  #endingWith(target: string): readonly string[] | undefined {
    const name = target.slice(target.lastIndexOf("/") + 1);
    const ends = [keyOf(`/${target}`), keyOf(`/${target}.md`)];
    const named = [...(this.#byName.get(keyOf(name)) ?? []), ...(this.#byName.get(keyOf(`${name}.md`)) ?? [])];
    const found = named.filter((path) => ends.some((end) => keyOf(path).endsWith(end)));
    return found.length === 0 ? undefined : found;
  }

  /** A name means the file in the same folder, if there is one of that name. */
  #named(target: string, from: string): readonly string[] | undefined {
    if (target.includes("/")) return undefined;
    const found = this.#byName.get(keyOf(`${target}.md`)) ?? this.#byName.get(keyOf(target));
    if (found === undefined) return undefined;
    const near = found.filter((path) => folderPart(path) === folderPart(from));
    return preferExact(near.length === 1 ? near : found, target);
  }

  #outside(target: string, from: string): readonly string[] {
    const candidates = placesOf(target, from).flatMap((place) => [place, `${place}.md`]);
    return candidates.filter((path) => this.#isFile(path)).slice(0, 1);
  }
}

/** The other names of a note, from its frontmatter: lists, or single texts. */
export function aliasesOf(note: KbNote): readonly string[] {
  if (note.content.kind !== "text") return [];
  const { fields } = note.content.text.note;
  return [fields.get("aliases"), fields.get("alias")].flatMap(namesIn).filter((alias) => alias !== "");
}

/** A single text with commas was a list to older editors. */
function namesIn(value: Exact | undefined): readonly string[] {
  if (isList(value)) return value.flatMap((item) => textOf(item) ?? []);
  const text = textOf(value);
  if (text === undefined) return [];
  return text.includes(",") ? [text, ...text.split(",").map((part) => part.trim())] : [text];
}

function isList(value: Exact | undefined): value is readonly Exact[] {
  return Array.isArray(value);
}

/** Where a target with or without slashes may lie, as paths relative to the root; those that lead out of it are left out. */
function placesOf(target: string, from: string): readonly string[] {
  const bases = target.startsWith("/") ? [KB_FOLDER, ""] : [folderPart(from), KB_FOLDER, ""];
  return bases.flatMap((base) => normalizePath(`${base}/${target}`) ?? []);
}

function normalizePath(path: string): string | undefined {
  const parts: string[] = [];
  for (const part of path.split("/")) {
    if (part === "" || part === ".") continue;
    if (part !== "..") parts.push(part);
    else if (parts.pop() === undefined) return undefined;
  }
  return parts.join("/");
}

function folderPart(path: string): string {
  return path.slice(0, Math.max(0, path.lastIndexOf("/")));
}

/** Of files whose names differ only in upper and lower case, the one that is spelled as in the link. */
function preferExact(found: readonly string[], target: string): readonly string[] {
  if (found.length === 1) return found;
  const exact = found.filter((path) => `/${path}`.endsWith(`/${target}`) || `/${path}`.endsWith(`/${target}.md`));
  return exact.length === 1 ? exact : found;
}

function keyOf(name: string): string {
  return name.normalize("NFC").toLowerCase();
}

function add(index: Map<string, string[]>, name: string, path: string): void {
  const key = keyOf(name);
  const known = index.get(key);
  if (known === undefined) index.set(key, [path]);
  else if (!known.includes(path)) known.push(path);
}
