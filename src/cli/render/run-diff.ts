import { type Change, isSameRun, type RunDiff } from "../../app/diff-runs.ts";
import type { CodeState } from "../../app/show-run.ts";
import { toSafeLine, toSafeText } from "../../model/terminal-text.ts";
import type { Screen } from "../screen.ts";
import { paint, type Style } from "./paint.ts";
import { type Column, renderTable } from "./table.ts";
import { renderDelta, renderMetric } from "./value.ts";

/** Longer diffs are for `git diff`. */
const MOST_DIFF_LINES = 400;

/** Only what differs, a section for each facet. */
export function renderRunDiff(diff: RunDiff, screen: Screen): string {
  const names = `${diff.before.jobId.slice(0, 8)} → ${diff.after.jobId.slice(0, 8)}`;
  if (isSameRun(diff)) return `${names}: no recorded difference.`;
  const facets: readonly (readonly [string, string])[] = [
    ["Parameters", renderChanges(diff.parameters, screen)],
    ["Code", renderCode(diff, screen)],
    ["Environment", renderChanges(diff.environment, screen)],
    ["Outcome", renderChanges(diff.outcome, screen)],
    ["Metrics", renderChanges(diff.metrics.map(inFewDigits), screen)],
    ["Outputs", renderChanges(diff.outputs, screen)],
  ];
  const sections = facets.flatMap(([title, text]) =>
    text === "" ? [] : [`${paint("bold", title, screen.color)}\n${text.replaceAll(/^(?=.)/gm, "  ")}`],
  );
  return [names, ...sections].join("\n\n");
}

function renderChanges(changes: readonly Change[], screen: Screen): string {
  if (changes.length === 0) return "";
  const columns: Column<Change>[] = [
    { name: "key", header: "", value: ({ key }) => key },
    { name: "before", value: ({ before }) => before ?? "—", style: () => "red" },
    { name: "after", value: ({ after }) => after ?? "—", style: () => "green" },
  ];
  if (changes.some((change) => deltaOf(change) !== "")) {
    columns.push({ name: "change", value: deltaOf, align: "right" });
  }
  return renderTable(columns, changes, { width: screen.width - 2, color: screen.color });
}

/** Metrics carry more digits than one reads; `--json` has them all. */
function inFewDigits({ key, before, after }: Change): Change {
  const [from, to] = [before, after].map((text) => {
    const value = text === undefined || text.trim() === "" ? Number.NaN : Number(text);
    return Number.isFinite(value) ? renderMetric(value) : text;
  });
  return { key, before: from, after: to };
}

function deltaOf({ before, after }: Change): string {
  const [from, to] = [before, after].map((text) =>
    text === undefined || text.trim() === "" ? Number.NaN : Number(text),
  );
  if (from === undefined || to === undefined || !Number.isFinite(from) || !Number.isFinite(to)) return "";
  return renderDelta(to - from);
}

function renderCode({ code }: RunDiff, screen: Screen): string {
  if (code.isSame) return "";
  const parts = [`${describe(code.before)} → ${describe(code.after)}`];
  const isOtherCommit = code.before.commit !== code.after.commit;
  if (isOtherCommit && code.patch === undefined)
    parts.push("This clone does not have both commits; `git fetch` may help.");
  for (const [title, patch] of [
    ["Between the commits", code.patch],
    ["Uncommitted before", code.beforePatch],
    ["Uncommitted after", code.afterPatch],
  ] as const) {
    if (patch !== undefined && patch.trim() !== "") parts.push(`${title}:\n${renderPatch(patch, screen.color)}`);
  }
  return parts.join("\n\n");
}

function describe({ commit, isDirty }: CodeState): string {
  return `${commit === undefined ? "no commit" : toSafeLine(commit.slice(0, 10))}${isDirty === true ? " with uncommitted changes" : ""}`;
}

/** A unified diff in git's colours. */
function renderPatch(patch: string, color: boolean): string {
  const lines = toSafeText(patch).trimEnd().split("\n");
  const shown = lines.slice(0, MOST_DIFF_LINES).map((line) => paint(patchStyle(line), line, color));
  const rest = lines.length - MOST_DIFF_LINES;
  return [...shown, ...(rest > 0 ? [`… ${rest} more lines; \`git diff\` shows them.`] : [])].join("\n");
}

function patchStyle(line: string): Style | undefined {
  if (/^(?:diff |index |--- |\+\+\+ |new file|deleted file|rename )/.test(line)) return "bold";
  if (line.startsWith("@@")) return "cyan";
  if (line.startsWith("+")) return "green";
  return line.startsWith("-") ? "red" : undefined;
}

/** The difference as `--json` prints it. */
export function toDiffJson(diff: RunDiff): Record<string, unknown> {
  const { code } = diff;
  return {
    before: diff.before.jobId,
    after: diff.after.jobId,
    parameters: diff.parameters,
    code: {
      same: code.isSame,
      before: toCodeJson(code.before),
      after: toCodeJson(code.after),
      patch: code.patch,
      before_patch: code.beforePatch,
      after_patch: code.afterPatch,
    },
    environment: diff.environment,
    outcome: diff.outcome,
    metrics: diff.metrics,
    outputs: diff.outputs,
  };
}

function toCodeJson({ commit, isDirty, changedFiles }: CodeState): Record<string, unknown> {
  return { commit, dirty: isDirty, changed_files: changedFiles };
}
