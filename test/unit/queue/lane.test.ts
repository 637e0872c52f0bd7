import fc from "fast-check";
import { expect, it } from "vitest";

import { checkLaneName, type LaneSection, parseLaneSection, toSectionPatch } from "../../../src/queue/lane.ts";

const section: fc.Arbitrary<LaneSection> = fc.record(
  {
    maxRunning: fc.nat(3),
    maxPerCaller: fc.integer({ min: 1, max: 3 }),
    onLost: fc.constantFrom("fail", "requeue"),
    retainMs: fc.nat(3),
    keepLast: fc.nat(3),
    ageMs: fc.integer({ min: 1, max: 3 }),
  },
  { requiredKeys: [] },
);
const DEFAULTS = {
  maxRunning: null,
  maxPerCaller: null,
  onLost: "fail",
  retainMs: null,
  keepLast: 3,
  ageMs: null,
};

it("takes over exactly what a section says anew, and leaves the rest to those who set it by hand", () => {
  fc.assert(
    fc.property(section, section, (before, after) => {
      const patch = toSectionPatch(before, after);
      expect({ ...DEFAULTS, ...before, ...patch }).toEqual({ ...DEFAULTS, ...after });
      expect(toSectionPatch(after, after)).toEqual({});
      for (const key of Object.keys(patch))
        expect([key, Reflect.get(before, key)]).not.toEqual([key, Reflect.get(after, key)]);
    }),
  );
});

it("reads back what was kept, and leaves out what it does not understand", () => {
  fc.assert(
    fc.property(section, (kept) => {
      expect(parseLaneSection(JSON.parse(JSON.stringify(kept)))).toEqual(kept);
    }),
  );
  expect(parseLaneSection({ maxRunning: "2", onLost: "maybe", other: 1 })).toEqual({});
});

it.each(["", "a b", "-x", "ä", "a".repeat(101), "a/b", "\u001b[2J"])("refuses %j as the name of a lane", (name) => {
  expect(() => checkLaneName(name)).toThrow("is no name of a lane");
});
