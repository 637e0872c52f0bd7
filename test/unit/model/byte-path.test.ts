import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { fromBytes, fromText, quotePath, toBytes } from "../../../src/model/byte-path.ts";

describe("a path of bytes", () => {
  it("keeps every byte, and sorts like the bytes do", () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (left, right) => {
        const paths = [fromBytes(Buffer.from(left)), fromBytes(Buffer.from(right))];

        expect(paths.map((path) => [...toBytes(path)])).toEqual([[...left], [...right]]);
        expect(paths.toSorted().map((path) => [...toBytes(path)])).toEqual(
          [left, right].toSorted((one, other) => Buffer.compare(one, other)).map((part) => [...part]),
        );
      }),
    );
  });

  it("is quoted for a message", () => {
    expect(quotePath(fromText('a "é"\u001b'))).toBe('"a \\"é\\"\\u001b"');
    expect(quotePath("\u00ff")).toBe('"\ufffd"');
  });
});
