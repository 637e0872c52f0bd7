import type { CitationRule } from "./rule.ts";

/** A cited run that no authority knows. Faults of shape carry the same code; they are told where citations are read. */
export const brokenRunCitation: CitationRule = {
  code: "finding.broken_run_citation",
  check(subject, { strictness, isComplete }) {
    if (!("run" in subject) || strictness === "off" || !isComplete) return undefined;
    const { citation, run } = subject;
    if (run.isHere || run.machines.size > 0) return undefined;
    return {
      message: `cites run ${citation.jobId}, which is not in the ledger, the local store or any runs index: correct the id, or run \`aexp ledger backfill\` and \`aexp sync\` on the machine that made it`,
      severity: strictness === "warn" ? "warning" : "error",
      line: citation.line,
      detail: { job_id: citation.jobId },
    };
  },
};
