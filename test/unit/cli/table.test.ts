import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { type Column, renderCsv, renderTable } from "../../../src/cli/render/table.ts";
import { textWidth } from "../../../src/cli/render/text-width.ts";

interface Row {
  readonly id: string;
  readonly note: string;
  readonly loss: string;
}

const COLUMNS: readonly Column<Row>[] = [
  { name: "id", value: ({ id }) => id, isFixed: true, style: () => "yellow" },
  { name: "note", value: ({ note }) => note },
  { name: "loss", value: ({ loss }) => loss, align: "right" },
];
const ROWS: readonly Row[] = [
  { id: "4f2a91bc", note: "short", loss: "0.5" },
  { id: "81bc0d11", note: "日本語の長い説明 of what was tried and why it did not help", loss: "12.25" },
];

describe("renderTable", () => {
  it("aligns columns and cuts the widest", () => {
    expect(renderTable(COLUMNS, ROWS, { width: 40, color: false })).toMatchInlineSnapshot(`
      "id        note                      loss
      4f2a91bc  short                      0.5
      81bc0d11  日本語の長い説明 of wh…  12.25"
    `);
  });

  it("leaves columns out when cutting is not enough", () => {
    expect(renderTable(COLUMNS, ROWS, { width: 20, color: false })).toMatchInlineSnapshot(`
      "id        note    …
      4f2a91bc  short   …
      81bc0d11  日本…   …"
    `);
  });

  it("cuts nothing without a width", () => {
    expect(renderTable(COLUMNS, ROWS, { width: Infinity, color: false })).toContain("why it did not help");
  });

  it("paints headers and cells only with colour", () => {
    const painted = renderTable(COLUMNS, ROWS.slice(0, 1), { width: 80, color: true });

    expect(painted).toContain("\u001b[33m4f2a91bc\u001b[39m");
    expect(painted).toContain("\u001b[1mid\u001b[22m");
    expect(renderTable(COLUMNS, ROWS, { width: 80, color: false })).not.toContain("\u001b");
  });

  it("keeps every line within the width, whatever the cells hold", () => {
    const row = fc.record({ id: fc.constant("4f2a91bc"), note: fc.string({ unit: "grapheme" }), loss: fc.string() });
    fc.assert(
      fc.property(fc.array(row), fc.integer({ min: 12, max: 60 }), (rows, width) => {
        for (const line of renderTable(COLUMNS, rows, { width, color: false }).split("\n")) {
          expect(textWidth(line)).toBeLessThanOrEqual(width);
        }
      }),
    );
  });

  it("lets no control sequence through, and keeps dollar signs", () => {
    const rows = [{ id: "1", note: "\u001b]0;title\u0007\u001b[2Jred\nline $& $1", loss: "" }];

    expect(renderTable(COLUMNS, rows, { width: 80, color: false })).toContain("red line $& $1");
    expect(renderTable(COLUMNS, rows, { width: 80, color: false })).not.toContain("\u001b");
  });
});

describe("renderCsv", () => {
  it("quotes as RFC 4180 says", () => {
    expect(renderCsv(COLUMNS, [{ id: "1", note: 'say "a", b', loss: "x\ny" }])).toBe(
      'id,note,loss\r\n1,"say ""a"", b","x\ny"\r\n',
    );
  });

  it("lets no text begin a formula, in the names of columns either, and leaves numbers alone", () => {
    const columns: readonly Column<string>[] = [{ name: "=name", value: (text) => text }];

    expect(renderCsv(columns, ["=1+1", "+a", "-cmd", "@SUM(A1)", "\t=1", "\r=1", "a;=1"])).toBe(
      ["'=name", "'=1+1", "'+a", "'-cmd", "'@SUM(A1)", "'\t=1", '"\'\n=1"', "a;'=1", ""].join("\r\n"),
    );
    const numbers = ["-1.5", "+2", "-1e-05", "-.5", "-Infinity", "12", "2026-03-01T10:00:00Z"];
    expect(renderCsv(columns, numbers)).toBe(["'=name", ...numbers, ""].join("\r\n"));
  });
});
