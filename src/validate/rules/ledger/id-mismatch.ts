import { toJobId } from "../../../run/job-id.ts";
import type { EntryRule } from "../../context.ts";

export const entryIdMismatch: EntryRule = {
  code: "ledger.id_mismatch",
  check({ record: { entry, statePoint } }) {
    const computed = toJobId(statePoint);
    if (computed === entry.job_id) return undefined;
    return {
      message: `job_id is ${entry.job_id}, but the state point hashes to ${computed}: the entry was edited; promote the run again where it was made`,
      detail: { computed_id: computed },
    };
  },
};
