import { styleText } from "node:util";

import type { Check } from "../../doctor/checks.ts";
import { toSafeLine } from "../../model/terminal-text.ts";
import { plural } from "./plural.ts";

const GLYPHS = { ok: "✓", warning: "!", bad: "✗" } as const;
const COLORS = { ok: "green", warning: "yellow", bad: "red" } as const;

/** A line for each check, its hint below it where there is one, and a line that sums up. */
export function renderChecks(checks: readonly Check[], options: { readonly color: boolean }): string {
  const width = Math.max(...checks.map(({ name }) => name.length));
  const lines = checks.flatMap(({ name, state, message, hint }) => {
    const glyph = options.color ? styleText(COLORS[state], GLYPHS[state], { validateStream: false }) : GLYPHS[state];
    const line = `${glyph} ${name.padEnd(width)}  ${toSafeLine(message)}`;
    return hint === undefined ? [line] : [line, `  ${" ".repeat(width)}  ${hint}`];
  });
  const bad = checks.filter(({ state }) => state === "bad").length;
  const warnings = checks.filter(({ state }) => state === "warning").length;
  const sum = bad === 0 && warnings === 0 ? "All is well." : `${bad} bad, ${plural(warnings, "warning")}.`;
  return [...lines, "", sum].join("\n");
}
