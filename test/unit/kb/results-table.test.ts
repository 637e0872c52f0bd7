import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { findSections, findWikilinks, maskInert } from "../../../src/kb/markdown.ts";
import { type CitedRun, renderResults } from "../../../src/kb/results-table.ts";
import type { Exact, ExactObject } from "../../../src/model/exact-json.ts";
import { parseExactObject } from "../../../src/model/exact-json-reader.ts";
import { parseJobId, toJobId } from "../../../src/run/job-id.ts";
import { toSpreadText } from "../../../src/run/spread-text.ts";

function cited(statePoint: string, metrics: CitedRun["metrics"] = {}, rest: Partial<CitedRun> = {}): CitedRun {
  const exact = parseExactObject(statePoint);
  return { jobId: toJobId(exact), status: "complete", experimentId: "E001", statePoint: exact, metrics, ...rest };
}

function table(runs: readonly CitedRun[]): string {
  return renderResults("F001", { runs, missing: [] });
}

const sweep = ["0.01", "0.1"].flatMap((lr, row) =>
  [0, 1, 2].map((seed) =>
    cited(`{"lr": ${lr}, "seed": ${seed}, "model": {"name": "mlp", "layers": 2}}`, {
      loss: 0.9 - 0.4 * row + 0.0123 * seed,
      accuracy: 0.5 + seed / 100,
      step: 9,
      note: "text",
    }),
  ),
);

describe("renderResults", () => {
  it("shows what differs, with the runs of several seeds as one row", () => {
    expect(table(sweep)).toMatchInlineSnapshot(`
      "All runs: model.layers=2, model.name=mlp

      | lr   | runs |            accuracy |                loss |
      | ---- | ---: | ------------------: | ------------------: |
      | 0.01 |    3 | 0.510 ± 0.010 (n=3) | 0.912 ± 0.012 (n=3) |
      | 0.1  |    3 | 0.510 ± 0.010 (n=3) | 0.512 ± 0.012 (n=3) |

      Runs that differ only in their seed are one row: mean ± standard deviation.

      Runs: \`1c9360d9\`, \`5b1c7e1f\`, \`659992e6\`, \`8431c75c\`, \`a240bcbd\`, \`c24fe8eb\`. Renew with \`aexp finding refresh F001\`."
    `);
  });

  it("shows a single run with its values as they are", () => {
    const [run] = sweep;

    expect(table(run === undefined ? [] : [run])).toMatchInlineSnapshot(`
      "The run: lr=0.01, model.layers=2, model.name=mlp, seed=0

      | runs | accuracy | loss |
      | ---: | -------: | ---: |
      |    1 |      0.5 |  0.9 |

      Run: \`1c9360d9\`. Renew with \`aexp finding refresh F001\`."
    `);
  });

  it("keeps runs that broke off out of the means, and says so", () => {
    const [first, second, third, ...others] = sweep;
    if (first === undefined || second === undefined || third === undefined) throw new Error("no sweep");
    const runs = [
      first,
      { ...second, status: "failed", metrics: { loss: 1e9 } },
      third,
      ...others.map((run) => ({ ...run, status: "stopped" })),
    ];

    expect(table(runs)).toMatchInlineSnapshot(`
      "All runs: model.layers=2, model.name=mlp

      | lr   | runs | status               |            accuracy |                loss |
      | ---- | ---: | -------------------- | ------------------: | ------------------: |
      | 0.01 |    3 | 2 complete, 1 failed | 0.510 ± 0.014 (n=2) | 0.912 ± 0.017 (n=2) |
      | 0.1  |    3 | 3 stopped            | 0.510 ± 0.010 (n=3) | 0.512 ± 0.012 (n=3) |

      Runs that differ only in their seed are one row: mean ± standard deviation. Where some of them are complete, it is the mean of those.

      Runs: \`1c9360d9\`, \`5b1c7e1f\`, \`659992e6\`, \`8431c75c\`, \`a240bcbd\`, \`c24fe8eb\`. Renew with \`aexp finding refresh F001\`."
    `);
  });

  it("keeps apart what was run with other code, or linked to another experiment", () => {
    const runs = [
      cited(`{"experiment_id": "E001", "code_commit": "${"ab".repeat(20)}", "lr": 1}`),
      cited(`{"experiment_id": "E001", "code_commit": "${"cd".repeat(20)}", "lr": 1}`),
      cited(
        `{"experiment_id": "E001", "code_commit": "${"cd".repeat(20)}", "lr": 1, "seed": 4}`,
        {},
        { experimentId: "E002" },
      ),
    ];

    expect(table(runs)).toMatchInlineSnapshot(`
      "All runs: lr=1

      | code_commit | experiment_id | seed | runs |
      | ----------- | ------------- | ---- | ---: |
      | ababababab  | E001          |      |    1 |
      | cdcdcdcdcd  | E001          |      |    1 |
      | cdcdcdcdcd  | E002          | 4    |    1 |

      Runs: \`0e79e637\`, \`86596a1f\`, \`fbae6d2c\`. Renew with \`aexp finding refresh F001\`."
    `);
  });

  it("says what it leaves out of a large table", () => {
    const metrics = Object.fromEntries(Array.from({ length: 11 }, (_, index) => [`m${index}`, index]));
    const runs = Array.from({ length: 57 }, (_, index) => cited(`{"n": ${index}}`, metrics));
    const text = table(runs);

    expect(text.match(/^\| \d/gm)).toHaveLength(50);
    expect(text.split("\n")[0]?.match(/m\d+/g)).toEqual(["m0", "m1", "m10", "m2", "m3", "m4", "m5", "m6"]);
    expect(text).toContain("Not shown: 7 more rows, 3 more metrics.\n\n57 runs. Renew with");
  });

  it("names citations of which no run has ended", () => {
    const jobId = parseJobId("0123456789abcdef0123456789abcdef");
    const selector = parseExactObject('{"lr": 1.0, "name": "1"}');

    expect(
      renderResults("F001", {
        runs: [],
        missing: [
          { type: "job", jobId },
          { type: "batch", experimentId: "E002", selector },
          { type: "batch", experimentId: "E003", selector: new Map() },
        ],
      }),
    ).toMatchInlineSnapshot(`
      "Cited, but no finished run is known: \`01234567\`, E002 with lr=1.0, name="1", E003.

      No cited run has finished. Renew with \`aexp finding refresh F001\`."
    `);
  });

  it("tells apart values of different kinds", () => {
    const text = table([
      cited('{"a": 1}'),
      cited('{"a": 1.0}'),
      cited('{"a": "1"}'),
      cited('{"a": [1, null]}'),
      cited("{}"),
    ]);

    expect([...text.matchAll(/^\| (.*?) +\| +1 \|$/gm)].map(([, cell]) => cell)).toEqual(
      ["", '"1"', "1", "1.0", String.raw`\[1, null\]`].toSorted(),
    );
  });

  it("gives the same bytes in whatever order runs, parameters and metrics come", () => {
    fc.assert(
      fc.property(runList, (runs) => {
        const reversed = runs.toReversed().map((run) => ({
          ...run,
          statePoint: new Map([...run.statePoint].toReversed()),
          metrics: Object.fromEntries(Object.entries(run.metrics).toReversed()),
        }));
        expect(table(reversed)).toBe(table(runs));
      }),
    );
  });

  it("keeps its shape whatever the parameters and metrics are called", () => {
    fc.assert(
      fc.property(runList, (runs) => {
        const text = table(runs);
        const rows = text.split("\n").filter((line) => line.startsWith("|"));
        const widths = rows.map((row) => row.replaceAll(/\\./gs, "").split("|").length);
        expect(new Set(widths).size).toBe(runs.length === 0 ? 0 : 1);
        expect(maskInert(text).replaceAll(/[ \n]/g, "")).toBe(
          text.replaceAll(/`[^`\n]*`/g, "").replaceAll(/[ \n]/g, ""),
        );
        expect(findWikilinks(text)).toEqual([]);
        expect(findSections(text)).toEqual([]);
        expect(text).not.toMatch(/[\r\u2028\u2029]|-->/);
        expect(text.isWellFormed()).toBe(true);
      }),
    );
  });
});

describe("toSpreadText", () => {
  it.each([
    [{ mean: 0.92741, sd: 0.0123, n: 3 }, "0.927 ± 0.012"],
    [{ mean: 0.9, sd: 0.0996, n: 3 }, "0.90 ± 0.10"],
    [{ mean: 0.5, sd: 0, n: 3 }, "0.5 ± 0"],
    [{ mean: 0, sd: 0.25, n: 2 }, "0.00 ± 0.25"],
    [{ mean: -0.001, sd: 1.2, n: 2 }, "0.0 ± 1.2"],
    [{ mean: 56_789, sd: 1234, n: 2 }, "56800 ± 1200"],
    [{ mean: 12.5, sd: 15, n: 2 }, "13 ± 15"],
    [{ mean: 1.2345e-5, sd: 1.2e-7, n: 2 }, "(1.234 ± 0.012)e-5"],
    [{ mean: 123_456_789, sd: 1_000_000, n: 2 }, "(1.235 ± 0.010)e8"],
    [{ mean: 1, sd: 1.234e-15, n: 2 }, "1 ± 1.2e-15"],
    [{ mean: Infinity, sd: Number.NaN, n: 2 }, "Infinity ± NaN"],
    [{ mean: 0.123456789, n: 1 }, "0.123457"],
    [{ mean: 1_234_567, n: 1 }, "1234567"],
    [{ mean: -0, n: 1 }, "0"],
  ])("writes %j as %s", (spread, text) => {
    expect(toSpreadText(spread)).toBe(text);
  });

  it("writes every finite spread in few characters that read back near the mean", () => {
    const finite = fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e150, max: 1e150 });
    fc.assert(
      fc.property(finite, finite, (mean, deviation) => {
        const sd = Math.abs(deviation);
        const text = toSpreadText({ mean, sd, n: 2 });
        const [, inner = "", , power] = /^\(?(\S+) ± (\S+?)(?:\)e(\S+))?$/.exec(text) ?? [];
        expect(text.length).toBeLessThan(40);
        expect(Math.abs(Number(power === undefined ? inner : `${inner}e${power}`) - mean)).toBeLessThanOrEqual(
          sd + Math.abs(mean) * 1e-5,
        );
      }),
    );
  });
});

// prettier-ignore
const NASTY = ["|", "\\", "\\|", "`", "```", "[[F001]]", "](x)", "<!--", "-->", "%%", "%", "# x", "\n", "\r\n", "\u2028", "\ud800", "*", "_", "$", "~~", "&lt;", "seed", "a.b"];
const word = fc.oneof(fc.constantFrom(...NASTY), fc.string({ unit: "binary", maxLength: 6 }));
const value: fc.Arbitrary<Exact> = fc.oneof(fc.constantFrom(null, true), word, fc.array(word, { maxLength: 2 }));
const statePoint: fc.Arbitrary<ExactObject> = fc
  .array(fc.tuple(word, value), { maxLength: 4 })
  .map((entries) => new Map(entries));
const metrics = fc.dictionary(word, fc.oneof(fc.double(), fc.integer(), fc.boolean(), fc.string()), { maxKeys: 4 });
const runList: fc.Arbitrary<readonly CitedRun[]> = fc.uniqueArray(
  fc.record({
    jobId: statePoint.map(toJobId),
    status: fc.constantFrom("complete", "complete", "failed", "stopped"),
    experimentId: fc.constantFrom("E001", undefined),
    statePoint,
    metrics,
  }),
  { selector: ({ jobId }) => jobId, maxLength: 6 },
);
