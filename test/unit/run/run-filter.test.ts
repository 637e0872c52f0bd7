import { describe, expect, it } from "vitest";

import { parseExactObject } from "../../../src/model/exact-json-reader.ts";
import type { JsonValue } from "../../../src/model/json.ts";
import { matchesFilter, parseRunFilter } from "../../../src/run/run-filter.ts";

const RUN = {
  statePoint: parseExactObject(
    '{"lr": 0.001, "seed": 1, "one": 1.0, "amp": true, "name": "gpt", "none": null, "dims": [64, 128.0], "nan": NaN, ' +
      '"big": 9007199254740993, "model": {"name": "nano", "layers": 3}, "empty": {}, "doc": {"x": 5}}',
  ),
  document: { status: "complete", metrics: { loss: 0.25 }, __proto__key: 1 },
};

function matches(filter: JsonValue): boolean {
  return matchesFilter(parseRunFilter(filter), RUN);
}

describe("the query language", () => {
  it.each<JsonValue>([
    {},
    { seed: 1 },
    { seed: true },
    { one: 1 },
    { amp: 1 },
    { none: null },
    { dims: [64.0, 128] },
    { big: 9007199254740992 },
    { "model.name": "nano" },
    { model: { name: "nano" } },
    { "sp.model": { "name.$regex": "^na" } },
    { empty: {} },
    { "sp.doc.x": 5 },
    { "doc.status": "complete" },
    { doc: { metrics: { loss: { $lt: 0.5 } } } },
    { doc: { $exists: true } },
    { lr: { $gte: 0.001, $lt: 1 } },
    { "lr.$lt": 0.01 },
    { name: { $gt: "abc" } },
    { name: { $in: ["bert", "gpt"] } },
    { name: { $in: "a gpt model" } },
    { name: { $nin: ["bert"] } },
    { name: { $ne: "bert" } },
    { seed: { $eq: 1.0 } },
    { model: { $exists: true } },
    { missing: { $exists: false } },
    { name: { $regex: "p" } },
    { seed: { $type: "int" } },
    { one: { $type: "float" } },
    { amp: { $type: "bool" } },
    { dims: { $type: "list" } },
    { none: { $type: "null" } },
    { name: { $type: "str" } },
    { lr: { $near: 0.001000000000001 } },
    { lr: { $near: [0.0011, 0.1] } },
    { lr: { $near: [0, 0, 0.01] } },
    { $and: [{ seed: 1 }, { name: "gpt" }] },
    { $or: [{ seed: 2 }, { name: "gpt" }] },
    { $not: { seed: 2 } },
    { $not: { "doc.status": "failed" } },
    { nan: { $ne: 1 } },
  ])("finds the run by %j", (filter) => {
    expect(matches(filter)).toBe(true);
  });

  it.each<JsonValue>([
    { seed: "1" },
    { seed: 2 },
    { missing: null },
    { missing: { $ne: 1 } },
    { missing: { $nin: [1] } },
    { dims: 64 },
    { dims: [64] },
    { "dims.0": 64 },
    { nan: { $lt: 1 } },
    { name: { $lt: 5 } },
    { none: { $gte: 0 } },
    { name: { $near: 1 } },
    { seed: { $regex: "1" } },
    { amp: { $type: "int" } },
    { model: { name: "nano", layers: 4 } },
    { empty: 1 },
    { model: {} },
    { "doc.x": 5 },
    { "doc.constructor": { $exists: true } },
    { "__proto__.x": 1 },
    { seed: { $nin: [1] } },
    { $and: [{ seed: 1 }, { name: "bert" }] },
    { $not: { "doc.status": "complete" } },
  ])("does not find the run by %j", (filter) => {
    expect(matches(filter)).toBe(false);
  });

  it.each<[JsonValue, string]>([
    [[1], "a filter must be an object"],
    [{ seed: { $lte3: 1 } }, 'Did you mean "$lte"?'],
    [{ $or: [] }, "$or takes a list of at least one filter"],
    [{ a: { $not: { b: 1 } } }, "$not stands beside keys"],
    [{ a: { $and: [{ b: 1 }] } }, "$and stands beside keys"],
    [{ $where: "1" }, '"$where" is no operator'],
    [{ $eq: 1 }, "an operator needs a key before it"],
    [{ a: { $exists: 1 } }, "$exists takes true or false"],
    [{ a: { $regex: "(" } }, "not a regular expression"],
    [{ a: { $regex: 1 } }, "$regex takes a text"],
    [{ a: { $type: "integer" } }, "$type takes one of int, float, bool, str, list, null"],
    [{ a: { $in: 5 } }, "$in takes a list"],
    [{ a: { $near: [1, 2, 3, 4] } }, "$near takes a number"],
    [{ a: { $near: "x" } }, "$near takes a number"],
  ])("refuses %j", (filter, message) => {
    expect(() => parseRunFilter(filter)).toThrow(message);
  });

  it("refuses a filter that nests without end", () => {
    let filter: JsonValue = { a: 1 };
    for (let depth = 0; depth < 200; depth += 1) filter = { $not: filter };
    expect(() => parseRunFilter(filter)).toThrow("nests deeper than");
  });
});
