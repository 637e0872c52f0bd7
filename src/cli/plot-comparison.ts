import { type Comparison, groupCurve } from "../app/compare-runs.ts";
import type { Repo } from "../app/repo.ts";
import { toSafeLine } from "../model/terminal-text.ts";
import { groupName } from "./render/comparison.ts";
import { renderPlot } from "./render/plot.ts";
import { renderCount, renderValue } from "./render/value.ts";
import type { Screen } from "./screen.ts";

/** A pipe has no width of its own. */
const PLAIN_WIDTH = 80;

/** A plot for each metric that was recorded over time; a sentence where there is none. */
export function plotComparison(
  repo: Repo,
  comparison: Comparison,
  options: { readonly screen: Screen; readonly idLength: number; readonly isLog: boolean },
): string {
  const { screen, isLog } = options;
  const plots = comparison.metrics.flatMap((metric) => {
    const series = comparison.groups.flatMap((group) => {
      const curve = groupCurve(repo, group, metric);
      const values = comparison.differing.map((key) => `${key}=${renderValue(group.parameters.get(key))}`);
      const count = group.runs.length > 1 ? ` (n=${renderCount(group.runs.length)})` : "";
      const label = `${values.length === 0 ? groupName(group, options.idLength) : values.join(" ")}${count}`;
      return curve.points.length === 0 ? [] : [{ label: toSafeLine(label), ...curve }];
    });
    const width = Number.isFinite(screen.width) ? screen.width : PLAIN_WIDTH;
    return series.length === 0
      ? []
      : [renderPlot(series, { title: metric, width, color: screen.color, isUnicode: screen.isUnicode, isLog })];
  });
  const nothing = "No curves on this machine: runs record them in the file that AEXP_METRICS_FILE names.";
  return `\n${plots.length === 0 ? nothing : plots.join("\n\n")}`;
}
