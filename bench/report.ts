/** One measured budget. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly against: string;
  /** Not a number, when there was nothing to measure with. */
  readonly value: number;
  readonly budget: number;
  /** Whether the value may be no larger than the budget, or no smaller. */
  readonly bound: "≤" | "≥";
  readonly unit: string;
  readonly isMet: boolean;
}

/** A Markdown table of the rows, with the machine below. */
export function renderReport(rows: readonly Row[], machine: string): string {
  const lines = rows.map(
    ({ what, measured, against, value, budget, bound, unit, isMet }) =>
      `| ${what} | ${measured} | ${against} | **${formatValue(value, unit)}** | ${bound} ${budget}${unit} | ${toVerdict(value, isMet)} |`,
  );
  return `| what | median | against | result | budget | |
| --- | --- | --- | --- | --- | --- |
${lines.join("\n")}

Measured on ${machine}.`;
}

function toVerdict(value: number, isMet: boolean): string {
  if (Number.isNaN(value)) return "missing";
  return isMet ? "met" : "missed";
}

/** Large memory needs no decimals. */
export function formatValue(value: number, unit: string): string {
  if (Number.isNaN(value)) return "not measured";
  return `${unit === " MiB" ? Math.round(value) : value.toFixed(2)}${unit}`;
}
