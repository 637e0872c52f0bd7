import type { StoredColumn } from "../stored-columns.ts";
import type { StoredTask } from "../records.ts";
import type { Values } from "./database.ts";

/** The values of a task's columns by their names. */
export function toColumnValues(columns: readonly StoredColumn[], task: StoredTask): Values {
  const values: Record<string, Values[string]> = {};
  for (const column of columns) values[column.name] = toValue(column, task);
  return values;
}

function toValue(column: StoredColumn, task: StoredTask): Values[string] {
  if (column.type !== "json") return column.of(task);
  const value = column.of(task);
  return value && JSON.stringify(value);
}
