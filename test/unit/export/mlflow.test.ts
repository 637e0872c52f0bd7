import fc from "fast-check";
import { posix } from "node:path";
import { describe, expect, it } from "vitest";

import { CurveWriter } from "../../../src/export/mlflow-curves.ts";
import { MlflowExperiments } from "../../../src/export/mlflow-experiments.ts";
import { MlflowNames } from "../../../src/export/mlflow-names.ts";
import { toMlflowRun } from "../../../src/export/mlflow-run.ts";
import { ExactNumber } from "../../../src/model/exact-json.ts";
import { exportedRun } from "../../helpers/exported-run.ts";

/** When the run of the tests began. */
const START = 1_772_359_205_000;

describe("MlflowNames", () => {
  it.each([
    [
      ["lr", "model.name", "val/loss", "α β"],
      ["lr", "model.name", "val/loss", "α β"],
    ],
    [
      ["a:b", "a?b", "a\nb"],
      ["a_b", "a_b_2", "a_b_3"],
    ],
    [
      ["../../etc", "/abs", "a//b", ".", ""],
      ["__/__/etc", "abs", "a/b", "_", "__2"],
    ],
    [
      ["loss", "loss/train", "Loss"],
      ["loss", "loss_train", "Loss_2"],
    ],
    [
      ["a/b", "a"],
      ["a/b", "a_2"],
    ],
    [["x".repeat(400)], ["x".repeat(245)]],
  ])("gives %j the names %j", (names, wanted) => {
    const taken = new MlflowNames();

    expect(names.map((name) => taken.take(name))).toEqual(wanted);
  });

  it("gives different names that mlflow takes, none of them the folder of another", () => {
    const unit = fc.constantFrom("a", "A", "/", ".", "..", ":", " ", "é", "😀", "\0", "long".repeat(80));
    const name = fc.array(unit, { maxLength: 6 }).map((parts) => parts.join(""));
    fc.assert(
      fc.property(fc.uniqueArray(name, { maxLength: 12 }), (names) => {
        const taken = new MlflowNames();
        const given = names.map((each) => taken.take(each));
        const keys = given.map((each) => each.toLowerCase());

        expect(new Set(keys).size).toBe(names.length);
        for (const each of given) {
          expect(each).toMatch(/^[\p{L}\p{Nd}_.\- /]+$/u);
          expect(posix.normalize(each)).toBe(each);
          expect(each).not.toMatch(/^\.\.|^\/|^\.$|\/$/);
          expect(keys.some((other) => other.startsWith(`${each.toLowerCase()}/`))).toBe(false);
          expect(Buffer.byteLength(each)).toBeLessThanOrEqual(255);
        }
      }),
    );
  });
});

describe("MlflowExperiments", () => {
  it("counts ours by their numbers, and gives every other name an id of its own", () => {
    const experiments = new MlflowExperiments();
    const ids = ["E012", undefined, "E0012", "my runs\n", "E012", "E000", "my runs\n"].map((name) => {
      const { experiment, isNew } = experiments.of(name);
      return [experiment.id, experiment.name, isNew];
    });

    expect(ids).toEqual([
      ["12", "E012", true],
      ["0", "Default", true],
      ["1000000000", "E0012", true],
      ["1000000001", "my runs", true],
      ["12", "E012", false],
      ["1000000002", "E000", true],
      ["1000000001", "my runs", false],
    ]);
  });
});

describe("toMlflowRun", () => {
  const options = { experiment: "1", repositoryUrl: undefined, curves: new Set<string>() };

  it("writes what mlflow would have written", () => {
    const { meta, parameters } = toMlflowRun(exportedRun({ lr: "1.0", none: "null", on: "true" }), options);

    expect(meta).toMatchInlineSnapshot(`
      "artifact_uri: "mlflow-artifacts:/1/00000000000000000000000000000000/artifacts"
      end_time: 1772359259000
      entry_point_name: ""
      experiment_id: "1"
      lifecycle_stage: "active"
      run_id: "00000000000000000000000000000000"
      run_name: "00000000"
      run_uuid: "00000000000000000000000000000000"
      source_name: ""
      source_type: 4
      source_version: ""
      start_time: 1772359205000
      status: 3
      tags: []
      user_id: "unknown"
      "
    `);
    expect([...parameters]).toEqual([
      ["lr", "1.0"],
      ["none", "null"],
      ["on", "true"],
    ]);
  });

  it("tells what it renamed or cut, and keeps what is no number as tags", () => {
    const run = exportedRun({ "a:b": JSON.stringify("x".repeat(7000)) }, { "loss?": ExactNumber.float(0.5), ok: true });
    const { changes, metrics, tags, parameters } = toMlflowRun(run, options);

    expect(changes).toEqual([
      { kind: "renamed", what: "parameter", from: "a:b", to: "a_b" },
      { kind: "shortened", what: "parameter", from: "a:b", to: "6000 characters" },
      { kind: "renamed", what: "metric", from: "loss?", to: "loss_" },
    ]);
    expect(parameters.get("a_b")).toHaveLength(6000);
    expect([...metrics.values()]).toEqual([{ name: "loss_", line: "1772359259000 0.5 0\n" }]);
    expect(tags.get("aexp.metric.ok")).toBe("true");
  });
});

describe("CurveWriter", () => {
  it("writes every point with its step, and ends with the last value that aexp knows", () => {
    const lines = ['{"step": 5, "loss": 2, "acc": 0.5}', '{"step": 7, "loss": 1}', '{"step": 6, "loss": 3}'];

    expect(written(lines, { loss: ExactNumber.float(3), acc: ExactNumber.float(0.5) })).toEqual({
      loss: `${START} 2 5\n${START} 1 7\n${START} 3 6\n1772359259000 3.0 7\n`,
      acc: `${START} 0.5 5\n`,
    });
  });

  it("counts points whose axis is not whole", () => {
    expect(written(['{"t": 0.5, "loss": 2}', '{"t": 1.5, "loss": 1}'], {})).toEqual({
      loss: `${START} 2 0\n${START} 1 1\n`,
    });
  });

  it("writes no more points than it counted, when a program writes on meanwhile", () => {
    const reads = [['{"step": 0, "loss": 2}'], ['{"step": 0, "loss": 2}', '{"step": 1, "loss": 1, "new": 1}']];
    const curves = new CurveWriter(() => reads.shift() ?? []);
    const texts: Record<string, string> = {};
    curves.write(exportedRun({}), new MlflowNames(), (name, text) => (texts[name] = text));

    expect(texts).toEqual({ loss: `${START} 2 0\n` });
  });
});

function written(lines: readonly string[], metrics: Readonly<Record<string, ExactNumber>>): Record<string, string> {
  const texts: Record<string, string> = {};
  const curves = new CurveWriter(() => lines);
  curves.write(exportedRun({}, metrics), new MlflowNames(), (name, text) => (texts[name] = (texts[name] ?? "") + text));
  return texts;
}
