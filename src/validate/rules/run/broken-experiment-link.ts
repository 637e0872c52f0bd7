import { runLinkOf } from "../../../run/document.ts";
import type { RunRule } from "../../context.ts";

/** A repository without a knowledge base has nothing that a link could be checked against, so all are accepted there. */
export const brokenExperimentLink: RunRule = {
  code: "run.broken_experiment_link",
  check({ run }, { experiments }) {
    const id = runLinkOf(run.document.facts)?.experiment_id;
    if (id === undefined || !experiments.isKept) return undefined;
    const notes = experiments.byId(id);
    const [first] = notes;
    if (first === undefined) {
      return {
        message: `the run is linked to ${id}, and there is no note kb/research/experiments/${id}-*.md: write it, or link the run with \`aexp runs link\``,
        detail: { experiment_id: id },
      };
    }
    if (notes.length > 1) {
      return {
        message: `the run is linked to ${id}, and ${notes.length} notes have that id: ${notes.map(({ path }) => path).join(", ")}`,
        detail: { experiment_id: id },
      };
    }
    if (first.problem === undefined) return undefined;
    return {
      message: `the run is linked to ${id}, whose note ${first.path} cannot be read: ${first.problem}`,
      detail: { experiment_id: id },
    };
  },
};
