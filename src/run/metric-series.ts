import { isJsonObject } from "../model/json.ts";

/** Keys that say where on the x axis a line of metrics lies, the first that is present. */
const X_KEYS = ["step", "epoch", "t"] as const;

/** Whether a metric only counts along: it is the axis of the others. */
export function isAxis(metric: string): boolean {
  return X_KEYS.some((key) => key === metric);
}
/** More points than a screen has columns many times over; longer series keep every second point. */
const MAX_POINTS = 4096;

/** A value of a metric, and the step at which it was measured. */
export interface MetricPoint {
  readonly x: number;
  readonly value: number;
}

/** One metric over time: exact extremes and mean, and enough points to draw it. */
export class MetricSeries {
  first: MetricPoint | undefined;
  last: MetricPoint | undefined;
  min: MetricPoint | undefined;
  max: MetricPoint | undefined;
  count = 0;
  #sum = 0;
  #stride = 1;
  #points: MetricPoint[] = [];

  push(point: MetricPoint): void {
    this.first ??= point;
    this.last = point;
    if (this.min === undefined || point.value < this.min.value) this.min = point;
    if (this.max === undefined || point.value > this.max.value) this.max = point;
    if (this.count % this.#stride === 0) this.#points.push(point);
    this.count += 1;
    this.#sum += point.value;
    if (this.#points.length <= MAX_POINTS) return;
    this.#points = this.#points.filter((_, index) => index % 2 === 0);
    this.#stride *= 2;
  }

  get mean(): number | undefined {
    return this.count === 0 ? undefined : this.#sum / this.count;
  }

  /** Evenly thinned, the last point always among them. */
  points(): readonly MetricPoint[] {
    const { last } = this;
    return last === undefined || this.#points.at(-1) === last ? this.#points : [...this.#points, last];
  }
}

/**
 * Reads JSON Lines such as `{"step": 3, "loss": 0.5}`. Lines that are no objects, and values that are no finite
 * numbers, are passed over. A line without a step counts its place among the lines.
 */
export function readMetricSeries(lines: Iterable<string>): ReadonlyMap<string, MetricSeries> {
  const all = new Map<string, MetricSeries>();
  visitMetricPoints(lines, (name, point) => {
    const series = all.get(name) ?? new MetricSeries();
    all.set(name, series);
    series.push(point);
  });
  return all;
}

/** Every point that {@link readMetricSeries} counts, in the order of the lines. */
export function visitMetricPoints(lines: Iterable<string>, visit: (name: string, point: MetricPoint) => void): void {
  let index = 0;
  for (const line of lines) {
    const record = parseLine(line);
    if (record === undefined) continue;
    const xKey = X_KEYS.find((key) => typeof record[key] === "number");
    const x = xKey === undefined ? index : Number(record[xKey]);
    index += 1;
    for (const [name, value] of Object.entries(record)) {
      if (name !== xKey && typeof value === "number" && Number.isFinite(value)) visit(name, { x, value });
    }
  }
}

function parseLine(line: string): { readonly [key: string]: unknown } | undefined {
  if (!line.includes("{")) return undefined;
  try {
    const value: unknown = JSON.parse(line);
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined; // torn by a crash, or written by two processes at once
  }
}
