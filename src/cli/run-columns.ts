import type { RunRow } from "../app/run-row.ts";
import { ExactNumber } from "../model/exact-json.ts";
import { AexpError } from "../model/errors.ts";
import { isJsonObject } from "../model/json.ts";
import { didYouMean } from "../model/nearest.ts";
import type { MetricSeries } from "../run/metric-series.ts";
import { flattenParameters, parameterAt } from "../run/parameters.ts";
import { renderStatus, statusStyle } from "./render/status.ts";
import type { Column } from "./render/table.ts";
import { renderDuration, renderInstant } from "./render/time.ts";
import { renderMetric, renderValue } from "./render/value.ts";

/** Facts of a run that have a column of their own. */
const FIELDS = [
  "id",
  "experiment",
  "hypothesis",
  "status",
  "reason",
  "created",
  "started",
  "ended",
  "duration",
  "machine",
  "place",
] as const;
type Field = (typeof FIELDS)[number];

const FOLDS = ["min", "max", "first", "last", "mean"] as const;
type Fold = (typeof FOLDS)[number];

/** What one column shows, as written by the user. */
export type ColumnSpec = { readonly name: string } & (
  | { readonly kind: "field"; readonly field: Field }
  | { readonly kind: "parameter" | "document"; readonly key: string }
  | { readonly kind: "metric"; readonly metric: string; readonly fold: Fold; readonly isStep: boolean }
);

/** What columns are drawn with. */
export interface ColumnContext {
  /** For CSV and sorting: full ids, instants, seconds and digits. */
  readonly isExact: boolean;
  readonly idLength: number;
  readonly nowMs: number;
  readonly isTTY: boolean;
  /** What a queued run waits for, in a few words; empty when it is only its turn. */
  waitsOf(row: RunRow): string;
  seriesOf(row: RunRow): ReadonlyMap<string, MetricSeries>;
  documentOf(row: RunRow): unknown;
}

/** A column that can also be sorted by. */
export interface RunColumn extends Column<RunRow> {
  sortKey(row: RunRow): number | string | undefined;
}

/** Reads a list of columns: fields, `sp.key`, `doc.key`, `[min|max|first|last|mean] metric [step] [as NAME]`. */
export function parseColumns(text: string): readonly ColumnSpec[] {
  return text.split(",").map((part) => parseColumn(part.trim()));
}

function parseColumn(text: string): ColumnSpec {
  const [, what = "", name = what] = /^(.*?)(?:\s+as\s+(.+))?$/.exec(text) ?? [];
  const field = FIELDS.find((known) => known === what);
  if (field !== undefined) return { name, kind: "field", field };
  if (/^sp\.\S/.test(what))
    return { name: name === what ? what.slice(3) : name, kind: "parameter", key: what.slice(3) };
  if (/^doc\.\S/.test(what)) return { name, kind: "document", key: what.slice(4) };
  const words = what.split(/\s+/);
  const fold = words.length > 1 ? FOLDS.find((known) => known === words[0]) : undefined;
  const rest = fold === undefined ? words : words.slice(1);
  const isStep = rest.length > 1 && rest.at(-1) === "step";
  const [metric = "", ...tooMany] = isStep ? rest.slice(0, -1) : rest;
  if (metric !== "" && tooMany.length === 0) return { name, kind: "metric", metric, fold: fold ?? "last", isStep };
  throw new AexpError(`${JSON.stringify(text)} is not a column`, {
    code: "cli.usage",
    hint: `A column is one of ${FIELDS.join(", ")}, or sp.KEY, doc.KEY, [min|max|first|last|mean] METRIC [step] [as NAME].`,
  });
}

/** Names that occur in the runs at hand, gathered while they pass. */
export class KnownNames {
  readonly parameters = new Set<string>();
  readonly metrics = new Set<string>();
  #count = 0;

  add(row: RunRow): void {
    this.#count += 1;
    for (const key of flattenParameters(row.statePoint).keys()) this.parameters.add(key);
    for (const key of Object.keys(row.metrics)) this.metrics.add(key);
  }

  /** @throws {AexpError} `cli.usage` for a metric or parameter that no run has */
  check(spec: ColumnSpec, isInSeries: (metric: string) => boolean): void {
    if (this.#count === 0) return;
    if (spec.kind === "metric" && !this.metrics.has(spec.metric) && !isInSeries(spec.metric)) {
      const known = [...FIELDS, ...this.metrics];
      throw unknownName(`no run has the metric ${JSON.stringify(spec.metric)}`, spec.metric, known, [
        ...known,
        ...[...this.parameters].map((key) => `sp.${key}`),
      ]);
    }
    if (
      spec.kind === "parameter" &&
      ![...this.parameters].some((key) => key === spec.key || key.startsWith(`${spec.key}.`))
    ) {
      const known = [...this.parameters];
      throw unknownName(`no run has the parameter ${JSON.stringify(spec.key)}`, spec.key, known, known);
    }
  }
}

function unknownName(problem: string, word: string, candidates: readonly string[], all: readonly string[]): AexpError {
  return new AexpError(`${problem}.${didYouMean(word, candidates)}`, {
    code: "cli.usage",
    hint: `Known: ${all.slice(0, 40).join(", ")}.`,
  });
}

/** The column that a spec describes. */
export function toRunColumn(spec: ColumnSpec, context: ColumnContext): RunColumn {
  switch (spec.kind) {
    case "field":
      return fieldColumn(spec.name, spec.field, context);
    case "parameter":
      return parameterColumn(spec.name, spec.key);
    case "document": {
      const at = (row: RunRow) => valueAt(context.documentOf(row), spec.key);
      return { name: spec.name, value: (row) => plainText(at(row)), sortKey: (row) => orderable(at(row)) };
    }
    case "metric":
      return metricColumn(spec.name, spec, context);
  }
}

function parameterColumn(name: string, key: string): RunColumn {
  return {
    name,
    value: (row) => renderValue(parameterAt(row.statePoint, key)),
    sortKey: (row) => {
      const value = parameterAt(row.statePoint, key);
      return value instanceof ExactNumber ? value.toNumber() : value === undefined ? undefined : renderValue(value);
    },
  };
}

function metricColumn(
  name: string,
  spec: { readonly metric: string; readonly fold: Fold; readonly isStep: boolean },
  context: ColumnContext,
): RunColumn {
  const at = (row: RunRow) => {
    const summary = row.metrics[spec.metric];
    if (spec.fold === "last" && !spec.isStep && summary !== undefined) return summary;
    const series = context.seriesOf(row).get(spec.metric);
    if (spec.fold === "mean") return spec.isStep ? undefined : series?.mean;
    return spec.isStep ? series?.[spec.fold]?.x : series?.[spec.fold]?.value;
  };
  return {
    name,
    align: "right",
    value: (row) => (context.isExact ? String(at(row) ?? "") : renderMetric(at(row))),
    sortKey: (row) => orderable(at(row)),
  };
}

function fieldColumn(name: string, field: Field, context: ColumnContext): RunColumn {
  const time = (pick: (row: RunRow) => string | undefined): RunColumn => ({
    name,
    value: (row) => renderInstant(pick(row), { nowMs: context.nowMs, isTTY: context.isTTY && !context.isExact }),
    sortKey: pick,
  });
  const text = (pick: (row: RunRow) => string | undefined): RunColumn => ({
    name,
    value: (row) => pick(row) ?? "",
    sortKey: pick,
  });
  switch (field) {
    case "id":
      return {
        ...text((row) => (context.isExact ? row.jobId : row.jobId.slice(0, context.idLength))),
        style: () => "yellow",
        isFixed: true,
      };
    case "status":
      return {
        name,
        value: (row) => (context.isExact ? (row.status ?? "") : withWaiting(row, context)),
        style: (row) => statusStyle(row, context.nowMs),
        sortKey: (row) => row.status,
        isFixed: true,
      };
    case "duration":
      return {
        name,
        align: "right",
        value: (row) => (context.isExact ? String(row.wallclockS ?? "") : renderDuration(row.wallclockS)),
        sortKey: (row) => row.wallclockS,
      };
    case "created":
      return time((row) => row.createdAt);
    case "started":
      return time((row) => row.startedAt);
    case "ended":
      return time((row) => row.endedAt);
    case "experiment":
      return text((row) => row.experimentId);
    case "hypothesis":
      return text((row) => row.subHypothesisId ?? row.hypothesisId);
    case "reason":
      return text((row) => row.reason?.message ?? row.reason?.code);
    case "machine":
      return text((row) => row.machine);
    case "place":
      return text((row) => (row.isLocal ? (row.isInLedger ? "local+ledger" : "local") : "ledger"));
  }
}

function withWaiting(row: RunRow, context: ColumnContext): string {
  const waits = row.status === "queued" ? context.waitsOf(row) : "";
  return `${renderStatus(row, context.nowMs)}${waits === "" ? "" : `, waits for ${waits}`}`;
}

function valueAt(value: unknown, key: string): unknown {
  if (!isJsonObject(value)) return undefined;
  if (Object.hasOwn(value, key)) return value[key];
  const dot = key.indexOf(".");
  return dot === -1 ? undefined : valueAt(value[key.slice(0, dot)], key.slice(dot + 1));
}

function plainText(value: unknown): string {
  if (value === undefined) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}

function orderable(value: unknown): number | string | undefined {
  if (typeof value === "number" || typeof value === "string" || value === undefined) return value;
  return JSON.stringify(value);
}

/** Numbers before texts, each in their order; what is missing comes last, whatever the direction. */
export function compareKeys(
  a: number | string | undefined,
  b: number | string | undefined,
  isReversed: boolean,
): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1;
  const order = typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a === "number" ? -1 : 1;
  return isReversed ? -order : order;
}
