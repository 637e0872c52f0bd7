import type { NoteRow } from "../../app/list-notes.ts";
import { checkKnown } from "../list-flags.ts";
import type { Screen } from "../screen.ts";
import { paint } from "./paint.ts";
import type { Style } from "./paint.ts";
import { renderRunCounts } from "./run-counts.ts";
import { type Column, renderCsv, renderTable } from "./table.ts";

/** What a list of notes can show. */
export const NOTE_COLUMNS = ["id", "status", "impact", "title", "parent", "runs", "tags", "created", "path"] as const;
type NoteColumn = (typeof NOTE_COLUMNS)[number];

/** How a list of notes was asked for. */
export interface NoteListOptions {
  readonly columns?: string | undefined;
  readonly sort?: string | undefined;
  readonly limit?: number | undefined;
  readonly csv?: boolean | undefined;
}

/** The rows that are shown, and their text; none for a table without rows. */
export function renderNoteList(
  rows: readonly NoteRow[],
  options: NoteListOptions,
  screen: Screen,
): { readonly shown: readonly NoteRow[]; readonly text: string | undefined } {
  const names = options.columns === undefined ? defaultColumns(rows) : options.columns.split(",").map(toColumn);
  const columns = names.map((name) => columnOf(name));
  const sorted = options.sort === undefined ? rows : sortRows(rows, options.sort);
  const shown = sorted.slice(0, options.limit);
  if (options.csv === true) return { shown, text: renderCsv(columns, shown) };
  if (rows.length === 0) return { shown, text: undefined };
  const footer =
    shown.length === rows.length ? "" : `${paint("dim", `${shown.length} of ${rows.length}`, screen.color)}\n`;
  return { shown, text: `${renderTable(columns, shown, screen)}\n${footer}` };
}

const STATUS_STYLES: Readonly<Record<string, Style>> = {
  PROPOSED: "dim",
  DESIGNED: "dim",
  EXPLORING: "blue",
  TESTING: "blue",
  RUNNING: "blue",
  PROMOTED: "green",
  CONFIRMED: "green",
  COMPLETED: "green",
  REJECTED: "red",
  FAILED: "red",
  CLOSED: "magenta",
  CRITICAL: "red",
  HIGH: "yellow",
};

/** The colour of a status or an impact. */
export function noteStatusStyle(word: string | undefined): Style | undefined {
  return word === undefined ? undefined : STATUS_STYLES[word.toUpperCase()];
}

function columnOf(name: NoteColumn): Column<NoteRow> {
  return {
    name,
    value: (row) => cellOf(row, name),
    isFixed: name === "id",
    style: (row) => (name === "id" ? "yellow" : row.problem === undefined ? noteStatusStyle(cellOf(row, name)) : "red"),
  };
}

function cellOf(row: NoteRow, name: NoteColumn): string {
  switch (name) {
    case "id":
    case "path":
      return row[name];
    case "title":
      return row.problem === undefined ? row.title : `cannot be read: ${row.problem}`;
    case "status":
    case "impact":
    case "created":
      return row[name] ?? "";
    case "parent":
      return Object.values(row.parents).join(" ");
    case "runs":
      return row.runs === undefined ? "" : renderRunCounts(row.runs);
    case "tags":
      return row.tags.join(" ");
  }
}

/** Columns that say something about these rows. */
function defaultColumns(rows: readonly NoteRow[]): readonly NoteColumn[] {
  return NOTE_COLUMNS.filter(
    (name) => name === "id" || name === "title" || (name !== "path" && rows.some((row) => cellOf(row, name) !== "")),
  );
}

function toColumn(text: string): NoteColumn {
  const word = text.trim();
  checkKnown("column", word, NOTE_COLUMNS);
  return NOTE_COLUMNS.find((name) => name === word) ?? "id";
}

/** By one column, a minus in front reverses; numbers in texts count as numbers. */
function sortRows(rows: readonly NoteRow[], sort: string): readonly NoteRow[] {
  const name = toColumn(sort.replace(/^-/, ""));
  const sign = sort.startsWith("-") ? -1 : 1;
  return rows.toSorted((a, b) => sign * cellOf(a, name).localeCompare(cellOf(b, name), "en", { numeric: true }));
}
