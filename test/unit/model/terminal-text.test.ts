import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { toSafeLine, toSafeText } from "../../../src/model/terminal-text.ts";

describe("toSafeLine", () => {
  it.each([
    { what: "colours", text: "\u001b[31mred\u001b[0m", safe: "red" },
    { what: "cursor moves", text: "a\u001b[2J\u001b[1;1Hb", safe: "ab" },
    { what: "a window title", text: "\u001b]0;owned\u0007name", safe: "name" },
    { what: "a hyperlink", text: "\u001b]8;;http://x\u001b\\link\u001b]8;;\u001b\\", safe: "link" },
    { what: "eight-bit sequences", text: "\u009b31mred", safe: "red" },
    { what: "a sequence without an end", text: "name\u001b[", safe: "name" },
    { what: "bells and backspaces", text: "a\u0007b\u0008c", safe: "abc" },
    { what: "text that runs backwards", text: "safe\u202Etxt.exe", safe: "safetxt.exe" },
    { what: "line breaks", text: "one\r\n\ttwo\rthree", safe: "one two three" },
  ])("takes out $what", ({ text, safe }) => {
    expect(toSafeLine(text)).toBe(safe);
  });

  it("leaves nothing that a terminal obeys, and nothing to take out twice", () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom("\u001b", "[", "]", "0", ";", "m", "\u0007", "\u009b", "\\", "a", "\n", "é", "\u202e"),
        }),
        (text) => {
          const safe = toSafeLine(text);

          expect(safe).not.toMatch(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e]/);
          expect(toSafeLine(safe)).toBe(safe);
        },
      ),
    );
  });
});

describe("toSafeText", () => {
  it("keeps lines and tabs", () => {
    expect(toSafeText("one\r\n\ttwo\u001b[1m\rthree")).toBe("one\n\ttwo\nthree");
  });
});
