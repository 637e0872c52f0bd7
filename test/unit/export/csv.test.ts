import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { CsvTable } from "../../../src/export/csv.ts";
import type { ExportedRun } from "../../../src/export/exported-run.ts";
import { type Exact, ExactNumber } from "../../../src/model/exact-json.ts";
import { parseExactObject } from "../../../src/model/exact-json-reader.ts";
import { exportedRun } from "../../helpers/exported-run.ts";

/** Any text, but mostly of what formulas begin with and cells end with: chance alone hardly ever makes one. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom("=", "+", "-", "@", "\t", ";", ",", '"', "\r", "\n", "1", "＝"),
    fc.string({ unit: "binary", minLength: 1, maxLength: 1 }),
  ),
});

describe("CsvTable", () => {
  it("has the facts, then parameters and metrics by name, with the texts of their numbers", () => {
    const runs = [
      exportedRun({ lr: "1.0", "model.name": '"mlp"' }, { loss: ExactNumber.float(1e-5) }),
      exportedRun({ seed: "12345678901234567890", neg: "-1.5", model: '{"layers": 2}' }, { done: true }),
    ];

    expect(tableOf(runs)).toMatchInlineSnapshot(`
      "id,status,reason,experiment,hypothesis,sub_hypothesis,machine,created_at,started_at,ended_at,wallclock_s,exit_code,sp.lr,sp.model.layers,sp.model.name,sp.neg,sp.seed,metric.done,metric.loss
      00000000000000000000000000000000,complete,,E001,,,laptop,2026-03-01T10:00:00Z,2026-03-01T10:00:05Z,2026-03-01T10:00:59Z,54.25,0,1.0,,mlp,,,,1e-05
      00000000000000000000000000000000,complete,,E001,,,laptop,2026-03-01T10:00:00Z,2026-03-01T10:00:05Z,2026-03-01T10:00:59Z,54.25,0,,2,,-1.5,12345678901234567890,true,
      "
    `);
  });

  it.each([
    ["=1+1", "'=1+1"],
    ["@SUM(A1)", "'@SUM(A1)"],
    ["-cmd", "'-cmd"],
    ["+a", "'+a"],
    ["\t=1", "'\t=1"],
    ["a;=1", "a;'=1"],
    ["＝1", "'＝1"],
    ["-1.5", "-1.5"],
    ["+1e-3", "+1e-3"],
    ["2-1", "2-1"],
    ['say "hi", ok', '"say ""hi"", ok"'],
    ["two\nlines", '"two\nlines"'],
    ["\u001b[31mred", "red"],
    ["", ""],
  ])("prints the text %j as %j", (text, cell) => {
    expect(cellOf(text)).toBe(cell);
  });

  it("never lets a text begin a formula, and reads back as the same number of cells", () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 1, maxLength: 5 }), (texts) => {
        const statePoint = new Map<string, Exact>(texts.map((text, index) => [`k${index}`, text]));
        const [header = [], cells = [], ...rest] = parseCsv(tableOf([{ ...exportedRun({}), statePoint }]));

        expect(cells).toHaveLength(header.length);
        expect(rest).toEqual([]);
        for (const cell of cells) expect(cell).toMatch(/^(?![=+\-@\t])|^[+-]?[\d.]+(?:e[+-]?\d+)?$/i);
      }),
    );
  });
});

function tableOf(runs: readonly ExportedRun[]): string {
  const table = new CsvTable();
  for (const run of runs) table.add(run);
  return (table.header() + runs.map((run) => table.line(run)).join("")).replaceAll("\r\n", "\n");
}

function cellOf(text: string): string {
  const run = { ...exportedRun({}), statePoint: parseExactObject("{}"), metrics: new Map([["m", text]]) };
  return tableOf([run]).split("2026-03-01T10:00:59Z,54.25,0,")[1]?.replace(/\n$/, "") ?? "";
}

/** The cells of each line, by the rules of RFC 4180. */
function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [[]];
  for (const [, quoted, plain = "", end = ""] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    if (end === "" && quoted === undefined && plain === "") continue;
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain);
    if (end === "\n") rows.push([]);
  }
  return rows.filter((row) => row.length > 0);
}
