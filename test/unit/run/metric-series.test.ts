import { describe, expect, it } from "vitest";

import { readMetricSeries } from "../../../src/run/metric-series.ts";

describe("readMetricSeries", () => {
  it("takes step, epoch or t for the x axis, else the place of the line", () => {
    const series = readMetricSeries(['{"step": 5, "a": 1}', '{"epoch": 7, "a": 2}', '{"t": 1.5, "a": 3}', '{"a": 4}']);

    expect(series.get("a")?.points()).toEqual([
      { x: 5, value: 1 },
      { x: 7, value: 2 },
      { x: 1.5, value: 3 },
      { x: 3, value: 4 },
    ]);
  });

  it("passes over what is no metric", () => {
    const lines = ["", "{torn", "[1]", '{"step": 0, "name": "x", "on": true, "big": 1e999, "loss": 1}', "null"];

    expect([...readMetricSeries(lines).keys()]).toEqual(["loss"]);
  });

  it("keeps extremes, mean and ends exact while it thins the points", () => {
    const lines = Array.from({ length: 50_000 }, (_, step) => JSON.stringify({ step, v: step === 777 ? -5 : step }));
    const series = readMetricSeries(lines).get("v");

    expect(series?.min).toEqual({ x: 777, value: -5 });
    expect(series?.max).toEqual({ x: 49_999, value: 49_999 });
    expect(series?.count).toBe(50_000);
    expect(series?.mean).toBeCloseTo((49_999 * 25_000 - 782) / 50_000, 6);
    expect(series?.points().length).toBeLessThanOrEqual(4097);
    expect(series?.points().at(-1)).toEqual({ x: 49_999, value: 49_999 });
  });
});
