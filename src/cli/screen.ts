import type { CliIo } from "./io.ts";

/** The surface that a screen is drawn for: everything that its text depends on besides the data. */
export interface Screen {
  /** Cells per line; `Infinity` when stdout is no terminal, so that a pipe gets everything. */
  readonly width: number;
  readonly color: boolean;
  readonly isTTY: boolean;
  readonly nowMs: number;
  /** Whether the locale can show more than ASCII. */
  readonly isUnicode: boolean;
}

/** The screen that stdout is. */
export function screenOf(io: CliIo, color: boolean, nowMs: number): Screen {
  const isTTY = io.stdout.isTTY === true;
  const locale = [io.env["LC_ALL"], io.env["LC_CTYPE"], io.env["LANG"]].find(
    (value) => value !== undefined && value !== "",
  );
  return {
    width: isTTY ? io.stdout.columns || 80 : Infinity,
    color,
    isTTY,
    nowMs,
    isUnicode: locale !== undefined && /utf-?8/i.test(locale),
  };
}
