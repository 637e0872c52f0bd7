import { toSafeLine } from "../../model/terminal-text.ts";
import { paint, type Style } from "./paint.ts";
import { padText } from "./text-width.ts";
import { renderMetric } from "./value.ts";

/** One curve with the band around it. */
export interface PlotSeries {
  readonly label: string;
  readonly points: readonly { readonly x: number; readonly value: number }[];
  readonly band: readonly { readonly x: number; readonly low: number; readonly high: number }[];
}

/** How a plot is drawn; the width is in cells of the terminal. */
export interface PlotOptions {
  readonly title: string;
  readonly width: number;
  readonly color: boolean;
  /** Braille dots, eight to a cell; one ASCII letter a cell otherwise. */
  readonly isUnicode: boolean;
  /** Logarithmic y axis; values that are not positive are left out. */
  readonly isLog: boolean;
}

const HEIGHT = 14;
const STYLES: readonly Style[] = ["cyan", "magenta", "yellow", "green", "blue", "red"];
/** Bit of each dot of a braille cell, by row and column. */
const DOTS = [
  [0x01, 0x08],
  [0x02, 0x10],
  [0x04, 0x20],
  [0x40, 0x80],
] as const;

/** Curves over their steps, each ending in its letter, with axes and a legend. */
export function renderPlot(series: readonly PlotSeries[], options: PlotOptions): string {
  const toY = (value: number) => (options.isLog ? Math.log10(value) : value);
  const isDrawable = (value: number) => Number.isFinite(toY(value));
  const drawable = series.map((one) => ({
    points: one.points.filter(({ value }) => isDrawable(value)),
    band: one.band.filter(({ low, high }) => isDrawable(low) && isDrawable(high)),
  }));
  const xs = rangeOf(drawable.flatMap(({ points }) => points.map(({ x }) => x)));
  const values = rangeOf(
    drawable.flatMap(({ points, band }) => [
      ...points.map(({ value }) => value),
      ...band.flatMap(({ low, high }) => [low, high]),
    ]),
  );
  if (xs === undefined || values === undefined) return `${options.title}: nothing to draw`;

  const middle = options.isLog ? Math.sqrt(values.low * values.high) : (values.low + values.high) / 2;
  const labels = new Map([
    [0, renderMetric(values.high)],
    [Math.floor(HEIGHT / 2), renderMetric(middle)],
    [HEIGHT - 1, renderMetric(values.low)],
  ]);
  const margin = Math.max(...[...labels.values()].map((label) => label.length));
  const columns = Math.max(10, Math.min(options.width, 120) - margin - 3);
  const canvas = new Canvas(columns, HEIGHT, options);
  const place = (x: number, value: number) => ({
    x: fraction(x, xs.low, xs.high) * (canvas.dotColumns - 1),
    y: (1 - fraction(toY(value), toY(values.low), toY(values.high))) * (canvas.dotRows - 1),
  });
  for (const [index, { band }] of drawable.entries()) {
    for (const { x, low, high } of band) canvas.drawBand(place(x, high), place(x, low).y, index);
  }
  for (const [index, { points }] of drawable.entries()) {
    canvas.drawCurve(
      points.map(({ x, value }) => place(x, value)),
      index,
    );
  }
  const [corner, wall, floor] = options.isUnicode ? (["└", "┤", "─"] as const) : (["+", "|", "-"] as const);
  const [from, to] = [renderMetric(xs.low), renderMetric(xs.high)];
  return [
    paint("bold", `${toSafeLine(options.title)}${options.isLog ? " (log scale)" : ""}`, options.color),
    ...canvas.lines().map((line, row) => `${padText(labels.get(row) ?? "", margin, "right")} ${wall}${line}`.trimEnd()),
    `${" ".repeat(margin + 1)}${corner}${floor.repeat(columns)}`,
    `${" ".repeat(margin + 2)}${from}${padText(to, Math.max(1, columns - from.length), "right")}`,
    ...series.map(
      ({ label }, index) =>
        `${" ".repeat(margin + 2)}${paint(styleOf(index), letterOf(index), options.color)}  ${toSafeLine(label)}`,
    ),
  ].join("\n");
}

function rangeOf(values: readonly number[]): { low: number; high: number } | undefined {
  if (values.length === 0) return undefined;
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return { low, high };
}

function fraction(value: number, low: number, high: number): number {
  return high === low ? 0.5 : (value - low) / (high - low);
}

function letterOf(index: number): string {
  return String.fromCodePoint(97 + (index % 26));
}

function styleOf(index: number): Style | undefined {
  return STYLES[index % STYLES.length];
}

interface Place {
  readonly x: number;
  readonly y: number;
}

interface Cell {
  bits: number;
  owner: number;
  letter: string | undefined;
}

/** Cells of dots: 2 × 4 in each for braille, one for ASCII. */
class Canvas {
  readonly dotColumns: number;
  readonly dotRows: number;
  readonly #cells: Cell[][];
  readonly #options: PlotOptions;

  constructor(columns: number, rows: number, options: PlotOptions) {
    this.#options = options;
    this.dotColumns = columns * (options.isUnicode ? 2 : 1);
    this.dotRows = rows * (options.isUnicode ? 4 : 1);
    this.#cells = Array.from({ length: rows }, () =>
      Array.from({ length: columns }, () => ({ bits: 0, owner: -1, letter: undefined })),
    );
  }

  /** Every second dot from `top` down to `bottom`, so that a curve inside stays visible. */
  drawBand(top: Place, bottom: number, owner: number): void {
    const x = Math.round(top.x);
    for (let y = Math.round(top.y); y <= Math.round(bottom); y += 1) {
      if ((x + y) % 2 === 0) this.#dot(x, y, owner, ".");
    }
  }

  drawCurve(points: readonly Place[], owner: number): void {
    const letter = letterOf(owner);
    for (const [index, point] of points.entries()) {
      const next = points[index + 1] ?? point;
      const steps = Math.max(1, Math.ceil(Math.max(Math.abs(next.x - point.x), Math.abs(next.y - point.y))));
      for (let step = 0; step <= steps; step += 1) {
        const part = step / steps;
        this.#dot(
          Math.round(point.x + (next.x - point.x) * part),
          Math.round(point.y + (next.y - point.y) * part),
          owner,
          letter,
        );
      }
    }
    const last = points.at(-1);
    const cell = last === undefined ? undefined : this.#cellAt(Math.round(last.x), Math.round(last.y));
    if (cell !== undefined) [cell.letter, cell.owner] = [letter, owner];
  }

  lines(): readonly string[] {
    return this.#cells.map((row) => row.map((cell) => this.#print(cell)).join(""));
  }

  #print({ bits, owner, letter }: Cell): string {
    const { isUnicode, color } = this.#options;
    const text = letter ?? (isUnicode && bits > 0 ? String.fromCodePoint(0x2800 + bits) : " ");
    return owner === -1 ? text : paint(styleOf(owner), text, color);
  }

  #dot(x: number, y: number, owner: number, letter: string): void {
    const cell = this.#cellAt(x, y);
    if (cell === undefined) return;
    cell.owner = owner;
    if (this.#options.isUnicode) cell.bits |= DOTS[y % 4]?.[x % 2] ?? 0;
    else cell.letter = letter;
  }

  #cellAt(x: number, y: number): Cell | undefined {
    return this.#options.isUnicode ? this.#cells[Math.floor(y / 4)]?.[Math.floor(x / 2)] : this.#cells[y]?.[x];
  }
}
