import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  compareEnds,
  compareMetrics,
  leastLikeness,
  type Likeness,
  type MetricValue,
  toEndText,
} from "../../../src/code/comparison.ts";
import { parseTolerances, tolerates, toToleranceText } from "../../../src/code/tolerance.ts";

const NONE = parseTolerances([]);

describe("parseTolerances", () => {
  it("reads numbers, percentages and any, by metric or for all", () => {
    const { byMetric, ofOthers } = parseTolerances(["loss=1e-6", "acc=5%", "a=b=.5", "seconds=any", "0.1 %"]);

    expect([...byMetric]).toEqual([
      ["loss", { kind: "absolute", by: 1e-6 }],
      ["acc", { kind: "relative", by: 0.05 }],
      ["a=b", { kind: "absolute", by: 0.5 }],
      ["seconds", { kind: "any" }],
    ]);
    expect(ofOthers).toEqual({ kind: "relative", by: 0.001 });
    expect([...byMetric.values()].map(toToleranceText)).toEqual(["0.000001", "5%", "0.5", "any"]);
  });

  it.each(["loss", "loss=", "loss=-1", "loss=x", "loss=1e999", "loss=5%%", "loss=NaN"])("refuses %s", (text) => {
    expect(() => parseTolerances([text])).toThrow(expect.objectContaining({ code: "cli.usage" }));
  });

  it("never tolerates less when it is wider", () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true }), fc.double({ noNaN: true }), fc.double({ min: 0, max: 1 }), (a, b, by) => {
        const narrow = tolerates({ kind: "relative", by }, a, b);
        const wide = tolerates({ kind: "relative", by: by * 2 }, a, b);
        expect(!narrow || wide).toBe(true);
        expect(tolerates({ kind: "absolute", by: 0 }, a, a)).toBe(Number.isFinite(a));
        expect(tolerates({ kind: "any" }, a, b)).toBe(true);
      }),
    );
  });
});

describe("compareMetrics", () => {
  it("calls equal values the same, near ones close, and all others different", () => {
    const before = new Map<string, MetricValue>([
      ["loss", 0.5],
      ["acc", 0.9],
      ["label", "cat"],
      ["converged", true],
      ["lost", 1],
    ]);
    const after = new Map<string, MetricValue>([
      ["loss", 0.5],
      ["acc", 0.91],
      ["label", "dog"],
      ["converged", true],
      ["new", 2],
    ]);

    const compared = compareMetrics(before, after, parseTolerances(["acc=5%"]));

    expect(compared.map(({ name, likeness }) => [name, likeness])).toEqual([
      ["loss", "same"],
      ["acc", "close"],
      ["label", "different"],
      ["converged", "same"],
      ["lost", "different"],
      ["new", "different"],
    ]);
  });

  it("finds a result the same as itself, in any order", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.tuple(fc.string(), metric()), { selector: ([name]) => name }), (entries) => {
        const compared = compareMetrics(new Map(entries), new Map(entries.toReversed()), NONE);
        expect(leastLikeness(compared.map(({ likeness }) => likeness))).toBe("same");
      }),
    );
  });
});

describe("compareEnds", () => {
  it.each([
    { facts: { reason: undefined, exitCode: 0, signal: null }, text: "exit 0" },
    { facts: { reason: "exit_nonzero", exitCode: 3, signal: null }, text: "exit 3" },
    { facts: { reason: "signal", exitCode: null, signal: "SIGSEGV" }, text: "killed by SIGSEGV" },
    { facts: { reason: "signal", exitCode: undefined, signal: undefined }, text: "killed by a signal" },
    { facts: { reason: "timeout", exitCode: null, signal: "SIGTERM" }, text: "took too long" },
    { facts: { reason: "oom", exitCode: 137, signal: null }, text: "out of memory" },
  ])("calls an end $text", ({ facts, text }) => {
    expect(toEndText(facts)).toBe(text);
    expect(compareEnds(facts, facts).likeness).toBe("same");
  });

  it("takes any signal for the one that the ledger does not name", () => {
    const some = { reason: "signal", exitCode: undefined, signal: undefined };
    const killed = { reason: "signal", exitCode: null, signal: "SIGSEGV" };
    expect(compareEnds(some, killed).likeness).toBe("same");
    expect(compareEnds(killed, { reason: undefined, exitCode: 0, signal: null }).likeness).toBe("different");
  });
});

describe("leastLikeness", () => {
  it("is different as soon as one is, and else close as soon as one is", () => {
    const all: readonly Likeness[] = ["same", "close", "different"];
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...all)), (likenesses) => {
        const least = leastLikeness(likenesses);
        expect(all.indexOf(least)).toBe(Math.max(0, ...likenesses.map((one) => all.indexOf(one))));
      }),
    );
  });
});

function metric(): fc.Arbitrary<MetricValue> {
  return fc.oneof(fc.double({ noNaN: true }), fc.boolean(), fc.string());
}
