import { compareCodePoints, ExactNumber } from "../model/exact-json.ts";
import { type MetricPoint, visitMetricPoints } from "../run/metric-series.ts";
import type { ExportedRun } from "./exported-run.ts";
import { type MlflowChange, metricLine, startMs } from "./mlflow-run.ts";
import type { MlflowNames } from "./mlflow-names.ts";
import { parseInstant } from "../model/clock.ts";

/** What the first look at a curve tells. */
interface Curve {
  count: number;
  /** mlflow's steps are whole numbers; points of any other axis are counted. */
  isWhole: boolean;
  /** The point that mlflow takes for the last one: of the highest step, the highest value. */
  top: MetricPoint;
  last: MetricPoint;
}

/** Points are gathered up to this many characters, of all metrics together. */
const CHUNK_LENGTH = 256 * 1024;

/** The metrics of a run over time. The file that holds them is read twice, so that it may have any length. */
export class CurveWriter {
  readonly #lines: () => Iterable<string>;
  readonly #curves = new Map<string, Curve>();

  constructor(lines: () => Iterable<string>) {
    this.#lines = lines;
    visitMetricPoints(lines(), (name, point) => this.#look(name, point));
  }

  get names(): ReadonlySet<string> {
    return new Set(this.#curves.keys());
  }

  /**
   * Writes every point, through `append`, which is called with the name in mlflow. A run whose last value in aexp is not
   * what mlflow would take for the last one gets a point more, with that value, at the end.
   *
   * @returns names that had to be changed
   */
  write(run: ExportedRun, names: MlflowNames, append: (name: string, text: string) => void): readonly MlflowChange[] {
    if (this.#curves.size === 0) return [];
    const renamed = new Map(
      [...this.#curves.keys()].toSorted(compareCodePoints).map((name) => [name, names.take(name)]),
    );
    const atMs = startMs(run);
    const written = new Map<string, number>();
    const texts = new Map<string, string>();
    let length = 0;
    const flush = (): void => {
      for (const [name, text] of texts) append(renamed.get(name) ?? name, text);
      texts.clear();
      length = 0;
    };
    visitMetricPoints(this.#lines(), (name, { x, value }) => {
      const curve = this.#curves.get(name);
      const index = written.get(name) ?? 0;
      // A program may have written more since the first look.
      if (curve === undefined || index >= curve.count) return;
      written.set(name, index + 1);
      const line = metricLine(atMs, String(value), curve.isWhole ? x : index);
      texts.set(name, (texts.get(name) ?? "") + line);
      length += line.length;
      if (length >= CHUNK_LENGTH) flush();
    });
    for (const [name, curve] of this.#curves) {
      const line = closingLine(run, curve, run.metrics.get(name), atMs);
      if (line !== undefined) texts.set(name, (texts.get(name) ?? "") + line);
    }
    flush();
    return [...renamed].flatMap(([from, to]) =>
      from === to ? [] : [{ kind: "renamed", what: "metric", from, to } as const],
    );
  }

  #look(name: string, point: MetricPoint): void {
    const curve = this.#curves.get(name);
    if (curve === undefined) {
      this.#curves.set(name, { count: 1, isWhole: Number.isSafeInteger(point.x), top: point, last: point });
      return;
    }
    curve.count += 1;
    curve.isWhole &&= Number.isSafeInteger(point.x);
    curve.last = point;
    const { top } = curve;
    if (point.x > top.x || (point.x === top.x && point.value > top.value)) curve.top = point;
  }
}

function closingLine(
  run: ExportedRun,
  curve: Curve,
  summary: ExportedRun["metrics"] extends ReadonlyMap<string, infer Value> ? Value | undefined : never,
  atMs: number,
): string | undefined {
  const shown = (curve.isWhole ? curve.top : curve.last).value;
  const wanted = summary instanceof ExactNumber ? summary : undefined;
  if (wanted === undefined || wanted.toNumber() === shown) return undefined;
  const endMs = run.endedAt === undefined ? undefined : parseInstant(run.endedAt);
  const step = curve.isWhole ? curve.top.x : curve.count - 1;
  return metricLine(Math.max(endMs ?? 0, atMs + 1), wanted.text, step);
}
