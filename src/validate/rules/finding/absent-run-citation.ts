import { type CitationRule, machinesText } from "./rule.ts";

/** A cited run that only another machine's index lists. */
export const absentRunCitation: CitationRule = {
  code: "finding.absent_run_citation",
  check(subject, { strictness }) {
    if (!("run" in subject) || strictness === "off") return undefined;
    const { citation, run } = subject;
    if (run.isHere || run.machines.size === 0) return undefined;
    return {
      message: `cites run ${citation.jobId}, which is only in the runs index of ${machinesText(run.machines)}: run \`aexp ledger backfill\` and \`aexp sync\` there`,
      line: citation.line,
      detail: { job_id: citation.jobId, machines: [...run.machines].toSorted() },
    };
  },
};
