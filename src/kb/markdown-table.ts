import { toSafeLine } from "../model/terminal-text.ts";

interface TableColumn {
  /** Already safe, like the cells. */
  readonly header: string;
  readonly isNumeric: boolean;
}

/** A GitHub table, its columns aligned for those who read the source. */
export function renderMarkdownTable(columns: readonly TableColumn[], rows: readonly (readonly string[])[]): string {
  const widths = columns.map(({ header }, index) =>
    Math.max(3, lengthOf(header), ...rows.map((row) => lengthOf(row[index] ?? ""))),
  );
  const pad = (text: string, index: number): string => {
    const space = " ".repeat((widths[index] ?? 0) - lengthOf(text));
    return columns[index]?.isNumeric === true ? space + text : text + space;
  };
  return [
    line(columns.map(({ header }, index) => pad(header, index))),
    line(columns.map(({ isNumeric }, index) => rule(widths[index] ?? 3, isNumeric))),
    ...rows.map((row) => line(row.map(pad))),
  ].join("\n");
}

function line(cells: readonly string[]): string {
  return `| ${cells.join(" | ")} |`;
}

function rule(width: number, isNumeric: boolean): string {
  return isNumeric ? `${"-".repeat(width - 1)}:` : "-".repeat(width);
}

const MAX_LENGTH = 60;

/**
 * Any text as words in a line or a cell: at most 60 characters, nothing in it is markup, and what readers of notes look
 * for without knowing Markdown (links, code, comments) is not there.
 */
export function toMarkdownText(text: string): string {
  const clean = toSafeLine(text.toWellFormed())
    .replaceAll(/[\u2028\u2029]/g, " ")
    .trim();
  const characters = Array.from(clean);
  const short = characters.length > MAX_LENGTH ? `${characters.slice(0, MAX_LENGTH - 1).join("")}…` : clean;
  return short
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll("`", "&#96;")
    .replaceAll("%%", "%&#37;")
    .replaceAll(/[\\|*~$[\]]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])/gu, String.raw`\$&`);
}

function lengthOf(text: string): number {
  return Array.from(text).length;
}
