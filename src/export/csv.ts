import { toCsvField } from "../model/csv-field.ts";
import { compareCodePoints, type Exact, ExactNumber } from "../model/exact-json.ts";
import { flattenParameters } from "../run/parameters.ts";
import { type ExportedRun, toCellText } from "./exported-run.ts";

/** The columns that every export has, in this order. */
const FACTS: readonly (readonly [string, (run: ExportedRun) => Exact | undefined])[] = [
  ["id", (run) => run.jobId],
  ["status", (run) => run.status],
  ["reason", (run) => run.reason?.code],
  ["experiment", (run) => run.experimentId],
  ["hypothesis", (run) => run.hypothesisId],
  ["sub_hypothesis", (run) => run.subHypothesisId],
  ["machine", (run) => run.machine],
  ["created_at", (run) => run.createdAt],
  ["started_at", (run) => run.startedAt],
  ["ended_at", (run) => run.endedAt],
  ["wallclock_s", (run) => toNumber(run.wallclockS)],
  ["exit_code", (run) => toNumber(run.exitCode)],
];

/**
 * Runs as comma-separated values (RFC 4180: UTF-8, CRLF, quotes where they are needed, a header line).
 *
 * The columns are {@link FACTS}, then `sp.KEY` for every parameter and `metric.NAME` for every metric that any run has,
 * each group in the order of code points. So all runs have to pass {@link add} before the first {@link line}.
 */
export class CsvTable {
  readonly #parameters = new Set<string>();
  readonly #metrics = new Set<string>();
  #columns: { readonly parameters: readonly string[]; readonly metrics: readonly string[] } | undefined;

  /** Learns the keys of a run. */
  add({ statePoint, metrics }: Pick<ExportedRun, "statePoint" | "metrics">): void {
    for (const key of flattenParameters(statePoint).keys()) this.#parameters.add(key);
    for (const name of metrics.keys()) this.#metrics.add(name);
  }

  header(): string {
    const { parameters, metrics } = this.#sorted();
    const names = [
      ...FACTS.map(([name]) => name),
      ...parameters.map((key) => `sp.${key}`),
      ...metrics.map((name) => `metric.${name}`),
    ];
    return `${names.map(toField).join(",")}\r\n`;
  }

  line(run: ExportedRun): string {
    const { parameters, metrics } = this.#sorted();
    const flat = flattenParameters(run.statePoint);
    const cells = [
      ...FACTS.map(([, valueOf]) => valueOf(run)),
      ...parameters.map((key) => flat.get(key)),
      ...metrics.map((name) => run.metrics.get(name)),
    ];
    return `${cells.map((value) => (value === undefined ? "" : toField(value))).join(",")}\r\n`;
  }

  #sorted() {
    return (this.#columns ??= {
      parameters: [...this.#parameters].toSorted(compareCodePoints),
      metrics: [...this.#metrics].toSorted(compareCodePoints),
    });
  }
}

function toNumber(value: number | undefined): ExactNumber | undefined {
  if (value === undefined) return undefined;
  return Number.isSafeInteger(value) ? ExactNumber.int(String(value)) : ExactNumber.float(value);
}

/** Numbers stand as they are; only texts can be mistaken for formulas. */
function toField(value: Exact): string {
  return value instanceof ExactNumber ? value.text : toCsvField(toCellText(value));
}
