import { describe, expect, it } from "vitest";

import { toPythonJson } from "../../../src/model/exact-json.ts";
import { parseExactObject } from "../../../src/model/exact-json-reader.ts";
import { buildStatePoint } from "../../../src/run/state-point.ts";

const own = parseExactObject('{"lr": 1.0, "seed": 0}');

describe("buildStatePoint", () => {
  it("puts experiment, hypotheses and code before the user's keys", () => {
    const statePoint = buildStatePoint({
      own,
      experimentId: "E001",
      hypothesisId: "H001",
      subHypothesisId: "H002",
      code: { commit: "abc", isDirty: false },
    });

    expect(toPythonJson(statePoint)).toBe(
      '{"experiment_id": "E001", "hypothesis_id": "H001", "sub_hypothesis_id": "H002", ' +
        '"code_commit": "abc", "code_dirty": false, "lr": 1.0, "seed": 0}',
    );
  });

  it("leaves out what is not said", () => {
    expect(toPythonJson(buildStatePoint({ own }))).toBe('{"lr": 1.0, "seed": 0}');
  });

  it("lets the user's keys win over the code's", () => {
    const statePoint = buildStatePoint({
      own: parseExactObject('{"code_commit": "v1.2"}'),
      code: { commit: "abc", isDirty: true },
    });

    expect(toPythonJson(statePoint)).toBe('{"code_commit": "v1.2", "code_dirty": true}');
  });

  it.each([
    { what: "experiment_id", text: '{"experiment_id": "E002"}', code: "state_point.reserved_key" },
    { what: "a key with a dot", text: '{"a": [{"b.c": 1}]}', code: "state_point.invalid" },
    { what: "NaN", text: '{"a": {"b": NaN}}', code: "state_point.invalid" },
    { what: "an infinity", text: '{"a": [-Infinity]}', code: "state_point.invalid" },
  ])("refuses $what", ({ text, code }) => {
    expect(() => buildStatePoint({ own: parseExactObject(text) })).toThrow(expect.objectContaining({ code }));
  });
});
