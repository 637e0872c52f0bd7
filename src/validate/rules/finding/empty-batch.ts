import { type CitationRule, selectorText } from "./rule.ts";

/** A cited batch that no authority has a run of. */
export const emptyBatch: CitationRule = {
  code: "finding.empty_batch",
  check(subject, { strictness, isComplete }) {
    if (!("batch" in subject) || strictness === "off" || !isComplete) return undefined;
    const { citation, batch } = subject;
    if (batch.here > 0 || batch.elsewhere.size > 0) return undefined;
    return {
      message: `cites a batch of ${citation.experimentId} (${selectorText(batch)}) that matches no run${batch.selector.size === 0 ? "" : '; values are compared with their type, so 1, 1.0 and "1" differ'}`,
      severity: strictness === "warn" ? "warning" : "error",
      line: citation.line,
      detail: { experiment_id: citation.experimentId },
    };
  },
};
