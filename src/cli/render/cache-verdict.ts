import type { FileChange } from "../../code/code-store.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import type { CacheVerdict, MissReason } from "../../pipeline/pipeline-plan.ts";

/** Why an element is taken from the cache, or is not. */
export function explainVerdict(verdict: CacheVerdict): string {
  switch (verdict.kind) {
    case "hit":
      return `run ${short(verdict.from)} did the same`;
    case "miss":
      return explainMiss(verdict.because);
    case "unknown":
      return `depends on what ${verdict.until.join(", ")} will write`;
    case "uncached":
      return verdict.because;
  }
}

function explainMiss(because: MissReason): string {
  switch (because.kind) {
    case "new":
      return "nothing like it ran before";
    case "refresh":
      return "asked to run again";
    case "outputs":
      return `run ${short(because.run)} did the same, but ${because.problem}`;
    case "differs": {
      if (because.files !== undefined && because.files.length > 0) {
        return `the code of run ${short(because.run)} was another: ${namesOf(because.files)}`;
      }
      const { field, was = "nothing", is = "nothing" } = because.difference;
      const from = startOfDifference(was, is);
      return `${field} is ${windowOf(is, from)}, was ${windowOf(was, from)} in run ${short(because.run)}`;
    }
  }
}

/** So many files are named. */
const MOST_FILES = 3;

/** Edited files are what people look for first. */
const ORDER: readonly FileChange["change"][] = ["edited", "added", "deleted"];

function namesOf(files: readonly FileChange[]): string {
  const sorted = files.toSorted((a, b) => ORDER.indexOf(a.change) - ORDER.indexOf(b.change));
  const named = sorted.slice(0, MOST_FILES).map(({ change, path }) => `${toSafeLine(path)} ${change}`);
  const rest = files.length - named.length;
  return `${named.join(", ")}${rest > 0 ? `, and ${rest} more` : ""}`;
}

/** So much of a value is shown, and so much of what is the same before the difference. */
const LONGEST_VALUE = 40;
const SAME_BEFORE = 8;

function startOfDifference(a: string, b: string): number {
  let index = 0;
  while (index < Math.min(a.length, b.length) && a[index] === b[index]) index += 1;
  return index;
}

/** The part of a long value in which the difference is. */
function windowOf(value: string, difference: number): string {
  if (value.length <= LONGEST_VALUE) return value;
  const start = difference <= SAME_BEFORE ? 0 : Math.min(difference, value.length) - SAME_BEFORE;
  const end = start + LONGEST_VALUE;
  return `${start > 0 ? "…" : ""}${value.slice(start, end)}${end < value.length ? "…" : ""}`;
}

function short(id: string): string {
  return id.slice(0, 8);
}
