import * as Flags from "@oclif/core/flags";

import { AexpError } from "../model/errors.ts";
import { parseInstant } from "../model/clock.ts";
import { didYouMean } from "../model/nearest.ts";

/** How a list is printed. `--json` comes from the base command. */
export const LIST_FLAGS = {
  columns: Flags.string({
    summary: "Columns to show, separated by commas; see docs/screens.md for what a column may be.",
    helpValue: "A,B",
    helpGroup: "OUTPUT",
  }),
  sort: Flags.string({
    summary: "Column to sort by; a minus in front reverses.",
    helpValue: "[-]COLUMN",
    helpGroup: "OUTPUT",
    allowHyphenValues: true,
  }),
  limit: Flags.integer({
    summary: "Show no more than this many; 20 for text, all for --json, --ndjson and --csv.",
    helpValue: "N",
    min: 0,
    helpGroup: "OUTPUT",
  }),
  csv: Flags.boolean({
    summary: "Print comma-separated values.",
    exclusive: ["json", "ndjson"],
    helpGroup: "OUTPUT",
  }),
  ndjson: Flags.boolean({
    summary: "Print one JSON document per line.",
    exclusive: ["json", "csv"],
    helpGroup: "OUTPUT",
  }),
};

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};

/** Epoch milliseconds of `2d`, `3h`, `45m`, `30s`, `1w` before now, or of an ISO 8601 date. */
export function parseSince(text: string, nowMs: number): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhdw])$/.exec(text) ?? [];
  if (amount !== undefined && unit !== undefined) return nowMs - Number(amount) * (UNIT_MS[unit] ?? 0);
  const ms = /^\d{4}-\d{2}-\d{2}/.test(text) ? parseInstant(text) : undefined;
  if (ms !== undefined) return ms;
  throw new AexpError(`--since ${JSON.stringify(text)} is no point in time`, {
    code: "cli.usage",
    hint: "Give an age such as 2d, 3h, 45m or 1w, or a date such as 2026-03-01.",
  });
}

/** Refuses a word that is not among the known ones, naming the nearest. */
export function checkKnown(what: string, word: string, known: readonly string[]): void {
  if (known.includes(word)) return;
  throw new AexpError(`${JSON.stringify(word)} is not a ${what}.${didYouMean(word, known)}`, {
    code: "cli.usage",
    hint: `Known: ${known.slice(0, 30).join(", ")}${known.length > 30 ? ", …" : ""}.`,
  });
}
