import type { Issue } from "../../model/issue.ts";
import { toSafeLine } from "../../model/terminal-text.ts";

/** `error finding.uncited kb/research/findings/F001-x.md:3 the finding cites no run`. */
export function toTextLine({ severity, code, path, line, message }: Issue): string {
  const place = path === undefined ? "" : `${path}${line === undefined ? "" : `:${line}`} `;
  return toSafeLine(`${severity} ${code} ${place}${message}`);
}

/** `1 error, 2 warnings (12 runs, 30 ledger entries, 4 findings, 9 notes checked)`; no word of notes without any. */
export function toSummaryLine(
  counts: Readonly<Record<"errors" | "warnings" | "runs" | "entries" | "findings" | "notes", number>>,
): string {
  const found = `${amount(counts.errors, "error")}, ${amount(counts.warnings, "warning")}`;
  const checked = [
    amount(counts.runs, "run"),
    amount(counts.entries, "ledger entry", "ledger entries"),
    amount(counts.findings, "finding"),
    ...(counts.notes === 0 ? [] : [amount(counts.notes, "note")]),
  ];
  return `${found} (${checked.join(", ")} checked)`;
}

function amount(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
