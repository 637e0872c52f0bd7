import { artifactIdOf } from "../../../kb/note.ts";
import { runLinkOf } from "../../../run/document.ts";
import type { RunRule } from "../../context.ts";
import { experimentOf } from "./experiment-of.ts";

/** A link that names no hypothesis leaves the choice to its experiment. */
export const hypothesisMismatch: RunRule = {
  code: "run.hypothesis_mismatch",
  check({ run }, { experiments }) {
    const link = runLinkOf(run.document.facts);
    const named = link?.hypothesis_id ?? "";
    if (link === undefined || named === "") return undefined;
    const experiment = experimentOf(link, experiments);
    if (experiment === undefined || (artifactIdOf(named) ?? named) === experiment.hypothesisId) return undefined;
    return {
      message: `the run is linked to ${named}, but its experiment ${link.experiment_id} names ${experiment.hypothesisId ?? "no hypothesis"}`,
      detail: { experiment_id: link.experiment_id, hypothesis_id: named },
    };
  },
};
