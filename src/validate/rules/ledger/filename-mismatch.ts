import type { EntryRule } from "../../context.ts";

export const filenameMismatch: EntryRule = {
  code: "ledger.filename_mismatch",
  check({ record: { entry, jobId } }) {
    if (entry.job_id === jobId) return undefined;
    return `the file holds the entry of run ${entry.job_id}: rename it to ${entry.job_id}.json`;
  },
};
