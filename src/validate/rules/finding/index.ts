import { absentBatchRuns } from "./absent-batch-runs.ts";
import { absentRunCitation } from "./absent-run-citation.ts";
import { brokenRunCitation } from "./broken-run-citation.ts";
import { citesUnfinished } from "./cites-unfinished.ts";
import { emptyBatch } from "./empty-batch.ts";
import type { CitationRule } from "./rule.ts";

/** What is asked of every citation. */
export const CITATION_RULES: readonly CitationRule[] = [
  brokenRunCitation,
  absentRunCitation,
  emptyBatch,
  absentBatchRuns,
  citesUnfinished,
];
