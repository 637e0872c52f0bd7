import { describe, expect, it } from "vitest";

import { didYouMean, nearest } from "../../../src/model/nearest.ts";

describe("nearest", () => {
  const known = ["complete", "failed", "running", "runs list"];

  it.each([
    { word: "compelte", meant: "complete" },
    { word: "faild", meant: "failed" },
    { word: "Runing", meant: "running" },
    { word: "run list", meant: "runs list" },
  ])("takes $word for $meant", ({ word, meant }) => {
    expect(nearest(word, known)).toBe(meant);
  });

  it("guesses nothing for a word that is like none", () => {
    expect(nearest("zzz", known)).toBeUndefined();
    expect(didYouMean("zzz", known)).toBe("");
  });

  it("ends a sentence with the guess", () => {
    expect(didYouMean("faild", known)).toBe(' Did you mean "failed"?');
  });
});
