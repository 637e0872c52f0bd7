import { runLinkOf } from "../../../run/document.ts";
import type { RunRule } from "../../context.ts";

export const orphan: RunRule = {
  code: "run.orphan",
  check({ run }) {
    if (runLinkOf(run.document.facts) !== undefined) return undefined;
    const problem = run.document.problems.find((text) => /^(?:aexp|limina)[.:]/.test(text));
    const found =
      problem === undefined ? "the run is linked to no experiment" : `the run link is not valid (${problem})`;
    return `${found}: run \`aexp runs link ${run.jobId} --experiment E001\` with the right id`;
  },
};
