import { describe, expect, it } from "vitest";

import { summarizeMetrics } from "../../../src/run/metric-lines.ts";

describe("summarizeMetrics", () => {
  it("keeps the last value of each metric", () => {
    expect(
      summarizeMetrics(['{"step": 1, "loss": 2.5}', '{"step": 2, "loss": 1.5, "ok": true}', '{"note": "x"}']),
    ).toEqual({
      metrics: { step: 2, loss: 1.5, ok: true, note: "x" },
      brokenLines: 0,
    });
  });

  it("counts lines it cannot read and goes on", () => {
    expect(summarizeMetrics(["", "  ", '{"loss": 1}', '{"loss": NaN}', "[1]", '{"loss": 0.5', "loss=1"])).toEqual({
      metrics: { loss: 1 },
      brokenLines: 4,
    });
  });

  it("leaves out what is no number, boolean or short text", () => {
    const line = JSON.stringify({ curve: [1], object: {}, none: null, long: "x".repeat(201), good: 1 });

    expect(summarizeMetrics([line, '{"huge": 1e999}']).metrics).toEqual({ good: 1 });
  });

  it("stays bounded when a program makes up a name per step", () => {
    const lines = Array.from({ length: 5000 }, (_, step) => `{"loss_${step}": ${step}}`);

    expect(Object.keys(summarizeMetrics(lines).metrics)).toHaveLength(1000);
  });
});
