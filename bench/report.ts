/** One measured budget. */
export interface Row {
  readonly what: string;
  readonly measured: string;
  readonly against: string;
  readonly value: number;
  readonly budget: number;
  readonly unit: string;
  readonly isMet: boolean;
}

/** A Markdown table of the rows, with the machine below. */
export function renderReport(rows: readonly Row[], machine: string): string {
  const lines = rows.map(
    ({ what, measured, against, value, budget, unit, isMet }) =>
      `| ${what} | ${measured} | ${against} | **${unit === "×" ? value.toFixed(2) : Math.round(value)}${unit}** | ≤ ${budget}${unit} | ${isMet ? "met" : "missed"} |`,
  );
  return `| what | median | against | result | budget | |
| --- | --- | --- | --- | --- | --- |
${lines.join("\n")}

Measured on ${machine}.`;
}
