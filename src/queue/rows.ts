import { AexpError } from "../model/errors.ts";
import { isJsonObject, isJsonValue, type JsonValue } from "../model/json.ts";

/**
 * One row as a database gives it. All readers below throw `queue.database_damaged` for a value of another kind, so that
 * what somebody wrote by hand into the database is told, and not believed; `optional…` gives `undefined` for NULL.
 */
export type Row = Readonly<Record<string, unknown>>;

export function text(row: Row, column: string): string {
  const value = row[column];
  return typeof value === "string" ? value : refuse(row, column, "text");
}

export function optionalText(row: Row, column: string): string | undefined {
  return row[column] === null ? undefined : text(row, column);
}

export function integer(row: Row, column: string): number {
  const value = row[column];
  return typeof value === "number" ? value : refuse(row, column, "a number");
}

export function optionalInteger(row: Row, column: string): number | undefined {
  return row[column] === null ? undefined : integer(row, column);
}

export function flag(row: Row, column: string): boolean {
  return integer(row, column) === 1;
}

/** A text that must be one of some words. */
export function word<W extends string>(row: Row, column: string, words: readonly W[]): W {
  const value = row[column];
  return words.find((candidate) => candidate === value) ?? refuse(row, column, words.join(", "));
}

export function optionalWord<W extends string>(row: Row, column: string, words: readonly W[]): W | undefined {
  return row[column] === null ? undefined : word(row, column, words);
}

export function jsonObject(row: Row, column: string): { readonly [key: string]: unknown } {
  const value: unknown = JSON.parse(text(row, column));
  return isJsonObject(value) ? value : refuse(row, column, "a JSON object");
}

export function optionalJson(row: Row, column: string): JsonValue | undefined {
  if (row[column] === null) return undefined;
  const value: unknown = JSON.parse(text(row, column));
  return isJsonValue(value) ? value : refuse(row, column, "JSON");
}

export function jsonTexts(row: Row, column: string): readonly string[] {
  const value: unknown = JSON.parse(text(row, column));
  return Array.isArray(value) && value.every((item) => typeof item === "string")
    ? value
    : refuse(row, column, "a JSON array of texts");
}

export function refuse(row: Row, column: string, expected: string): never {
  throw new AexpError(
    `The queue's database holds ${JSON.stringify(String(row[column]))} as ${column}; expected ${expected}`,
    { code: "queue.database_damaged", hint: "Restore it, or run `aexp queue recover --rebuild`." },
  );
}
