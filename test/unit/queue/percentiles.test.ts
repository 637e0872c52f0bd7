import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { toPercentiles } from "../../../src/queue/percentiles.ts";

describe("toPercentiles", () => {
  it("says nothing of no values", () => {
    expect(toPercentiles([])).toBeUndefined();
  });

  it("takes the nearest rank", () => {
    const values = Array.from({ length: 200 }, (_, index) => 200 - index);

    expect(toPercentiles(values)).toEqual({ count: 200, p50: 100, p95: 190, p99: 198, max: 200 });
    expect(toPercentiles([7])).toEqual({ count: 1, p50: 7, p95: 7, p99: 7, max: 7 });
  });

  it("names values that are there, in order, whatever their order was", () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 1 }), (values) => {
        const found = toPercentiles(values) ?? { count: 0, p50: -1, p95: -1, p99: -1, max: -1 };
        const marks = [found.p50, found.p95, found.p99, found.max];

        expect(found.count).toBe(values.length);
        expect(values).toEqual(expect.arrayContaining(marks));
        expect(marks).toEqual(marks.toSorted((a, b) => a - b));
        expect(values.filter((value) => value <= found.p50).length * 2).toBeGreaterThanOrEqual(values.length);
      }),
    );
  });
});
