import { isJsonObject, type JsonValue } from "../model/json.ts";

/** Texts longer than this are no summary. */
const MAX_TEXT = 200;
/** A program that invents a name per step must not grow the document without end. */
const MAX_METRICS = 1000;

/** The last value of each metric, and how many lines could not be read. */
export interface MetricSummary {
  readonly metrics: Readonly<Record<string, JsonValue>>;
  readonly brokenLines: number;
}

/** Folds the lines of a metrics file, JSON objects such as `{"step": 3, "loss": 0.5}`, into their last values. */
export function summarizeMetrics(lines: Iterable<string>): MetricSummary {
  const last = new Map<string, JsonValue>();
  let brokenLines = 0;
  for (const line of lines) {
    if (line.trim() === "") continue;
    const record = parseRecord(line);
    if (record === undefined) brokenLines += 1;
    else {
      for (const [key, value] of Object.entries(record)) {
        if (isSummaryValue(value) && (last.has(key) || last.size < MAX_METRICS)) last.set(key, value);
      }
    }
  }
  return { metrics: Object.fromEntries(last), brokenLines };
}

function parseRecord(line: string): { readonly [key: string]: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    // A program that was killed leaves half a line, and Python writes NaN: both are counted, neither stops the rest.
    return undefined;
  }
}

function isSummaryValue(value: unknown): value is number | boolean | string {
  if (typeof value === "number") return Number.isFinite(value);
  return typeof value === "boolean" || (typeof value === "string" && value.length <= MAX_TEXT);
}
