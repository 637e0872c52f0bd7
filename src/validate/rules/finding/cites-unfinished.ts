import { type CitationRule, selectorText } from "./rule.ts";

/** A claim that rests on a run which failed, was stopped or was abandoned. */
export const citesUnfinished: CitationRule = {
  code: "finding.cites_unfinished",
  check(subject) {
    const { line } = subject.citation;
    if ("run" in subject) {
      const { citation, run } = subject;
      if (run.unfinished === undefined) return undefined;
      return {
        message: `cites run ${citation.jobId}, which did not complete: it is ${run.unfinished}`,
        line,
        detail: { job_id: citation.jobId, status: run.unfinished },
      };
    }
    const { citation, batch } = subject;
    if (batch.unfinishedCount === 0) return undefined;
    const more = batch.unfinishedCount > batch.unfinished.length ? ", …" : "";
    return {
      message: `cites a batch of ${citation.experimentId} (${selectorText(batch)}) of which ${batch.unfinishedCount} of ${batch.here} runs did not complete: ${batch.unfinished.join(", ")}${more}`,
      line,
      detail: { experiment_id: citation.experimentId, count: batch.unfinishedCount, job_ids: batch.unfinished },
    };
  },
};
