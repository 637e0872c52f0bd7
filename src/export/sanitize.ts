import { findLeaks, type LocalPlaces } from "../ledger/leak.ts";
import { type Exact, ExactNumber, type ExactObject, isExactObject } from "../model/exact-json.ts";

/** What stands where a text was that looks like a password or key. */
const WITHHELD = "(withheld)";

/** Takes out of values what must not leave this machine. */
export interface Sanitizer {
  /** A text in which the folders of this machine are `<repository>`, `<run store>` and `<home>`. */
  text(text: string): string;
  /** The text under a key, which may be a secret because of its key. */
  textUnder(key: string, text: string): string;
  /** The same for every text of a value, keys among them; the value itself when nothing had to go. */
  value(value: Exact): Exact;
  object(value: ExactObject): ExactObject;
  /** How many texts were changed so far. */
  readonly changes: number;
}

/**
 * Removes the names of local folders wherever they stand in a text, and whole texts that look like credentials.
 *
 * The ledger refuses such texts; an export may hold runs that never went to the ledger, and free texts such as reasons.
 *
 * @param secretPatterns what else counts as a credential: the `redact` list of aexp.yaml
 */
export function toSanitizer(places: LocalPlaces, secretPatterns: readonly RegExp[] = []): Sanitizer {
  const replacePlaces = toReplacer(places);
  let changes = 0;
  const changed = (before: string, after: string): string => {
    if (before !== after) changes += 1;
    return after;
  };
  const isSecret = (value: Exact): boolean =>
    findLeaks(value, places, secretPatterns).some(({ kind }) => kind === "credential");
  const sanitize = (before: string): string => {
    if (isSecret(before)) return WITHHELD;
    const after = replacePlaces(before);
    // Without its path, what stands around it may look like an address with a password.
    return after !== before && isSecret(after) ? WITHHELD : after;
  };
  const text = (before: string): string => changed(before, sanitize(before));
  const textUnder = (key: string, before: string): string =>
    isSecret(new Map([[key, before]])) ? changed(before, WITHHELD) : text(before);
  const under = (key: string, item: Exact): Exact => {
    if (typeof item === "string") return textUnder(key, item);
    return item instanceof ExactNumber && isSecret(item) ? changed(item.text, WITHHELD) : value(item);
  };
  const object = (before: ExactObject): ExactObject =>
    isClean(before) ? before : new Map([...before].map(([key, item]) => [text(key), under(key, item)]));
  const value = (before: Exact): Exact => {
    if (typeof before === "string") return text(before);
    if (isExactObject(before)) return object(before);
    return Array.isArray(before) ? before.map((item: Exact) => under("", item)) : before;
  };
  const isClean = (item: Exact): boolean =>
    findLeaks(item, places, secretPatterns).length === 0 && !hasText(item, (found) => replacePlaces(found) !== found);
  return {
    text,
    textUnder,
    value,
    object,
    get changes() {
      return changes;
    },
  };
}

function hasText(value: Exact, test: (text: string) => boolean): boolean {
  if (typeof value === "string") return test(value);
  if (isExactObject(value)) return [...value].some(([key, item]) => test(key) || hasText(item, test));
  return Array.isArray(value) && value.some((item: Exact) => hasText(item, test));
}

/** The run store and the repository lie in the home folder more often than not, so the longest name goes first. */
function toReplacer(places: LocalPlaces): (text: string) => string {
  const names = [
    ["<run store>", places.runStore],
    ["<repository>", places.root],
    ["<home>", places.home],
  ].flatMap(([name = "", folder = ""]) => {
    const path = folder.replace(/[/\\]+$/, "");
    return path === "" ? [] : [{ name, path, pattern: toPattern(path) }];
  });
  const ordered = names.toSorted((a, b) => b.path.length - a.path.length);
  const replaceOnce = (text: string): string => {
    let clean = text;
    for (const { name, path, pattern } of ordered) if (clean.includes(path)) clean = clean.replace(pattern, () => name);
    return clean;
  };
  return (text) => {
    let clean = text;
    // What follows a path that was replaced may look like the beginning of another.
    for (let next = replaceOnce(clean); next !== clean; next = replaceOnce(clean)) clean = next;
    return clean;
  };
}

/** The path where it stands as a whole: `/home/ana` is not in `/srv/home/ana`, and not in `/home/anabel`. */
function toPattern(path: string): RegExp {
  const escaped = path.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  return new RegExp(String.raw`(?<![\w.\-/])(?:file:\/\/(?:localhost)?)?(?:\/(?=\/))*${escaped}(?![\w\-]|\.\w)`, "gu");
}
