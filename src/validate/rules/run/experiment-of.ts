import type { RunLink } from "../../../run/document.ts";
import type { Experiment, Experiments } from "../../experiments.ts";

/** The one readable note that a link names; without it, `run.broken_experiment_link` has told what is wrong. */
export function experimentOf(link: RunLink, experiments: Experiments): Experiment | undefined {
  const [first, ...others] = experiments.byId(link.experiment_id);
  return others.length === 0 && first?.problem === undefined ? first : undefined;
}
