import * as Flags from "@oclif/core/flags";

import { compareRuns, numericMetrics } from "../../app/compare-runs.ts";
import { listRuns, rowOf } from "../../app/list-runs.ts";
import { readSeries } from "../../app/read-series.ts";
import type { Repo } from "../../app/repo.ts";
import { allIds } from "../../app/run-ids.ts";
import { resolveJobId } from "../../app/resolve-run.ts";
import type { RunRow } from "../../app/run-row.ts";
import { BaseCommand } from "../../cli/base-command.ts";
import { checkKnown } from "../../cli/list-flags.ts";
import { plotComparison } from "../../cli/plot-comparison.ts";
import { renderComparison, toComparisonJson } from "../../cli/render/comparison.ts";
import { shortIdLength } from "../../cli/render/run-list.ts";
import { RUN_FILTER_FLAGS, type RunFilterValues, toRunQuery } from "../../cli/run-filter-flags.ts";
import { screenOf } from "../../cli/screen.ts";
import { AexpError } from "../../model/errors.ts";

export default class RunsCompare extends BaseCommand {
  static override summary = "Compare runs: what differs in their parameters, and what came out.";
  static override description =
    "Up to four runs are columns, more are lines. Runs that differ only in their seed are folded to mean ± standard deviation.";
  static override examples = [
    "<%= config.bin %> runs compare 4f2a 81bc --baseline 4f2a",
    "<%= config.bin %> runs compare --experiment E001 --metric loss --plot",
    "<%= config.bin %> runs compare --experiment E001 --status complete --all",
  ];
  static override aliases = ["compare"];
  static override strict = false;
  static override usage = "runs compare RUN... | --experiment E001 [--metric NAME] [--plot]";
  static override flags = {
    ...RUN_FILTER_FLAGS,
    metric: Flags.string({ summary: "Only this metric; repeat for several.", multiple: true, multipleNonGreedy: true }),
    baseline: Flags.string({ summary: "Show how far the metrics are from those of this run.", helpValue: "RUN" }),
    "only-changed": Flags.boolean({
      summary: "Leave out parameters that are the same everywhere (the default).",
      exclusive: ["all"],
    }),
    all: Flags.boolean({ summary: "Also show parameters that are the same everywhere." }),
    plot: Flags.boolean({ summary: "Draw the metrics over their steps, from the curves that are on this machine." }),
    log: Flags.boolean({ summary: "Logarithmic scale for --plot.", dependsOn: ["plot"] }),
  };

  override async run(): Promise<Record<string, unknown>> {
    const { argv, flags } = await this.parse(RunsCompare);
    const repo = this.openRepo(flags);
    const screen = screenOf(this.io, this.color, repo.clock.nowMs());
    const rows = await this.#rowsOf(repo, argv.map(String), flags);
    const metrics = checkMetrics(flags.metric, rows, repo);
    const baseline = flags.baseline === undefined ? undefined : resolveJobId(repo, flags.baseline);
    const comparison = compareRuns(repo, rows, { metrics, baseline, keepsOrder: argv.length > 0 });
    const idLength = shortIdLength(allIds(repo));
    this.log(renderComparison(comparison, { screen, showsEqual: flags.all, idLength }));
    if (flags.plot) this.log(plotComparison(repo, comparison, { screen, idLength, isLog: flags.log }));
    return toComparisonJson(comparison);
  }

  async #rowsOf(repo: Repo, ids: readonly string[], flags: RunFilterValues): Promise<readonly RunRow[]> {
    if (ids.length > 0) return [...new Set(ids.map((id) => resolveJobId(repo, id)))].map((id) => rowOf(repo, id).row);
    const query = await toRunQuery(flags, repo.clock.nowMs());
    if (Object.values(query).every((value) => value === undefined || value === false)) {
      throw new AexpError("no run to compare was named", {
        code: "cli.usage",
        hint: "Name runs by id, or all of an experiment with --experiment E001.",
      });
    }
    const rows = [...listRuns(repo, query)];
    if (rows.length > 0) return rows;
    throw new AexpError("no run matches", { code: "run.not_found", hint: "`aexp runs list` shows all runs." });
  }
}

function checkMetrics(
  wanted: readonly string[] | undefined,
  rows: readonly RunRow[],
  repo: Repo,
): readonly string[] | undefined {
  const metrics = wanted?.flatMap((text) => text.split(","));
  if (metrics === undefined) return undefined;
  const recorded = numericMetrics(rows);
  for (const metric of metrics) {
    const isDrawn = rows.some((row) => row.isLocal && readSeries(repo, row.jobId).has(metric));
    if (!isDrawn) checkKnown("metric of these runs", metric, recorded);
  }
  return metrics;
}
