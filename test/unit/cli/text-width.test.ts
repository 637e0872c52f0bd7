import fc from "fast-check";
import stringWidth from "string-width";
import { describe, expect, it } from "vitest";

import { cutText, padText, textWidth } from "../../../src/cli/render/text-width.ts";

const PIECES = [
  "a",
  "é",
  "e\u0301",
  "日",
  "한",
  "ｱ",
  "😀",
  "👩‍👩‍👧",
  "🇩🇪",
  "✓",
  "…",
  "±",
  "⣿",
  "ß",
  "\u200b",
  " ",
  "カ",
  "！",
];

describe("textWidth", () => {
  it.each(PIECES.filter((piece) => piece !== "ｱ"))("agrees with string-width on %j", (piece) => {
    expect(textWidth(piece)).toBe(stringWidth(piece));
  });

  it("agrees with string-width on any mix", () => {
    const text = fc.array(fc.constantFrom(...PIECES)).map((pieces) => pieces.join(" "));
    fc.assert(
      fc.property(text, (mixed) => {
        expect(textWidth(mixed)).toBe(stringWidth(mixed));
      }),
    );
  });
});

describe("cutText", () => {
  it("never exceeds the width and marks what it cut", () => {
    const text = fc.array(fc.constantFrom(...PIECES)).map((pieces) => pieces.join(" "));
    fc.assert(
      fc.property(text, fc.integer({ min: 1, max: 20 }), (long, width) => {
        const cut = cutText(long, width);
        expect(textWidth(cut)).toBeLessThanOrEqual(width);
        expect(cut === long || cut.endsWith("…")).toBe(true);
      }),
    );
  });

  it("leaves nothing where there is no room", () => {
    expect(cutText("abc", 0)).toBe("");
  });

  it("pads by cells, not by characters", () => {
    expect(padText("日本", 6)).toBe("日本  ");
    expect(padText("1", 3, "right")).toBe("  1");
  });
});
