import { type Exact, ExactNumber, isExactObject } from "../model/exact-json.ts";

/** Folders of this machine that no committed text may begin with. */
export interface LocalPlaces {
  readonly root: string;
  readonly runStore: string;
  readonly home: string;
}

/** A text that must not be committed. The text itself is not here, because it may be a secret. */
export interface Leak {
  /** Where, e.g. `statepoint.data.path`. */
  readonly path: string;
  readonly kind: "local_path" | "credential";
  /** "begins with the home folder", "looks like a GitHub token". */
  readonly problem: string;
}

interface CredentialShape {
  readonly name: string;
  readonly pattern: RegExp;
}

const CREDENTIAL_SHAPES: readonly CredentialShape[] = [
  { name: "a private key", pattern: /-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----/ },
  { name: "a GitHub token", pattern: /\b(?:gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})/ },
  { name: "a GitLab token", pattern: /\bgl(?:pat|ptt|dt|rt|cbt)-[A-Za-z0-9_-]{20,}/ },
  { name: "an AWS key id", pattern: /\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/ },
  { name: "a Google API key", pattern: /\bAIza[A-Za-z0-9_-]{35}/ },
  { name: "a Slack token", pattern: /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/ },
  { name: "a Hugging Face token", pattern: /\bhf_[A-Za-z0-9]{30,}/ },
  { name: "an npm token", pattern: /\bnpm_[A-Za-z0-9]{36}/ },
  { name: "a PyPI token", pattern: /\bpypi-[A-Za-z0-9_-]{50,}/ },
  { name: "an API key", pattern: /\bsk-(?:[A-Za-z0-9]{32,}|(?:proj|ant|svcacct|or)-[A-Za-z0-9_-]{20,})/ },
  { name: "a JSON web token", pattern: /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*/ },
  { name: "a URL with a password", pattern: /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s/:@]{1,256}:[^\s/@]{1,256}@/i },
  { name: "an authorization header", pattern: /\bauthorization\s*[:=]\s*(?:basic|bearer)\s+\S/i },
  {
    name: "a password or key",
    pattern: /(?:password|passwd|passphrase|api[_-]?key|secret[_-]?key|access[_-]?token|auth[_-]?token)\s*[=:]\s*\S/i,
  },
];

/** All shapes at once: one look settles nearly every text, where one look for each shape would be half of a promotion. */
const ANY_SHAPE = new RegExp(CREDENTIAL_SHAPES.map(({ pattern }) => pattern.source).join("|"), "i");

/** Keys whose text is a secret whatever it looks like. */
const SECRET_KEY =
  /^(?:password|passwd|passphrase|api[_-]?key|secret|(?:client|aws)[_-]?secret|secret[_-]?(?:access[_-]?)?key|(?:access|auth|api)[_-]?token|private[_-]?key)$/i;

/**
 * Every text in `value` (keys and values, at any depth) that names a folder of this machine or looks like a credential.
 *
 * @param extraPatterns what else counts as a credential: the `redact` list of aexp.yaml
 */
export function findLeaks(value: Exact, places: LocalPlaces, extraPatterns: readonly RegExp[] = []): readonly Leak[] {
  return leakFinder(places, extraPatterns)(value);
}

/** As {@link findLeaks}, for many values. */
export function leakFinder(
  places: LocalPlaces,
  extraPatterns: readonly RegExp[] = [],
): (value: Exact) => readonly Leak[] {
  const judge = toJudge(places, extraPatterns);
  return (value) => findIn(value, judge, extraPatterns);
}

function findIn(value: Exact, judge: Judge, extraPatterns: readonly RegExp[]): readonly Leak[] {
  const leaks: Leak[] = [];
  const visit = (item: Exact, path: string): void => {
    if (typeof item === "string") {
      leaks.push(...judge(item).map((found) => ({ path, ...found })));
    } else if (isExactObject(item)) {
      for (const [key, child] of item) {
        const childPath = path === "" ? key : `${path}.${key}`;
        const inKey = judge(key);
        // A key that leaks must not be printed either.
        leaks.push(...inKey.map((found) => ({ path: path === "" ? "a key" : `a key of ${path}`, ...found })));
        if (SECRET_KEY.test(key) && typeof child === "string" && child !== "") {
          leaks.push({ path: childPath, kind: "credential", problem: "is named like a secret" });
        } else visit(child, inKey.length > 0 ? path : childPath);
      }
    } else if (Array.isArray(item)) {
      for (const [index, child] of item.entries()) visit(child, `${path}[${index}]`);
    } else if (item instanceof ExactNumber && extraPatterns.some((pattern) => pattern.test(item.text))) {
      leaks.push({ path, kind: "credential", problem: "matches a `redact` pattern of aexp.yaml" });
    }
  };
  visit(value, "");
  return leaks;
}

type Judge = (text: string) => readonly Omit<Leak, "path">[];

function toJudge(places: LocalPlaces, extraPatterns: readonly RegExp[]): Judge {
  const folders = [
    ["the run store", places.runStore],
    ["the repository root", places.root],
    ["the home folder", places.home],
  ].flatMap(([name = "", folder = ""]) => {
    const path = folder.replace(/[/\\]+$/, "");
    return path === "" ? [] : [{ name, path, inside: `${path}/` }];
  });
  return (text) => {
    const found: Omit<Leak, "path">[] = [];
    const local = toLocalPath(text);
    const folder = folders.find(({ path, inside }) => local === path || local.startsWith(inside));
    if (folder !== undefined) found.push({ kind: "local_path", problem: `begins with ${folder.name}` });
    const shape =
      text.length < 8 || !ANY_SHAPE.test(text)
        ? undefined
        : CREDENTIAL_SHAPES.find(({ pattern }) => pattern.test(text));
    if (shape !== undefined) found.push({ kind: "credential", problem: `looks like ${shape.name}` });
    else if (extraPatterns.some((pattern) => pattern.test(text))) {
      found.push({ kind: "credential", problem: "matches a `redact` pattern of aexp.yaml" });
    }
    return found;
  };
}

/** A text as the path it may stand for: without `file://`, without a doubled slash. */
function toLocalPath(text: string): string {
  const trimmed = text.trimStart();
  if (!/^file:/i.test(trimmed)) return collapse(trimmed);
  const path = trimmed.replace(/^file:(?:\/\/(?:localhost)?(?=\/))?/i, "");
  try {
    return collapse(decodeURIComponent(path));
  } catch {
    // A stray % is no escape: the text is taken as it stands.
    return collapse(path);
  }
}

function collapse(path: string): string {
  return path.startsWith("/") ? path.replaceAll(/\/(?:\.?\/)+/g, "/") : path;
}
