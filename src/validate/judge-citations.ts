import type { Citation } from "../kb/citation.ts";
import type { Finding } from "../kb/finding.ts";
import type { CitationBook } from "./citation-book.ts";
import type { Collector } from "./collector.ts";
import { CITATION_RULES } from "./rules/finding/index.ts";
import type { CitationContext, CitationSubject } from "./rules/finding/rule.ts";

/** What is known beside the citations. */
export interface JudgeContext extends CitationContext {
  /** Whether there is any store, ledger or index that could know a run. */
  readonly hasAuthority: boolean;
}

/** Judges every citation of every finding, once all runs have been seen. */
export function judgeCitations(
  findings: readonly Finding[],
  book: CitationBook,
  issues: Collector,
  context: JudgeContext,
): void {
  let unjudged = 0;
  for (const { path, citations } of findings) {
    if (citations.length === 0) {
      issues.add("finding.uncited", "the finding cites no run: add supporting_runs to its frontmatter", path);
    }
    for (const citation of citations) {
      const subject = toSubject(citation, book);
      if (subject === undefined) {
        if (citation.type === "fault") issues.add("finding.broken_run_citation", citation, path);
      } else if (context.hasAuthority) {
        for (const { code, check } of CITATION_RULES) issues.ask(code, () => check(subject, context), path);
      } else unjudged += 1;
    }
  }
  // With a source that could not be read, its failure says more than the lack of the others.
  if (unjudged === 0 || context.strictness === "off" || !context.isComplete) return;
  issues.add("finding.no_run_store", {
    message: `${unjudged === 1 ? "1 citation" : `${unjudged} citations`} cannot be checked: there is no run store, no ledger entry and no runs index here`,
    detail: { count: unjudged },
  });
}

function toSubject(citation: Citation, book: CitationBook): CitationSubject | undefined {
  if (citation.type === "job") return { citation, run: book.run(citation) };
  if (citation.type === "batch") return { citation, batch: book.batch(citation) };
  return undefined;
}
