import { isExactObject } from "../model/exact-json.ts";
import { type Citation, notCitations, parseCitation } from "./citation.ts";
import { isUnset, type Note } from "./note.ts";

/** A finding: a claim, and the runs that support it. */
export interface Finding {
  /** Relative to the repository root, with forward slashes. */
  readonly path: string;
  readonly citations: readonly Citation[];
}

/** The citations of a finding's note. A single mapping counts as a list of one. */
export function toFinding(path: string, note: Note): Finding {
  return { path, citations: citationsOf(note) };
}

function citationsOf(note: Note): readonly Citation[] {
  const value = note.fields.get("supporting_runs");
  const lines = note.lines.get("supporting_runs");
  if (value === undefined || isUnset(value)) return [];
  if (isExactObject(value)) return [parseCitation(value, "supporting_runs", lines?.line)];
  if (!isList(value)) return [notCitations(value, lines?.line)];
  return value.map((item, index) =>
    parseCitation(item, `supporting_runs[${index}]`, lines?.items[index] ?? lines?.line),
  );
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
