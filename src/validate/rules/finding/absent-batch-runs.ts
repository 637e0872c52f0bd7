import { type CitationRule, machinesText, selectorText } from "./rule.ts";

/** A cited batch that only other machines' indexes have runs of. */
export const absentBatchRuns: CitationRule = {
  code: "finding.absent_batch_runs",
  check(subject, { strictness }) {
    if (!("batch" in subject) || strictness === "off") return undefined;
    const { citation, batch } = subject;
    const count = batch.elsewhere.size;
    if (batch.here > 0 || count === 0) return undefined;
    return {
      message: `cites a batch of ${citation.experimentId} (${selectorText(batch)}) whose ${count === 1 ? "only run is" : `${count} runs are`} in the runs index of ${machinesText(batch.machines)} only: run \`aexp ledger backfill\` and \`aexp sync\` there`,
      line: citation.line,
      detail: { experiment_id: citation.experimentId, count, machines: [...batch.machines].toSorted() },
    };
  },
};
