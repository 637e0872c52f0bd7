import {
  compareCodePoints,
  type Exact,
  type ExactObject,
  isExactObject,
  toPythonJson,
  toSortedPrettyJson,
} from "../model/exact-json.ts";
import { parseExactObject } from "../model/exact-json-reader.ts";
import { parseInstant } from "../model/clock.ts";
import { OWN_KEYS } from "./entry.ts";
import { parseLedgerEntry } from "./parse-entry.ts";

/** Where the outcomes that lost are kept. */
const OTHERS = "other_attempts";

/** What is kept of an outcome that lost. */
const SUMMARY_KEYS = ["registered_machine", "status", "ended_at", "reason"] as const;

/**
 * One entry out of two for the same run. The outcome that ended later stands, the other one is summarised in
 * `other_attempts`; keys that are not ours are kept from both.
 *
 * The order of the arguments does not matter, nor does the order in which several entries are merged, and merging an
 * entry with itself, or again with one that went into it, changes nothing: machines may merge in any order and as
 * often as they like, and end with the same bytes.
 */
export function mergeEntries(a: ExactObject, b: ExactObject): ExactObject {
  const winner = compareOutcomes(a, b) >= 0 ? a : b;
  const own = [...winner].filter(([key]) => OWN_KEYS.has(key));
  const merged = new Map([...own, ...mergeForeignKeys(a, b)]);
  const others = mergeOthers(a, b, winner);
  if (others.length > 0) merged.set(OTHERS, others);
  return merged;
}

/**
 * The merged text of an entry file that two sides have changed.
 *
 * A side that is no entry of the run that the file name says loses against one that is.
 *
 * @returns `undefined` when neither side can be read, so that somebody has to look
 */
export function mergeEntryTexts(file: string, ours: string, theirs: string): string | undefined {
  const a = readSide(file, ours);
  const b = readSide(file, theirs);
  if (a !== undefined && b !== undefined) return toSortedPrettyJson(mergeEntries(a, b));
  if (a !== undefined) return ours;
  return b === undefined ? undefined : theirs;
}

function readSide(file: string, text: string): ExactObject | undefined {
  const read = parseLedgerEntry(file, text);
  if (read.kind !== "entry" || read.record.entry.job_id !== read.record.jobId) return undefined;
  return parseExactObject(text);
}

/** Positive when `a` is the outcome that stands. Only keys of ours count, and all of them, so that no two tie by chance. */
function compareOutcomes(a: ExactObject, b: ExactObject): number {
  return (
    compareInstants(a.get("ended_at"), b.get("ended_at")) ||
    compareInstants(a.get("promoted_at"), b.get("promoted_at")) ||
    compareCodePoints(textOf(a.get("registered_machine")), textOf(b.get("registered_machine"))) ||
    compareCodePoints(ownText(a), ownText(b))
  );
}

/** An outcome without a time is older than any with one. */
function compareInstants(a: Exact | undefined, b: Exact | undefined): number {
  const [left, right] = [msOf(a), msOf(b)];
  return left === right ? 0 : left - right;
}

function msOf(instant: Exact | undefined): number {
  return (typeof instant === "string" ? parseInstant(instant) : undefined) ?? Number.NEGATIVE_INFINITY;
}

function textOf(value: Exact | undefined): string {
  return typeof value === "string" ? value : "";
}

function ownText(entry: ExactObject): string {
  return canonical(new Map([...entry].filter(([key]) => OWN_KEYS.has(key))));
}

/**
 * Nobody but their writer knows what foreign keys mean. Where both sides have one, the greater text stands: a rule
 * that gives every machine the same answer, whoever merges first.
 */
function mergeForeignKeys(a: ExactObject, b: ExactObject): ExactObject {
  const merged = new Map<string, Exact>();
  for (const [key, value] of [...a, ...b]) {
    if (OWN_KEYS.has(key) || key === OTHERS) continue;
    const known = merged.get(key);
    if (known === undefined || compareCodePoints(canonical(value), canonical(known)) > 0) merged.set(key, value);
  }
  return merged;
}

/** Every outcome that either side knows, but for the one that stands; each once, sorted. */
function mergeOthers(a: ExactObject, b: ExactObject, winner: ExactObject): readonly Exact[] {
  const known = [...othersOf(a), ...othersOf(b), summarize(a), summarize(b)];
  const byText = new Map(known.map((outcome) => [canonical(outcome), outcome]));
  byText.delete(canonical(summarize(winner)));
  return [...byText].toSorted(([left], [right]) => compareCodePoints(left, right)).map(([, outcome]) => outcome);
}

function othersOf(entry: ExactObject): readonly Exact[] {
  const others = entry.get(OTHERS);
  return Array.isArray(others) ? others.filter((item: Exact) => isExactObject(item)) : [];
}

function summarize(entry: ExactObject): ExactObject {
  return new Map(
    SUMMARY_KEYS.flatMap((key) => {
      const value = entry.get(key);
      return value === undefined ? [] : [[key, value] as const];
    }),
  );
}

function canonical(value: Exact): string {
  return toPythonJson(value, { sortKeys: true });
}
