import { didYouMean } from "../../../model/nearest.ts";
import { isRunStatus, RUN_STATUSES } from "../../../run/run-status.ts";
import type { RunRule } from "../../context.ts";

export const statusInvalid: RunRule = {
  code: "run.status_invalid",
  check({ run }) {
    const status = run.document.statusText;
    if (status !== undefined && isRunStatus(status)) return undefined;
    const expected = `expected one of ${RUN_STATUSES.join(", ")}`;
    if (status === undefined) {
      const isOther = run.document.problems.some((problem) => problem.startsWith("status:"));
      return `${isOther ? "the status is no text" : "the run has no status"}; ${expected}`;
    }
    return `the status is ${JSON.stringify(status)}; ${expected}.${didYouMean(status, RUN_STATUSES)}`;
  },
};
