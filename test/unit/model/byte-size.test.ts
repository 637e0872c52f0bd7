import { describe, expect, it } from "vitest";

import { parseByteSize } from "../../../src/model/byte-size.ts";

describe("parseByteSize", () => {
  it.each([
    ["0", 0],
    ["1000000", 1_000_000],
    ["500MB", 500_000_000],
    ["2 GiB", 2 ** 31],
    ["1.5kb", 1500],
    ["1TiB", 2 ** 40],
  ])("reads %s", (text, bytes) => {
    expect(parseByteSize(text)).toBe(bytes);
  });

  it.each(["", "much", "1XB", "-1", "1 000", "9999999TiB", "NaN"])("refuses %j", (text) => {
    expect(() => parseByteSize(text, "min_free")).toThrow(`min_free=${JSON.stringify(text)} is not a number of bytes`);
  });
});
