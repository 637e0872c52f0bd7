import { toSafeText } from "./terminal-text.ts";

/**
 * A cell of comma-separated values (RFC 4180) from a text that anybody may have written: without control characters,
 * quoted where that is needed, and never a formula.
 */
export function toCsvField(text: string): string {
  const safe = disarm(toSafeText(text));
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

/**
 * A text that no spreadsheet takes for a formula: an apostrophe before `=`, `+`, `-` or `@` at the beginning, and after a
 * tab or a semicolon, at which some programs begin a new cell. A text that is a number stays one, also `-1.5`.
 */
function disarm(text: string): string {
  if (/^[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|Infinity)$/.test(text)) return text;
  return text.replaceAll(/(^|[;\t])(?=[=+\-@＝＋－＠\t\r\n])/g, "$1'");
}
