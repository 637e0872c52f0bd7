import type { RunDetails } from "../../app/show-run.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { chosenParameters } from "../../run/parameters.ts";
import type { Screen } from "../screen.ts";
import { paint } from "./paint.ts";
import { inputLines, outputsOf } from "./run-data.ts";
import { toRunJson } from "./run-json.ts";
import { renderStatus, statusStyle } from "./status.ts";
import { cutText, padText, textWidth } from "./text-width.ts";
import { type Column, renderTable } from "./table.ts";
import { renderDuration, renderInstant } from "./time.ts";
import { renderMetric, renderValue } from "./value.ts";
import { renderWaiting, toWaitingJson } from "./waiting.ts";

/** Everything about one run, a section for each kind of fact; sections without facts are left out. */
export function renderRunDetails(details: RunDetails, screen: Screen): string {
  const sections: readonly (readonly [string, readonly string[]])[] = [
    ["", headLines(details, screen)],
    ["Parameters", parameterLines(details)],
    ["Metrics", metricLines(details, screen)],
    ["Code", codeLines(details)],
    ["Inputs", inputLines(details)],
    ["Outputs", outputsOf(details).map(({ name, digest, bytes }) => `${name}  ${digest}  ${bytes} bytes`)],
    ["Last error", errorLines(details)],
    [`End of ${details.log?.stream ?? "the log"}`, details.log?.lines ?? []],
    ["Next", details.next.map(({ command, purpose }) => `${command}  (${purpose})`)],
  ];
  return sections
    .filter(([, lines]) => lines.length > 0)
    .map(([title, lines]) => {
      // Every line is either ours, already painted, or was made safe where it was built; log lines are made safe here.
      if (title === "") return lines.join("\n");
      const isSafe = title === "Metrics";
      const shown = lines.map((line) => `  ${isSafe ? line : cutText(toSafeLine(line), screen.width - 2)}`);
      return [paint("bold", title, screen.color), ...shown].join("\n");
    })
    .join("\n\n");
}

function headLines(details: RunDetails, screen: Screen): readonly string[] {
  const { row } = details;
  const time = (instant: string | undefined) => renderInstant(instant, screen);
  const status = paint(statusStyle(row, screen.nowMs), toSafeLine(renderStatus(row, screen.nowMs)), screen.color);
  const cause = causeOf(details);
  const place = row.isLocal ? details.folder : `only in the ledger; its files are on ${row.machine}`;
  const facts: readonly (readonly [string, string | undefined])[] = [
    ["waits for", details.waiting === undefined ? undefined : renderWaiting(details.waiting, screen)],
    ["last seen", time(row.heartbeatAt)],
    ["experiment", row.experimentId],
    ["hypothesis", row.subHypothesisId ?? row.hypothesisId],
    ["machine", row.machine],
    ["created", time(row.createdAt)],
    ["started", time(row.startedAt)],
    ["ended", time(row.endedAt)],
    ["duration", renderDuration(row.wallclockS)],
    ["cache", details.facts.stage?.uncached === undefined ? undefined : `none: ${details.facts.stage.uncached}`],
    ["attempts", details.attemptCount > 1 ? String(details.attemptCount) : undefined],
    ["tracker", details.facts.tracker?.url ?? details.entry?.tracker?.url ?? undefined],
    ["ledger", row.isInLedger ? "promoted" : "not in the ledger"],
    ["cited by", details.citedBy.join(", ")],
    ["where", place],
  ];
  return [
    `${paint("bold", "run", screen.color)} ${paint("yellow", row.jobId, screen.color)}`,
    `${status}${cause === "" ? "" : `${cause.startsWith("after ") ? " " : ": "}${toSafeLine(cause)}`}`,
    ...facts.flatMap(([name, value]) =>
      value === undefined || value === "" ? [] : [`  ${padText(name, 10)}  ${toSafeLine(value)}`],
    ),
  ];
}

const REASON_WORDS: Readonly<Record<string, string>> = {
  exit_nonzero: "the program reported failure",
  signal: "killed by a signal",
  timeout: "took longer than its timeout",
  oom: "out of memory",
  spawn_error: "the program could not be started",
  operator_stop: "stopped by its operator",
  removed: "removed from the queue",
  needs_failed: "a run that it needs failed",
  lost: "lost with its machine or process",
  scheduler_unknown: "the scheduler knows nothing of it",
  disk_full: "the disk was full",
  cache_hit: "taken from the cache",
  interrupted: "interrupted",
  input_missing: "one of its inputs is missing",
  input_changed: "one of its inputs changed meanwhile",
  output_missing: "a declared output is missing",
  output_invalid: "an output cannot be recorded",
};

/** "exit 137, killed by SIGKILL, on gpu03, after 2 h 11 m". */
function causeOf({ row, facts, host }: RunDetails): string {
  const { reason } = row;
  const signal = facts.signal ?? undefined;
  const isOnlySignal = reason?.code === "signal" && reason.message === undefined && signal !== undefined;
  const words =
    reason === undefined || isOnlySignal ? undefined : (reason.message ?? REASON_WORDS[reason.code] ?? reason.code);
  const says = (part: string) => words?.includes(part) === true;
  return [
    row.exitCode === undefined || row.exitCode === 0 || says(`exit ${row.exitCode}`) ? "" : `exit ${row.exitCode}`,
    words ?? "",
    signal === undefined || says(signal) ? "" : `killed by ${signal}`,
    reason?.because === undefined || says(reason.because.slice(0, 8)) ? "" : `because of ${reason.because.slice(0, 8)}`,
    host === undefined || row.status === "complete" ? "" : `on ${host}`,
    row.wallclockS === undefined ? "" : `after ${renderDuration(row.wallclockS)}`,
  ]
    .filter((part) => part !== "")
    .join(", ");
}

function parameterLines({ row }: RunDetails): readonly string[] {
  const parameters = [...chosenParameters(row.statePoint)];
  const width = parameters.reduce((widest, [key]) => Math.max(widest, textWidth(toSafeLine(key))), 0);
  return parameters.map(([key, value]) => `${padText(toSafeLine(key), width)}  ${renderValue(value)}`);
}

interface MetricLine {
  readonly name: string;
  readonly last: string;
  readonly min: string;
  readonly max: string;
}

function metricLines({ row, series }: RunDetails, screen: Screen): readonly string[] {
  const names = new Set([...Object.keys(row.metrics), ...series.keys()]);
  if (names.size === 0) return [];
  const rows = [...names].map((name): MetricLine => {
    const over = series.get(name);
    return {
      name,
      last: renderMetric(row.metrics[name] ?? over?.last?.value),
      min: valueAtStep(over?.min),
      max: valueAtStep(over?.max),
    };
  });
  const columns: Column<MetricLine>[] = [
    { name: "metric", value: ({ name }) => name },
    { name: "last", value: ({ last }) => last, align: "right" },
  ];
  if (series.size > 0) {
    columns.push({ name: "min", header: "min at step", value: ({ min }) => min, align: "right" });
    columns.push({ name: "max", header: "max at step", value: ({ max }) => max, align: "right" });
  }
  return renderTable(columns, rows, { width: screen.width - 2, color: screen.color }).split("\n");
}

function valueAtStep(point: { readonly x: number; readonly value: number } | undefined): string {
  return point === undefined ? "" : `${renderMetric(point.value)} at ${renderMetric(point.x)}`;
}

function codeLines({ code, entry }: RunDetails): readonly string[] {
  const commit = code.commit ?? entry?.code_commit;
  const isDirty = code.isDirty ?? entry?.code_dirty;
  if (commit === undefined && isDirty === undefined) return [];
  const state = isDirty === true ? ", with uncommitted changes" : "";
  return [
    `commit ${commit === undefined || commit === "" ? "none" : commit}${state}`,
    ...code.changedFiles.map((file) => `changed  ${file}`),
    ...(code.tree === undefined ? [] : [`tree ${code.tree}`]),
  ];
}

function errorLines({ facts }: RunDetails): readonly string[] {
  const error = facts.queue?.last_error;
  if (error === undefined) return [];
  const exit = error.returncode == null ? undefined : `exit ${error.returncode}`;
  const head = [error.cause, exit === error.cause ? undefined : exit, error.failed_at];
  const tail = error.stderr_tail?.trimEnd().split(/\r?\n/).slice(-10) ?? [];
  return [head.filter((part) => part !== undefined).join(", "), ...tail].filter((line) => line.trim() !== "");
}

/** The details as `--json` prints them. */
export function toDetailsJson(details: RunDetails): Record<string, unknown> {
  const { code, facts, series } = details;
  const outputs = outputsOf(details);
  return {
    ...toRunJson(details.row),
    cause: causeOf(details),
    host: details.host,
    attempts: facts.attempts,
    tracker: facts.tracker ?? details.entry?.tracker,
    code: {
      commit: code.commit ?? details.entry?.code_commit,
      dirty: code.isDirty ?? details.entry?.code_dirty,
      changed_files: code.changedFiles,
      tree: code.tree,
    },
    inputs: facts.stage?.inputs,
    cited_by: details.citedBy,
    waits_for: toWaitingJson(details.waiting),
    outputs: outputs.length === 0 ? undefined : outputs,
    other_attempts: details.entry?.other_attempts,
    last_error: facts.queue?.last_error,
    metrics: Object.fromEntries(
      [...series].map(([name, { first, last, min, max, mean, count }]) => [
        name,
        { first, last, min, max, mean, count },
      ]),
    ),
    log: details.log,
    folder: details.folder,
    next: details.next,
  };
}
