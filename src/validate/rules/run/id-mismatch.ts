import { toJobId } from "../../../run/job-id.ts";
import type { RunRule } from "../../context.ts";

export const runIdMismatch: RunRule = {
  code: "run.id_mismatch",
  check({ run }) {
    const computed = toJobId(run.statePoint);
    if (computed === run.jobId) return undefined;
    return {
      message: `the state point hashes to ${computed}, which is not the folder's name: it was edited, or the folder was renamed`,
      detail: { computed_id: computed },
    };
  },
};
