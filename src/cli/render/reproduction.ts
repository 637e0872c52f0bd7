import { relative } from "node:path";

import type { ComparedMetric, ComparedOutput, Likeness, MetricValue } from "../../code/comparison.ts";
import { toToleranceText } from "../../code/tolerance.ts";
import type { RecordedCode } from "../../code/reproduction-place.ts";
import type { Reproduction } from "../../app/reproduce-run.ts";
import type { ResultComparison } from "../../app/compare-reproduction.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { quoteCommand } from "../../queue/shell-quote.ts";
import type { Screen } from "../screen.ts";
import { shortDigest } from "./digest.ts";
import { paint } from "./paint.ts";
import { plural } from "./plural.ts";
import { cutText, padText } from "./text-width.ts";
import { type Column, renderTable } from "./table.ts";
import { renderDuration } from "./time.ts";

const VERDICTS: Readonly<Record<Likeness, { readonly words: string; readonly style: "green" | "red" }>> = {
  same: { words: "gives the same result again", style: "green" },
  close: { words: "gives a result within the tolerances", style: "green" },
  different: { words: "gives another result", style: "red" },
};

/** The verdict, what was executed, and a table of what is not the same. */
export function renderReproduction(done: Reproduction, screen: Screen, root: string): string {
  const { row, comparison } = done;
  const id = paint("yellow", row.jobId.slice(0, 8), screen.color);
  const sections = [
    comparison === undefined
      ? `${paint(["bold", "yellow"], "interrupted", screen.color)}: nothing was compared`
      : `${paint(["bold", VERDICTS[comparison.likeness].style], comparison.likeness, screen.color)}: run ${id} ${VERDICTS[comparison.likeness].words}`,
    renderFacts(done, screen, root),
    ...(comparison === undefined ? [] : renderComparison(comparison, screen)),
  ];
  return sections.filter((section) => section !== "").join("\n\n");
}

function renderFacts(done: Reproduction, screen: Screen, root: string): string {
  const { row, code, argv, wallclockS, notes, folder } = done;
  const was = row.wallclockS === undefined ? "" : ` (${renderDuration(row.wallclockS)} then)`;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["code", describeCode(code)],
    ["command", quoteCommand(argv)],
    ["duration", `${renderDuration(wallclockS)}${was}`],
    ...notes.map((note) => ["note", note] as const),
    ["kept in", folder === undefined ? undefined : relative(root, folder)],
  ];
  return facts
    .flatMap(([name, value]) => (value === undefined ? [] : [`${padText(name, 8)}  ${toSafeLine(value)}`]))
    .map((line) => `  ${cutText(line, screen.width - 2)}`)
    .join("\n");
}

/** What was checked out, in a few words. */
export function describeCode(code: RecordedCode): string {
  if (code.kind === "tree") return `tree ${code.tree.slice(0, 10)}`;
  return `commit ${code.commit.slice(0, 10)}${code.patchFile === undefined ? "" : " with the changes of then"}`;
}

interface Line {
  readonly what: string;
  readonly recorded: string;
  readonly reproduced: string;
  readonly likeness: Likeness;
  readonly tolerance: string;
}

function renderComparison(comparison: ResultComparison, screen: Screen): readonly string[] {
  const { end, metrics, outputs, notCompared } = comparison;
  const lines: readonly Line[] = [
    { what: "end", ...end, tolerance: "" },
    ...metrics.map(toMetricLine),
    ...outputs.map(toOutputLine),
  ];
  const columns: Column<Line>[] = [
    { name: "what", header: "", value: ({ what }) => what },
    { name: "recorded", value: ({ recorded }) => recorded },
    { name: "reproduced", value: ({ reproduced }) => reproduced },
    {
      name: "result",
      header: "",
      value: ({ likeness }) => likeness,
      style: ({ likeness }) => VERDICTS[likeness].style,
    },
    { name: "tolerance", header: "", value: ({ tolerance }) => tolerance },
  ];
  const unlike = lines.filter(({ likeness }) => likeness !== "same");
  const table = unlike.length === 0 ? "" : renderTable(columns, unlike, { width: screen.width, color: screen.color });
  const only = metrics.length + outputs.length === 0;
  return [
    table,
    summarize(comparison, unlike.length),
    only ? "Only the exit code was compared: the run recorded no metrics and no outputs." : "",
    notCompared.length === 0 ? "" : ["Not compared:", ...notCompared.map((line) => `  ${toSafeLine(line)}`)].join("\n"),
  ];
}

function countSame(all: readonly { readonly likeness: Likeness }[], word: string): readonly string[] {
  const same = all.filter(({ likeness }) => likeness === "same").length;
  return same === 0 ? [] : [plural(same, word)];
}

/** "The same: the end (exit 0), 3 metrics and 1 output are the same." */
function summarize({ end, metrics, outputs }: ResultComparison, unlike: number): string {
  const parts = [
    ...(end.likeness === "same" ? [`the end (${end.recorded})`] : []),
    ...countSame(metrics, "metric"),
    ...countSame(outputs, "output"),
  ];
  const last = parts.at(-1);
  if (last === undefined) return "";
  const list = parts.length === 1 ? last : `${parts.slice(0, -1).join(", ")} and ${last}`;
  return `${unlike === 0 ? "Same" : "The same"}: ${list}.`;
}

function toMetricLine({ name, recorded, reproduced, likeness, tolerance }: ComparedMetric): Line {
  const words = tolerance === undefined || likeness === "same" ? "" : `tolerance ${toToleranceText(tolerance)}`;
  return { what: name, recorded: valueText(recorded), reproduced: valueText(reproduced), likeness, tolerance: words };
}

/** With all digits: the last ones are what differs. */
function valueText(value: MetricValue | undefined): string {
  return value === undefined ? "—" : String(value);
}

function toOutputLine({ name, recorded, reproduced, likeness }: ComparedOutput): Line {
  return {
    what: `output ${name}`,
    recorded: shortDigest(recorded),
    reproduced: reproduced === undefined ? "not written" : shortDigest(reproduced),
    likeness,
    tolerance: "",
  };
}

/** The reproduction as `--json` prints it. */
export function toReproductionJson(done: Reproduction, root: string): Record<string, unknown> {
  const { row, code, argv, wallclockS, notes, folder, comparison } = done;
  return {
    job_id: row.jobId,
    verdict: comparison?.likeness ?? "interrupted",
    code: toCodeJson(code),
    command: argv,
    wallclock_s: { recorded: row.wallclockS ?? null, reproduced: wallclockS },
    ...(comparison === undefined ? {} : toComparisonJson(comparison)),
    notes,
    folder: folder === undefined ? null : relative(root, folder),
  };
}

function toCodeJson(code: RecordedCode): Record<string, unknown> {
  if (code.kind === "tree") return { tree: code.tree, commit: code.commit ?? null, patched: false };
  return { commit: code.commit, patched: code.patchFile !== undefined };
}

function toComparisonJson({ end, metrics, outputs, notCompared }: ResultComparison): Record<string, unknown> {
  return {
    end: { recorded: end.recorded, reproduced: end.reproduced, result: end.likeness },
    metrics: metrics.map(({ name, recorded, reproduced, tolerance, likeness }) => ({
      name,
      recorded: recorded ?? null,
      reproduced: reproduced ?? null,
      ...(tolerance === undefined ? {} : { tolerance: toToleranceText(tolerance) }),
      result: likeness,
    })),
    outputs: outputs.map(({ name, recorded, reproduced, likeness }) => ({
      name,
      recorded,
      reproduced: reproduced ?? null,
      result: likeness,
    })),
    not_compared: notCompared,
  };
}
