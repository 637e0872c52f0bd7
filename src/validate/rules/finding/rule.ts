import type { Citation } from "../../../kb/citation.ts";
import type { BatchTally, RunTally } from "../../citation-book.ts";
import type { IssueCode } from "../../codes.ts";
import type { Strictness } from "../../context.ts";
import type { Report } from "../../report.ts";

type JobCitation = Extract<Citation, { type: "job" }>;
type BatchCitation = Extract<Citation, { type: "batch" }>;

/** A well-formed citation, and what turned up about it. */
export type CitationSubject =
  | { readonly citation: JobCitation; readonly run: RunTally }
  | { readonly citation: BatchCitation; readonly batch: BatchTally };

/** What the rules may look at beside the citation. */
export interface CitationContext {
  readonly strictness: Strictness;
  /** Whether every authority that there is could be read, so that "not found" means "not there". */
  readonly isComplete: boolean;
}

/** A rule for one citation where some authority can judge it. */
export interface CitationRule {
  readonly code: IssueCode;
  readonly check: (subject: CitationSubject, context: CitationContext) => Report | undefined;
}

/** `{lr: 0.1, seed: 3}` as messages show a selector. */
export function selectorText(batch: BatchTally): string {
  const pairs = [...batch.selector].map(([key, value]) => `${key}: ${value}`).join(", ");
  return batch.selector.size === 0
    ? "the whole experiment"
    : `{${pairs.length > 120 ? `${pairs.slice(0, 119)}…` : pairs}}`;
}

/** `machine "gpu01"` or `machines "gpu01", "gpu02"`. */
export function machinesText(machines: ReadonlySet<string>): string {
  const names = [...machines].toSorted().map((name) => JSON.stringify(name));
  return `${names.length === 1 ? "machine" : "machines"} ${names.join(", ")}`;
}
