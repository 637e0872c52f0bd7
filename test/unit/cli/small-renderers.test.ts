import { describe, expect, it } from "vitest";

import { parseSince } from "../../../src/cli/list-flags.ts";
import { renderPlot } from "../../../src/cli/render/plot.ts";
import { renderStatus, statusStyle } from "../../../src/cli/render/status.ts";
import { renderDuration, renderInstant } from "../../../src/cli/render/time.ts";
import { renderCount, renderDelta, renderMetric } from "../../../src/cli/render/value.ts";
import { writeJsonItems } from "../../../src/cli/json-stream.ts";
import { screenOf } from "../../../src/cli/screen.ts";

const NOW = Date.parse("2026-03-01T12:00:00Z");

describe("times", () => {
  it.each([
    ["2026-03-01T12:00:00Z", "just now"],
    ["2026-03-01T11:59:48Z", "12 s ago"],
    ["2026-03-01T11:57:00Z", "3 min ago"],
    ["2026-03-01T09:00:00Z", "3 h ago"],
    ["2026-02-25T12:00:00Z", "4 d ago"],
    ["2025-12-24T12:00:00Z", "2025-12-24"],
    ["2026-03-01T12:05:00Z", "in 5 min"],
    ["nonsense", "nonsense"],
  ])("shows %s as %s on a terminal and as it is elsewhere", (instant, shown) => {
    expect(renderInstant(instant, { nowMs: NOW, isTTY: true })).toBe(shown);
    expect(renderInstant(instant, { nowMs: NOW, isTTY: false })).toBe(instant);
  });

  it.each([
    [undefined, ""],
    [0.42, "0.4 s"],
    [9.96, "10 s"],
    [125, "2 m 05 s"],
    [7860, "2 h 11 m"],
    [273_600, "3 d 04 h"],
    [-1, ""],
  ])("shows %s seconds as %j", (seconds, shown) => {
    expect(renderDuration(seconds)).toBe(shown);
  });

  it("reads ages and dates, and refuses the rest", () => {
    expect(parseSince("2d", NOW)).toBe(NOW - 2 * 86_400_000);
    expect(parseSince("1.5h", NOW)).toBe(NOW - 5_400_000);
    expect(parseSince("2026-02-01", NOW)).toBe(Date.parse("2026-02-01"));
    expect(() => parseSince("yesterday", NOW)).toThrow(expect.objectContaining({ code: "cli.usage" }));
  });
});

describe("status", () => {
  it("puts a running run that was not heard of in doubt", () => {
    const run = { status: "running", startedAt: "2026-03-01T08:00:00Z" };

    expect(renderStatus({ ...run, heartbeatAt: "2026-03-01T11:59:30Z" }, NOW)).toBe("● running");
    expect(renderStatus({ ...run, heartbeatAt: "2026-03-01T09:00:00Z" }, NOW)).toBe("● running? last seen 3 h ago");
    expect(renderStatus(run, NOW)).toBe("● running? last seen 4 h ago");
    expect(statusStyle(run, NOW)).toBe("yellow");
    expect(statusStyle({ status: "complete" }, NOW)).toBe("green");
  });

  it("shows words of others as they are", () => {
    expect(renderStatus({ status: "done" }, NOW)).toBe("· done");
    expect(renderStatus({}, NOW)).toBe("· no status");
    expect(statusStyle({ status: "done" }, NOW)).toBeUndefined();
  });
});

describe("values", () => {
  it("are short", () => {
    expect(renderMetric(0.123456789)).toBe("0.12346");
    expect(renderMetric(1_234_567)).toBe("1234567");
    expect(renderMetric(true)).toBe("true");
    expect(renderMetric(Number.NaN)).toBe("NaN");
    expect(renderDelta(-0.5)).toBe("−0.5");
    expect(renderDelta(0)).toBe("±0");
    expect(renderCount(1_234_567)).toBe("1,234,567");
  });
});

describe("writeJsonItems", () => {
  it.each([0, 1, 2, 20_000])("prints %i items as one document, and as lines", (count) => {
    const items = Array.from({ length: count }, (_, index) => JSON.stringify({ index }));
    const [array, lines] = (["array", "lines"] as const).map((form) => {
      let text = "";
      writeJsonItems({ write: (chunk) => (text += chunk) }, items, form);
      return text;
    });

    expect(JSON.parse(array ?? "")).toHaveLength(count);
    expect(lines).toBe(items.map((item) => `${item}\n`).join("") || "\n".slice(count === 0 ? 1 : 0));
  });
});

describe("screenOf", () => {
  it("knows terminals and locales", () => {
    const stdout = { write: () => true, isTTY: true, columns: 100 };
    const io = { stdout, stderr: stdout, cwd: "/", env: { LC_ALL: "", LANG: "de_DE.UTF-8" } };

    expect(screenOf(io, true, NOW)).toMatchObject({ width: 100, isUnicode: true });
    expect(screenOf({ ...io, stdout: { write: () => true }, env: { LC_ALL: "C" } }, false, NOW)).toMatchObject({
      width: Infinity,
      isUnicode: false,
    });
  });
});

describe("renderPlot", () => {
  const points = Array.from({ length: 20 }, (_, x) => ({ x, value: 10 / (x + 1) }));
  const band = points.map(({ x, value }) => ({ x, low: value * 0.8, high: value * 1.2 }));
  const options = { title: "loss", width: 50, color: false, isUnicode: false, isLog: false };

  it("draws letters where the locale has only ASCII", () => {
    const plot = renderPlot([{ label: "lr=0.1 (n=3)", points, band }], options);

    expect(plot).toMatch(/^[\x20-\x7e\n]*$/);
    expect(plot).toMatchInlineSnapshot(`
      "loss
       12 |.
          |
          |a
          |a
          |.a
          | a
          |  a
      6.2 |  a
          |  aa
          |    a.
          |     aa
          |       aaaaa
          |           aaaaaaaaaaaaaa
      0.4 |                       . aaaaaaaaaaaaaaaaaaa
          +--------------------------------------------
           0                                         19
           a  lr=0.1 (n=3)"
    `);
  });

  it("draws braille dots, colours and a logarithmic axis", () => {
    const plot = renderPlot([{ label: "x", points, band: [] }], {
      ...options,
      isUnicode: true,
      color: true,
      isLog: true,
    });

    expect(plot).toMatch(/[\u2801-\u28ff]/);
    expect(plot).toContain("\u001b[36m");
    expect(plot).toContain("(log scale)");
  });

  it("copes with flat, single and undrawable curves", () => {
    expect(renderPlot(singlePoint(1), options)).toContain("a  x");
    expect(renderPlot(singlePoint(-1), { ...options, isLog: true })).toBe("loss: nothing to draw");
    expect(renderPlot([], options)).toBe("loss: nothing to draw");
  });
});

function singlePoint(value: number) {
  return [{ label: "x", points: [{ x: 0, value }], band: [] }];
}
