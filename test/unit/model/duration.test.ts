import { describe, expect, it } from "vitest";

import { LONGEST_MS, parseDuration } from "../../../src/model/duration.ts";

describe("parseDuration", () => {
  it.each([
    { text: "90", ms: 90_000 },
    { text: "90s", ms: 90_000 },
    { text: "0.5", ms: 500 },
    { text: "250ms", ms: 250 },
    { text: "15m", ms: 900_000 },
    { text: "1.5h", ms: 5_400_000 },
    { text: "2h30m", ms: 9_000_000 },
    { text: "1d", ms: 86_400_000 },
  ])("reads $text", ({ text, ms }) => {
    expect(parseDuration(text)).toBe(ms);
  });

  it.each(["", "0", "soon", "-1s", "1y", "2h30", "30d", "1s extra"])("refuses %j", (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: "cli.usage" }));
  });
});

it("takes longer times where no timer waits for them", () => {
  expect(parseDuration("30d", "--retain", LONGEST_MS)).toBe(30 * 86_400_000);
  expect(() => parseDuration("40000d", "--retain", LONGEST_MS)).toThrow(
    '--retain="40000d" is not a duration between 1 ms and 36500 days',
  );
});
