import { toCsvField } from "../../model/csv-field.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { paint, type Style } from "./paint.ts";
import { cutText, padText, textWidth } from "./text-width.ts";

/** One column of a table: what it is called and what it shows of a row. */
export interface Column<Row> {
  /** What `--columns` and `--sort` call it. */
  readonly name: string;
  /** What stands above it; the name, when absent. */
  readonly header?: string;
  value(row: Row): string;
  readonly align?: "left" | "right";
  style?(row: Row): Style | undefined;
  /** Never cut and never left out, however narrow the terminal is. */
  readonly isFixed?: boolean;
}

/** Where a table is printed. */
export interface TableOptions {
  /** Cells per line; `Infinity` where nothing is cut. */
  readonly width: number;
  readonly color: boolean;
}

const GAP = "  ";
/** Narrower than this a cell says nothing, so that leaving columns out is better. */
const LEAST_WIDTH = 6;

/**
 * An aligned table without a final line break. Cells are stripped of control sequences. Long cells are cut with `…`, the
 * widest first; where even that is not enough, the last columns that may be missing give way to one column `…`.
 */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions): string {
  const all = columns.map((column) => layOut(column, rows));
  const shown = fitColumns(all, options.width);
  const lines: { text: string; style: Style | undefined }[][] = [
    shown.map((column) => ({ text: column.header, style: "bold" })),
  ];
  for (const index of rows.keys()) {
    lines.push(shown.map((column) => ({ text: column.cells[index] ?? "", style: column.styles[index] })));
  }
  return lines
    .map((cells) =>
      cells
        .map(({ text, style }, index) => {
          const { width, align } = shown[index] ?? { width: 0, align: "left" as const };
          const cut = cutText(text, width);
          const padded = index === shown.length - 1 && align === "left" ? cut : padText(cut, width, align);
          // The padding stays unpainted, so that underlines and backgrounds end with the text.
          return padded.replace(cut, () => paint(cut === "" ? undefined : style, cut, options.color));
        })
        .join(GAP)
        .trimEnd(),
    )
    .join("\n");
}

interface LaidOut {
  readonly header: string;
  readonly cells: readonly string[];
  readonly styles: readonly (Style | undefined)[];
  readonly align: "left" | "right";
  readonly isFixed: boolean;
  width: number;
}

function layOut<Row>(column: Column<Row>, rows: readonly Row[]): LaidOut {
  const header = toSafeLine(column.header ?? column.name);
  const cells = rows.map((row) => toSafeLine(column.value(row)));
  const width = cells.reduce((widest, cell) => Math.max(widest, textWidth(cell)), textWidth(header));
  const styles = rows.map((row) => column.style?.(row));
  return { header, cells, styles, align: column.align ?? "left", isFixed: column.isFixed === true, width };
}

function fitColumns(columns: readonly LaidOut[], width: number): readonly LaidOut[] {
  const shown = [...columns];
  let isMissingSome = false;
  for (;;) {
    shrinkWidest(shown, width - (isMissingSome ? GAP.length + 1 : 0));
    const last = shown.findLastIndex((column) => !column.isFixed);
    if (totalWidth(shown) <= width - (isMissingSome ? GAP.length + 1 : 0) || last === -1) break;
    shown.splice(last, 1);
    isMissingSome = true;
  }
  if (isMissingSome) {
    const cells = (columns[0]?.cells ?? []).map(() => "…");
    shown.push({ header: "…", cells, styles: [], align: "left", isFixed: true, width: 1 });
  }
  return shown;
}

function shrinkWidest(columns: readonly LaidOut[], width: number): void {
  let excess = totalWidth(columns) - width;
  while (excess > 0) {
    const [widest, next] = columns
      .filter((column) => !column.isFixed && column.width > LEAST_WIDTH)
      .toSorted((a, b) => b.width - a.width);
    if (widest === undefined) return;
    const step = Math.min(excess, Math.max(1, widest.width - Math.max(next?.width ?? 0, LEAST_WIDTH)));
    widest.width -= step;
    excess -= step;
  }
}

function totalWidth(columns: readonly LaidOut[]): number {
  return columns.reduce((sum, column) => sum + column.width, 0) + GAP.length * Math.max(0, columns.length - 1);
}

/** Comma-separated values as in RFC 4180: CRLF, quotes only where they are needed, a header line, and no formulas. */
export function renderCsv<Row>(columns: readonly Column<Row>[], rows: Iterable<Row>): string {
  const lines = [columns.map((column) => toCsvField(column.name)).join(",")];
  for (const row of rows) lines.push(columns.map((column) => toCsvField(column.value(row))).join(","));
  return `${lines.join("\r\n")}\r\n`;
}
