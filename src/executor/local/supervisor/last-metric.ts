import { closeSync, fstatSync, openSync, readSync } from "node:fs";

import { isJsonObject, type JsonObject, type JsonValue } from "../../../model/json.ts";

/** How much of the file's end is looked at; a longer line is no metric. */
const TAIL_BYTES = 64 * 1024;

/** The last whole line of a metrics file that is a JSON object; `undefined` when there is none. */
export function readLastMetric(path: string): JsonObject | undefined {
  const lines = readTail(path).split("\n").slice(0, -1);
  for (const line of lines.toReversed()) {
    const value = parse(line);
    if (isJsonObject(value)) return value;
  }
  return undefined;
}

function readTail(path: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, "r");
  } catch {
    return ""; // none written so far
  }
  try {
    const { size } = fstatSync(descriptor);
    const buffer = Buffer.alloc(Math.min(size, TAIL_BYTES));
    const count = readSync(descriptor, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString("utf8", 0, count);
  } finally {
    closeSync(descriptor);
  }
}

function parse(line: string): JsonValue | undefined {
  try {
    const value: JsonValue = JSON.parse(line);
    return value;
  } catch {
    return undefined; // half a line, or no JSON: the line before counts
  }
}
