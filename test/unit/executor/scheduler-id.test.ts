import fc from "fast-check";
import { describe, expect, it } from "vitest";

import {
  compareSchedulerIds,
  expandJobIds,
  indexOf,
  toAskedId,
  toElementId,
} from "../../../src/executor/scheduler-id.ts";

describe("expandJobIds", () => {
  it.each([
    { text: "12", ids: ["12"] },
    { text: "12_3", ids: ["12_3"] },
    { text: "12_[0-2,7]", ids: ["12_0", "12_1", "12_2", "12_7"] },
    { text: "12_[3-5%2]", ids: ["12_3", "12_4", "12_5"] },
    { text: "12_[0-6:3,9]", ids: ["12_0", "12_3", "12_6", "12_9"] },
    { text: "12_[998-4000000]", ids: ["12_998", "12_999"] },
    { text: "12_[]", ids: [] },
    { text: "12_[1-2", ids: [] },
    { text: "12.batch", ids: [] },
    { text: "12_[0-4:0]", ids: ["12_0", "12_1", "12_2", "12_3", "12_4"] },
  ])("takes $text for $ids", ({ text, ids }) => {
    expect(expandJobIds(text)).toEqual(ids);
  });

  it("finds every element that waits, and no other", () => {
    const indices = fc.uniqueArray(fc.nat({ max: 999 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 1e9 }), indices, (array, elements) => {
        expect(expandJobIds(`${array}_[${elements.join(",")}]`)).toEqual(elements.map((index) => `${array}_${index}`));
      }),
    );
  });
});

describe("ids of elements", () => {
  it("are asked for by the number of their array", () => {
    expect([toAskedId("12"), toAskedId("12_3"), toElementId("12", 3)]).toEqual(["12", "12", "12_3"]);
    expect([indexOf("12"), indexOf("12_3")]).toEqual([undefined, 3]);
  });

  it("stand in the order of submission", () => {
    expect(["10", "9_11", "9_2", "8"].toSorted(compareSchedulerIds)).toEqual(["8", "9_2", "9_11", "10"]);
  });
});
