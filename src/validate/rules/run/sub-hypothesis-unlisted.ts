import { artifactIdOf } from "../../../kb/note.ts";
import { runLinkOf } from "../../../run/document.ts";
import type { RunRule } from "../../context.ts";
import { experimentOf } from "./experiment-of.ts";

export const subHypothesisUnlisted: RunRule = {
  code: "run.sub_hypothesis_unlisted",
  check({ run }, { experiments }) {
    const link = runLinkOf(run.document.facts);
    const named = link?.sub_hypothesis_id ?? "";
    if (link === undefined || named === "") return undefined;
    const experiment = experimentOf(link, experiments);
    if (experiment === undefined || experiment.subHypothesisIds.includes(artifactIdOf(named) ?? named))
      return undefined;
    const listed = experiment.subHypothesisIds.join(", ");
    return {
      message: `the run is linked to the sub-hypothesis ${named}, but sub_hypotheses of ${experiment.path} lists ${listed === "" ? "none" : listed}`,
      detail: { experiment_id: link.experiment_id, sub_hypothesis_id: named },
    };
  },
};
